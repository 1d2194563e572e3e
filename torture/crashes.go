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
	err = t.batches(t.cycles, func(cycles int) error { return t.killOne(ctx, sound, usual, cycles, &r) })
	return r, err
}

// killOne kills heed so many times.
func (t *torture) killOne(ctx context.Context, of program, p plan, cycles int, r *result) error {
	b, err := t.newBench(ctx, of, "", p, r)
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
	if b.plan.timed {
		return t.liveTimed(ctx, b)
	}
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

// point is where faulty can crash, with the pass up to which it may happen.
type point struct {
	name string
	pass int
}

// points are those of events and deliveries: see faulty.
var points = []point{
	{"before-commit", 400},
	{"after-commit", 400},
	{"after-claim", 60},
	{"after-send", 100},
	{"after-record", 100},
}

// firePoints are those of rules that fire: once what is due was read, and before
// and after the commit.
var firePoints = []point{
	{"before-fire", 25},
	{"after-fire", 25},
	{"after-due", 25},
	{"after-claim", 60},
}

// crashpoints crashes heed right at each point in turn.
func (t *torture) crashpoints(ctx context.Context) (r result, err error) {
	if err := t.crashAt(ctx, faulty(), usual, points, t.cycles, &r, nil); err != nil {
		return r, err
	}
	return r, t.crashAt(ctx, faulty(), timed, firePoints, t.cycles, &r, nil)
}

// crashAt crashes heed so many times, at each point at least once. For a program that
// fires in two transactions, found is not nil and gets the evidence; each crash is
// between the two, so nothing else makes firings meanwhile.
func (t *torture) crashAt(
	ctx context.Context, of program, p plan, points []point, cycles int, r *result, found *evidence,
) error {
	b, err := t.newBench(ctx, of, "", p, r)
	if err != nil {
		return err
	}
	defer b.close()
	split := found != nil
	b.generator.start(ctx)
	for cycle := range max(cycles, len(points)) {
		if p.timed && !split && t.random.IntN(3) == 0 {
			if err := b.nextRules(false); err != nil {
				return err
			}
		}
		point := points[cycle%len(points)]
		pass := 1 + t.random.IntN(point.pass)
		if split {
			pass |= 1 // of two transactions the first
		}
		at := fmt.Sprintf("%s:%d", point.name, pass)
		if err := b.start("--crash-at", at); err != nil {
			return err
		}
		select {
		case <-b.ended:
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(30 * time.Second):
			return fmt.Errorf("heed did not come to %s within 30 s", at)
		}
		if state := b.cmd.ProcessState; state.Exited() {
			return fmt.Errorf("%w before %s: %s\n%s", errEnded, at, state, b.lastWords())
		}
		b.crash()
	}
	if err := b.startReady(ctx); err != nil {
		return err
	}
	if err := b.settle(ctx); err != nil {
		return err
	}
	if found != nil {
		*found = b.evidence
	}
	return nil
}
