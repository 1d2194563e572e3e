package delivery

import (
	"context"
	"time"

	"heed/engine/record"
)

// Queue is where deliveries wait. When to send is the queue's business, how to
// send the action's. internal/store is one.
type Queue interface {
	// DueActions returns the names of the actions that have a delivery due at
	// now, and the time at which the next one falls due after that (zero if
	// nothing waits).
	DueActions(ctx context.Context, now time.Time) (actions []string, next time.Time, err error)

	// Claim takes up to n due deliveries of one action, those due longest first,
	// to be sent now. Before it returns, each has durably one more attempt, started
	// at now, and is not due again before now+lease, so that a crash cannot
	// lose it and nobody claims it twice meanwhile. The returned deliveries
	// count the new attempt, and say whether the one before was Interrupted.
	Claim(ctx context.Context, action string, n int, now time.Time, lease time.Duration) ([]record.Delivery, error)

	// Finish completes the delivery's latest attempt and sets the delivery's
	// state: Done, Dead, or Retrying with DueAt. It does nothing to a delivery
	// that is no longer pending or retrying, apart from completing the attempt,
	// and nothing at all for one that was deleted meanwhile. An error means
	// that it is called again until there is none.
	Finish(ctx context.Context, id string, end End) error

	// Recover makes due at once whatever a former process had claimed and not
	// finished, and completes those attempts as "interrupted". It is called
	// once, before the first Claim.
	Recover(ctx context.Context, now time.Time) (int, error)
}

// End is how an attempt ended and what becomes of its delivery.
type End struct {
	At       time.Time
	State    record.State
	DueAt    time.Time
	Error    string
	Response string
}
