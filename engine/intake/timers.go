package intake

import (
	"context"
	"log/slog"
	"time"
)

// Timers fires rows of state when they are due. There is no leader: where
// several processes share a store, each tries, and the check of a row's version
// lets one of them through.
type Timers struct {
	Intake *Intake
	// Wake tells that rows may be due at another time than was read.
	Wake <-chan struct{}
	// StartedAt is when the process started, Settle how long waits that came due
	// before are left alone: events that cancel them may still be redelivered.
	StartedAt time.Time
	Settle    time.Duration
	Log       *slog.Logger

	retries int // in a row, of rows that could not be fired
}

const (
	// firedAtOnce is how many rows are fired in one transaction.
	firedAtOnce = 64
	// lookAgain bounds how long a change of the clock goes unnoticed, and
	// retryFiring how soon a store that failed is asked again.
	lookAgain   = time.Minute
	retryFiring = time.Second
	// mostFailed is how many transactions may fail before it is the store's fault.
	mostFailed = 4
)

// Run fires what is due until ctx ends.
func (t *Timers) Run(ctx context.Context) {
	for ctx.Err() == nil {
		wait, err := t.fire(ctx)
		if err != nil && ctx.Err() == nil {
			t.Log.Error("fire rules that are due", "error", err)
			wait = retryFiring
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-t.Wake:
		}
		timer.Stop()
	}
}

// fire fires all that is due and returns how long nothing will be.
func (t *Timers) fire(ctx context.Context) (wait time.Duration, err error) {
	// Rows that could not be fired are left for the next time, and those behind them
	// are not.
	skipped, failed := 0, 0
	for {
		now := t.Intake.Now().UTC()
		q := DueQuery{Now: now, Limit: firedAtOnce, Skip: skipped, Scopes: t.Intake.Rules().Scopes()}
		settled := t.StartedAt.Add(t.Settle)
		if now.Before(settled) {
			q.SettledUntil = t.StartedAt
		}
		due, next, err := t.Intake.Store.DueRows(ctx, q)
		if err != nil {
			return 0, err
		}
		if len(due) == 0 {
			wait = lookAgain
			if t.retries++; skipped == 0 {
				t.retries = 0
			} else { // they changed meanwhile, or cannot be fired
				wait = min(wait, retryFiring<<min(t.retries-1, 10))
			}
			for _, at := range []time.Time{next, settled} {
				if until := at.Sub(now); !at.IsZero() && until > 0 {
					wait = min(wait, until)
				}
			}
			return wait, nil
		}
		fired, err := t.Intake.Fire(ctx, due)
		if failed++; err == nil {
			failed = 0
		}
		if err != nil && (ctx.Err() != nil || failed == mostFailed) {
			return 0, err
		}
		if err != nil {
			t.Log.Error("fire rules that are due", "error", err)
		}
		skipped += len(due) - fired
	}
}
