//go:build !ackearly

package intake

import (
	"context"

	"heed/engine/record"
)

// commit is the store's; the build for the torture has one that does not
// wait for it.
func (in *Intake) commit(ctx context.Context, e *record.Event, deliveries []record.Delivery) (Verdict, error) {
	return in.Store.Commit(ctx, e, deliveries)
}
