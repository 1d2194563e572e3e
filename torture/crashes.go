package main

import (
	"context"
	"fmt"
	"time"
)

// A store is used for so many crashes before it is judged; then a new one
// begins, so that the first start is tortured too.
const crashesPerStore = 25

// batches calls one with a number of crashes, until all are done.
func (t *torture) batches(cycles int, one func(cycles int) error) error {
	for cycles > 0 {
		n := min(cycles, crashesPerStore)
		if err := one(n); err != nil {
			return err
		}
		cycles -= n
	}
	return nil
}

// kill is kill -9 at random moments.
func (t *torture) kill(ctx context.Context) (r result, err error) {
	err = t.batches(t.cycles, func(cycles int) error { return t.killOne(ctx, "", cycles, &r) })
	return r, err
}

func (t *torture) killOne(ctx context.Context, tag string, cycles int, r *result) error {
	b, err := t.newBench(ctx, tag, "", usual, r)
	if err != nil {
		return err
	}
	defer b.close()
	b.generator.start(ctx)
	for range cycles {
		if err := t.live(ctx, b); err != nil {
			return err
		}
		b.kill()
		b.crash()
	}
	if err := b.startReady(ctx); err != nil {
		return err
	}
	return b.settle(ctx)
}

// live starts heed and lets it run for a while; one time in five not even
// until it is ready.
func (t *torture) live(ctx context.Context, b *bench) error {
	if t.random.IntN(5) == 0 {
		if err := b.start(); err != nil {
			return err
		}
		time.Sleep(t.between(0, 150*time.Millisecond))
		return ctx.Err()
	}
	if err := b.startReady(ctx); err != nil {
		return err
	}
	time.Sleep(t.between(0, 600*time.Millisecond))
	return ctx.Err()
}

// points are where internal/crashpoint can crash heed, with the pass up to
// which it may happen. They stand in internal/store and actions/delivery.
var points = []struct {
	name string
	pass int
}{
	{"before-commit", 400},
	{"after-commit", 400},
	{"after-claim", 60},
	{"after-send", 100},
	{"after-record", 100},
}

// crashpoints crashes heed right at each point in turn.
func (t *torture) crashpoints(ctx context.Context) (r result, err error) {
	b, err := t.newBench(ctx, "torture", "", usual, &r)
	if err != nil {
		return r, err
	}
	defer b.close()
	b.generator.start(ctx)
	for cycle := range max(t.cycles, len(points)) {
		point := points[cycle%len(points)]
		at := fmt.Sprintf("%s:%d", point.name, 1+t.random.IntN(point.pass))
		if err := b.start("HEED_CRASH_AT=" + at); err != nil {
			return r, err
		}
		select {
		case <-b.ended:
		case <-ctx.Done():
			return r, ctx.Err()
		case <-time.After(30 * time.Second):
			return r, fmt.Errorf("heed did not come to %s within 30 s", at)
		}
		if state := b.cmd.ProcessState; state.Exited() {
			return r, fmt.Errorf("%w before %s: %s\n%s", errEnded, at, state, b.lastWords())
		}
		b.crash()
	}
	if err := b.startReady(ctx); err != nil {
		return r, err
	}
	err = b.settle(ctx)
	return r, err
}
