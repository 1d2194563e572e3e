//go:build ackearly

package intake

import (
	"context"

	"heed/engine/record"
)

// commit answers before anything is durable: the torture must notice.
func (in *Intake) commit(ctx context.Context, e *record.Event, deliveries []record.Delivery) (Verdict, error) {
	own := *e
	go func() { _, _ = in.Store.Commit(context.WithoutCancel(ctx), &own, deliveries) }()
	return Stored, nil
}
