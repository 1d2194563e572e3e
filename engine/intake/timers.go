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
	// StartedAt is when the process started. Waits that came due before are left alone
	// for Settle, since events that cancel them may still be redelivered.
	StartedAt time.Time
	Settle    time.Duration
	Log       *slog.Logger

	retries int // calls of fire in a row that skipped rows
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
	// Rows that could not be fired are skipped until the next call, so that those
	// behind them are fired.
	skipped, failed := 0, 0
	for {
		now := t.Intake.Now().UTC()
		q := DueQuery{Now: now, Limit: firedAtOnce, Skip: skipped, Scopes: t.Intake.Rules().Scopes()}
		if now.Before(t.settledAt()) {
			q.SettledUntil = t.StartedAt
		}
		due, next, err := t.Intake.Store.DueRows(ctx, q)
		if err != nil {
			return 0, err
		}
		if len(due) == 0 {
			return t.pause(now, next, skipped > 0), nil
		}
		fired, err := t.Intake.Fire(ctx, due)
		if err == nil {
			failed = 0
		} else {
			if failed++; ctx.Err() != nil || failed == mostFailed {
				return 0, err
			}
			t.Log.Error("fire rules that are due", "error", err)
		}
		skipped += len(due) - fired
	}
}

// settledAt is when waits that came due before the start are fired too.
func (t *Timers) settledAt() time.Time { return t.StartedAt.Add(t.Settle) }

// pause is how long to sleep when nothing more can be fired: until the next row is
// due, and not so long if rows were skipped, which changed meanwhile or cannot be
// fired.
func (t *Timers) pause(now, next time.Time, skipped bool) time.Duration {
	wait := lookAgain
	if skipped {
		wait = min(wait, retryFiring<<min(t.retries, 10))
		t.retries++
	} else {
		t.retries = 0
	}
	for _, at := range []time.Time{next, t.settledAt()} {
		if until := at.Sub(now); !at.IsZero() && until > 0 {
			wait = min(wait, until)
		}
	}
	return wait
}
