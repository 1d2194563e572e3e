package storetest

import (
	"context"

	"heed/engine/intake"
	"heed/engine/record"
)

// Committer is a store that events are committed to.
type Committer interface {
	Commit(ctx context.Context, batches ...*intake.Batch) error
}

// Commit commits one event with its deliveries.
func Commit(ctx context.Context, s Committer, e *record.Event, deliveries []record.Delivery) (intake.Verdict, error) {
	b := intake.Batch{Event: e, Deliveries: deliveries}
	err := s.Commit(ctx, &b)
	return b.Verdict, err
}
