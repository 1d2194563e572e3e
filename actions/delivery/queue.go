package delivery

import (
	"context"
	"time"

	"heed/actions"
	"heed/engine/record"
)

// Queue is where deliveries wait, and where the lanes of destinations are kept,
// since several processes may share both. When to send is the queue's business,
// how to send the action's. internal/store is one.
type Queue interface {
	// DueActions returns the names of the actions that have a delivery due at
	// now, and the time at which the next one falls due after that (zero if
	// nothing waits).
	DueActions(ctx context.Context, now time.Time) (actions []string, next time.Time, err error)

	// Exchange records how attempts have ended and claims deliveries that are
	// due, in one transaction and in this order: what the ends teach of
	// destinations decides what is claimed. An error means that nothing was
	// recorded or claimed.
	Exchange(ctx context.Context, now time.Time, ends []End, takes []Take) (Claimed, error)

	// Recover makes due at once whatever a former process had claimed and not
	// finished, and completes those attempts as "interrupted". It is called
	// once, before the first Exchange.
	Recover(ctx context.Context, now time.Time) (int, error)
}

// Take asks for up to N due deliveries of an action, those due longest first, to
// be sent now. Of each destination only as many are claimed as its Lane admits,
// and of each OrderKey only the first that waits.
type Take struct {
	Action string
	N      int
	// Interval is the action's least time between two starts at one destination;
	// zero is no limit.
	Interval time.Duration
	// Lease is how long a claimed delivery is nobody else's: it is not due again
	// before, so that a crash cannot lose it and nobody claims it twice.
	Lease time.Duration
}

// Claimed is what an Exchange claimed.
type Claimed struct {
	// Deliveries each have durably one more attempt, which counts already. They
	// say whether the one before was Interrupted, and when they fell due.
	Deliveries []record.Delivery
	// Next is when to ask again for what is due but may not start yet; zero if
	// there is nothing to wait for but a wake-up.
	Next time.Time
	// News says which lanes have closed or work again.
	News []News
}

// News is what an Exchange has found out of a destination; see Lane.News.
type News struct {
	Destination string
	Wait        string
	Until       time.Time
}

// End is how an attempt ended and what becomes of its delivery: Done, Dead, or
// Retrying with DueAt. For a delivery that is no longer pending or retrying it
// completes the attempt and no more; for one that was deleted meanwhile it does
// nothing.
type End struct {
	ID          string
	StartedAt   time.Time
	At          time.Time
	State       record.State
	DueAt       time.Time
	Outcome     actions.Outcome
	Error       string
	Interrupted bool // cut off by the end of the process: it says nothing of the destination
	// Released says that there was no attempt after all: the delivery is as it
	// was before it was claimed, and if it was a probe, another may be made. Only
	// ID and DueAt are set beside.
	Released bool
}
