package main

import (
	"context"
	"fmt"
	"time"
)

// enoughForSoak is in events. heed keeps the keys of the newest in memory, some
// ten thousands of them, before it writes them in one go: its memory goes up and
// down with that.
const enoughForSoak = 400_000

// soak lets heed work for long; its memory must not grow.
func (t *torture) soak(ctx context.Context) (r result, err error) {
	b, err := t.newBench(ctx, sound, "", usual, &r)
	if err != nil {
		return r, err
	}
	defer b.close()
	b.generator.pause = 10 * time.Millisecond
	b.generator.start(ctx)
	if err := b.startReady(ctx); err != nil {
		return r, err
	}
	var peaks [3]int // MiB, in each third of the time
	for start := time.Now(); time.Since(start) < t.length; {
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-b.ended:
			return r, fmt.Errorf("%w\n%s", errEnded, b.lastWords())
		case <-time.After(250 * time.Millisecond):
		}
		kib, err := memory(b.cmd.Process.Pid)
		if err != nil {
			return r, err
		}
		third := min(2, int(3*time.Since(start)/t.length))
		peaks[third] = max(peaks[third], kib>>10)
	}
	r.note("memory: at most %d MiB in the first third of the time, %d MiB in the second, %d MiB in the last", peaks[0],
		peaks[1], peaks[2])
	switch events := b.generator.acked.Load(); {
	case events < enoughForSoak:
		r.note("%d events are too few to judge the memory by: from %d on it is judged", events, enoughForSoak)
	case peaks[2] > peaks[1]+peaks[1]/4+16:
		r.findings = append(r.findings, finding{grew, fmt.Sprintf("from %d to %d MiB", peaks[1], peaks[2])})
	}
	err = b.settle(ctx)
	return r, err
}
