package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"heed/torture/disk"
)

// A kill leaves in the kernel what was written and not synced, and a next start
// finds it there: it proves nothing about fsync. So here heed's directory is on
// a disk that this program holds in memory, and a cut drops what was not
// synced, or any part of it. At the instant of the cut every call to the disk
// begins to fail, so that heed cannot commit, and so not acknowledge, anything
// after it; then it is killed. noticesMissingSyncs shows that the cut is real:
// a heed that does not sync loses what it acknowledged.
func (t *torture) powercut(ctx context.Context) (r result, err error) {
	err = t.batches(t.cycles, func(cycles int) error { return t.cutOne(ctx, sound, usual, cycles, false, &r) })
	return r, err
}

func (t *torture) cutOne(ctx context.Context, of program, p plan, cycles int, everything bool, r *result) error {
	return t.onDisk(ctx, of, p, r, func(b *bench, d *disk.Disk, powerCycle func() error) error {
		b.generator.start(ctx)
		for range cycles {
			if err := t.live(ctx, b); err != nil {
				return err
			}
			loss := disk.Everything
			if !everything && t.random.IntN(2) == 0 {
				loss = disk.Some
			}
			d.Cut(loss, t.random)
			b.kill()
			b.crash()
			if err := powerCycle(); err != nil {
				return err
			}
		}
		if err := b.startReady(ctx); err != nil {
			return err
		}
		return b.settle(ctx)
	})
}

// onDisk makes a bench whose store is on a disk that can lose power. After a
// cut, when heed is gone, powerCycle brings the disk back as it really is,
// without what the kernel remembers of it.
func (t *torture) onDisk(
	ctx context.Context, of program, p plan, r *result,
	do func(b *bench, d *disk.Disk, powerCycle func() error) error,
) error {
	mount, err := os.MkdirTemp(t.dir, "disk-")
	if err != nil {
		return err
	}
	d := disk.New()
	unmount, err := d.Mount(mount)
	if err != nil {
		return &cannotError{err}
	}
	defer func() { _ = whenFree(unmount) }()
	b, err := t.newBench(ctx, of, filepath.Join(mount, "var", "lib", "heed"), p, r)
	if err != nil {
		return err
	}
	defer b.close()
	return do(b, d, func() error {
		if err := whenFree(unmount); err != nil {
			return err
		}
		d.On()
		unmount, err = d.Mount(mount)
		return err
	})
}

// syncerror lets the fsync of a commit fail, then cuts the power, and starts heed
// on what is really there. Nobody can know what is on the disk: heed must
// acknowledge nothing more and end within five seconds.
func (t *torture) syncerror(ctx context.Context) (r result, err error) {
	return t.failingSync(ctx, true)
}

// checkpointerror lets the fsync of a checkpoint fail, which copies what the log
// has, so that heed may make it again; then it cuts the power.
func (t *torture) checkpointerror(ctx context.Context) (r result, err error) {
	return t.failingSync(ctx, false)
}

func (t *torture) failingSync(ctx context.Context, commit bool) (r result, err error) {
	err = t.onDisk(ctx, sound, usual, &r, func(b *bench, d *disk.Disk, powerCycle func() error) error {
		b.generator.start(ctx)
		for range max(2, t.cycles/3) {
			if err := b.startReady(ctx); err != nil {
				return err
			}
			time.Sleep(t.between(0, 300*time.Millisecond))
			if err := b.failSync(ctx, d, commit); err != nil {
				return err
			}
			d.Cut(disk.Everything, t.random)
			b.kill()
			b.crash()
			if err := powerCycle(); err != nil {
				return err
			}
		}
		if err := b.startReady(ctx); err != nil {
			return err
		}
		return b.settle(ctx)
	})
	return r, err
}

