package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// What a dry run through the API may take: time, and bytes of results.
const (
	dryRunTime    = 10 * time.Second
	dryRunResults = 16 << 20
)

var errDryRunTime = fmt.Errorf("the dry run took more than %s: send fewer events, or rules that do less", dryRunTime)

// previews lets one preview run at a time, that which it has room for: dry runs and
// backtests take processor time that the deciding of events needs.
type previews chan struct{}

// begin waits for the turn of a preview; end ends it. It fails when whoever asks
// has gone.
func (p previews) begin(ctx context.Context) (end func(), err error) {
	select {
	case p <- struct{}{}:
		return func() { <-p }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// budget bounds a dry run by its time and its results.
type budget struct {
	ctx  context.Context
	size int
}

// take counts one more result. It fails when there is too much of them, no time
// left, or nobody who wants them.
func (b *budget) take(result any) error {
	if err := b.ctx.Err(); errors.Is(err, context.DeadlineExceeded) {
		return errDryRunTime
	} else if err != nil {
		return err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	if b.size += len(text); b.size > dryRunResults {
		return fmt.Errorf("the results take more than %d MiB: send fewer events, or fewer rules", dryRunResults>>20)
	}
	return nil
}
