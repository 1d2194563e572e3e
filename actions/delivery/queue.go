package delivery

import (
	"context"
	"time"

	"heed/actions"
	"heed/engine/record"
)

// Queue is where deliveries wait, and where the lanes of destinations are kept.
// Several processes may share one: an owner, which is one run of a process, claims
// deliveries for the time of a lease and renews it while it sends them. When to
// send is the queue's business, how to send the action's. internal/store is one.
type Queue interface {
	// DueActions returns which of the known actions have a delivery due at now, and
	// the time at which the next of theirs falls due after that (zero if nothing
	// waits). Deliveries of other actions wait for an owner that knows them.
	DueActions(ctx context.Context, now time.Time, known []string) (actions []string, next time.Time, err error)

	// Exchange records how attempts of the owner have ended and claims deliveries
	// that are due, in one transaction and in this order: what the ends teach of
	// destinations decides what is claimed. An error means that nothing was
	// recorded or claimed. What the owner has claimed and not ended is not claimed
	// again, even if its lease has run out.
	Exchange(ctx context.Context, owner string, now time.Time, ends []End, takes []Take) (Claimed, error)

	// Renew prolongs the leases of all that the owner has claimed and not ended.
	Renew(ctx context.Context, owner string, until time.Time) error

	// TakeOver makes the deliveries claimed by owners that are certainly gone due at
	// once, completes their attempts as "interrupted", and returns how many there were.
	// Those of other owners are due when their leases run out. It is called once, before
	// the first Exchange.
	TakeOver(ctx context.Context, owner string, now time.Time) (int, error)

	// Wake is signalled when something may have fallen due.
	Wake() <-chan struct{}
}

// Take asks for up to N due deliveries of an action, those due longest first, to
// be sent now. Of each destination only as many are claimed as its Lane admits,
// and of each OrderKey only the first that waits.
type Take struct {
	Action string
	N      int
	// Concurrency is how many deliveries of the action may be sent at once, by all
	// owners together; 0 for any number.
	Concurrency int
	// Interval is the action's least time between two starts at one destination;
	// zero is no limit.
	Interval time.Duration
	// Lease is how long a claim lasts unless it is renewed. Then the delivery is due
	// again, so that a crash cannot lose it.
	Lease time.Duration
	// Timeout is how long an attempt takes at most, and so how long a probe keeps the
	// other deliveries of its destination waiting.
	Timeout time.Duration
}

// Claimed is what an Exchange claimed.
type Claimed struct {
	// Deliveries each have durably one more attempt, which counts already. They
	// say whether the one before was Interrupted, and when they fell due.
	Deliveries []record.Delivery
	// Next is when to ask again for what is due but may not start yet; zero if
	// there is nothing to wait for but a wake-up.
	Next time.Time
	// Changes says which lanes have closed or work again.
	Changes []LaneChange
	// Lost are the ids of deliveries whose End was ignored: their leases had run out
	// and another owner has claimed them.
	Lost []string
}

// LaneChange is what an Exchange has found out about a destination; see Lane.Change.
type LaneChange struct {
	Destination string
	Wait        string
	Until       time.Time
}

// End is how an attempt ended and what becomes of its delivery: Done, Dead, or Retrying
// with DueAt. For a delivery that is no longer pending or retrying it only completes
// the attempt; for one that was deleted meanwhile it does nothing.
type End struct {
	ID          string
	StartedAt   time.Time
	At          time.Time
	State       record.State
	DueAt       time.Time
	Outcome     actions.Outcome
	Error       string
	Interrupted bool // cut off by the end of the process: it says nothing about the destination
	// Released says that there was no attempt after all: the delivery is as it was
	// before it was claimed, and if it was a probe, another may be made. Of the other
	// fields only ID and DueAt are set.
	Released bool
}