func (b *bench) failSync(ctx context.Context, d *disk.Disk, commit bool) error {
	name := "heed.db"
	if commit {
		name += "-wal"
	}
	select {
	case <-d.FailSync(name):
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Second):
		return fmt.Errorf("%s was not synced within 20 s", name)
	}
	select {
	case <-b.ended:
	case <-time.After(time.Second):
		if !commit {
			return nil
		}
		select {
		case <-b.ended:
		case <-time.After(4 * time.Second):
			return errors.New("heed goes on although the fsync of a commit failed")
		}
	}
	if b.cmd.ProcessState.Success() {
		return errors.New("heed ended as if nothing were wrong although an fsync failed")
	}
	return nil
}

// firststart cuts the power after each call in turn that a first start makes to
// the disk, from the first directory to the moment it is ready: what is there
// then must be enough for the next start. In the short form either everything that
// was not synced is lost or some of it, in turn; in the long form both are tried.
func (t *torture) firststart(ctx context.Context) (r result, err error) {
	calls, err := t.firstOne(ctx, 0, disk.Everything, &r)
	if err != nil {
		return r, err
	}
	losses := []disk.Loss{disk.Everything, disk.Some}
	for after := 1; after <= calls; after++ {
		chosen := losses
		if t.cycles < longForm {
			chosen = losses[after%len(losses):][:1]
		}
		for _, loss := range chosen {
			if _, err := t.firstOne(ctx, after, loss, &r); err != nil {
				return r, fmt.Errorf("power cut after call %d of %d: %w", after, calls, err)
			}
		}
	}
	r.note("a first start makes %d calls that change or sync the disk", calls)
	return r, nil
}

// longForm is from how many cycles on a run is one of the long form.
const longForm = 100

// firstOne starts heed on an empty disk, cuts the power after a number of calls,
// and starts it again. With 0 it does not cut, and counts the calls.
func (t *torture) firstOne(ctx context.Context, after int, loss disk.Loss, r *result) (calls int, err error) {
	err = t.onDisk(ctx, sound, usual, r, func(b *bench, d *disk.Disk, powerCycle func() error) error {
		if after == 0 {
			err := b.startReady(ctx)
			calls = d.Calls()
			return err
		}
		d.CutAfter(after, loss, t.random)
		if err := b.start(); err != nil {
			return err
		}
		// A start makes not always as many calls as the first one did.
		if err := wait(ctx, 2*time.Second, func() bool { return !d.Powered() }); err != nil {
			d.Cut(loss, t.random)
		}
		b.kill()
		b.crash()
		if err := powerCycle(); err != nil {
			return err
		}
		return b.startReady(ctx)
	})
	return calls, err
}

// whenFree unmounts as soon as the kernel has done with a killed process.
func whenFree(unmount func() error) (err error) {
	for range 1000 {
		if err = unmount(); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("unmount: %w", err)
}

// noticesEarlyAnswers runs a heed that answers before it commits.
func (t *torture) noticesEarlyAnswers(ctx context.Context) (r result, err error) {
	err = t.killOne(ctx, faulty("--early-answers"), usual, 4, &r)
	return t.mustLose(r, err)
}

// noticesMissingSyncs runs a heed that does not wait for the disk.
func (t *torture) noticesMissingSyncs(ctx context.Context) (r result, err error) {
	err = t.cutOne(ctx, faulty("--no-sync"), usual, 4, true, &r)
	return t.mustLose(r, err)
}

// mustLose turns the verdict round: only a loss is right.
func (t *torture) mustLose(r result, err error) (result, error) {
	var cannot *cannotError
	if errors.As(err, &cannot) {
		return r, err
	}
	if err != nil {
		return r, fmt.Errorf("a broken heed was to lose events, but the run failed otherwise: %w", err)
	}
	noticed := r.tally.lost
	r.findings = nil
	if noticed == 0 {
		r.findings = []finding{{unnoticed, "a heed that acknowledges what it may lose was not noticed"}}
	}
	r.note("a heed that breaks the promise lost %d acknowledged events, and that was noticed", noticed)
	return r, nil
}
