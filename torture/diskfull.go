package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const smallDisk = 64 << 20

// diskfull fills the disk under heed three times. While it is full nothing is
// acknowledged; once there is space heed goes on without a restart. The second
// time it is also killed while the disk is full.
func (t *torture) diskfull(ctx context.Context) (r result, err error) {
	mount, err := os.MkdirTemp(t.dir, "small-")
	if err != nil {
		return r, err
	}
	if err := mountSmall(mount, smallDisk); err != nil {
		return r, &cannotError{err}
	}
	defer func() { _ = whenFree(func() error { return unmountSmall(mount) }) }()
	b, err := t.newBench(ctx, sound, filepath.Join(mount, "data"), usual, &r)
	if err != nil {
		return r, err
	}
	defer b.close()
	b.generator.pause = 40 * time.Millisecond // or the events themselves would fill the disk for good
	b.generator.start(ctx)
	if err := b.startReady(ctx); err != nil {
		return r, err
	}
	for round := range 3 {
		time.Sleep(t.between(300*time.Millisecond, 800*time.Millisecond))
		r.cycles++
		if err := t.fillOnce(ctx, b, filepath.Join(mount, "ballast"), round == 1); err != nil {
			return r, fmt.Errorf("full for the %d. time: %w", round+1, err)
		}
	}
	err = b.settle(ctx)
	return r, err
}

func (t *torture) fillOnce(ctx context.Context, b *bench, ballast string, kill bool) error {
	refused := b.generator.refused.Load()
	if err := fill(ballast); err != nil {
		return err
	}
	if err := wait(ctx, 20*time.Second, func() bool { return b.generator.refused.Load() > refused+100 }); err != nil {
		return fmt.Errorf("heed did not answer 503 on a full disk: %w", err)
	}
	acked := b.generator.acked.Load()
	time.Sleep(time.Second)
	b.result.note("full: %d acknowledged and %d refused within a second", b.generator.acked.Load()-acked,
		b.generator.refused.Load()-refused)
	if kill {
		b.kill()
		b.ledger.note(wordCrashed, "")
		b.result.note("killed on the full disk; a start there: %s", b.tryStart(ctx))
		b.kill()
		b.ledger.note(wordCrashed, "")
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	freed, acked := time.Now(), b.generator.acked.Load()
	if kill {
		if err := b.startReady(ctx); err != nil {
			return err
		}
	}
	if err := wait(ctx, 10*time.Second, func() bool { return b.generator.acked.Load() > acked+50 }); err != nil {
		return fmt.Errorf("heed did not go on once there was space: %w", err)
	}
	b.result.note("50 events acknowledged %v after there was space", time.Since(freed).Round(time.Millisecond))
	return nil
}

// tryStart says how a start on a full disk goes.
func (b *bench) tryStart(ctx context.Context) string {
	if err := b.start(); err != nil {
		return err.Error()
	}
	limited, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	took, err := b.ready(limited)
	switch {
	case errors.Is(err, errEnded):
		return "refused"
	case err != nil:
		return "up, and not ready"
	default:
		return fmt.Sprintf("ready after %v", took.Round(time.Millisecond))
	}
}

// fill writes until there is no space left.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			return err
		}
	}
	return nil
}

func wait(ctx context.Context, limit time.Duration, until func() bool) error {
	for deadline := time.Now().Add(limit); !until(); time.Sleep(5 * time.Millisecond) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited for %v", limit)
		}
	}
	return nil
}
