package main

import (
	"context"
	"fmt"
	"time"
)

// soak lets heed work for long; its memory must not grow.
func (t *torture) soak(ctx context.Context) (r result, err error) {
	b, err := t.newBench(ctx, "", "", usual, &r)
	if err != nil {
		return r, err
	}
	defer b.close()
	b.generator.pause = 50 * time.Millisecond
	b.generator.start(ctx)
	if err := b.startReady(ctx); err != nil {
		return r, err
	}
	// A tenth of the time passes before the first look: caches fill.
	var seen []int
	for _, tenths := range []time.Duration{1, 4, 5} {
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-b.ended:
			return r, fmt.Errorf("%w\n%s", errEnded, b.lastWords())
		case <-time.After(t.length * tenths / 10):
		}
		kib, err := memory(b.cmd.Process.Pid)
		if err != nil {
			return r, err
		}
		seen = append(seen, kib)
	}
	start, middle, end := seen[0]>>10, seen[1]>>10, seen[2]>>10
	r.note("memory: %d MiB after a tenth of the time, %d MiB in the middle, %d MiB at the end", start, middle, end)
	if end > middle+middle/4+16 {
		r.findings = append(r.findings, finding{grew, fmt.Sprintf("from %d to %d MiB in the second half", middle, end)})
	}
	err = b.settle(ctx)
	return r, err
}
