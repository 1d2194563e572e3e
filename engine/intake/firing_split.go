//go:build splitfire

package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"heed/engine/record"
	"heed/engine/state"
)

// storeFirings commits the change of the rows and what follows from it in two
// transactions, half of the times in this order and half in the other: the
// torture must notice that a crash between them loses or doubles a firing.
func (in *Intake) storeFirings(ctx context.Context, batches ...*Batch) (err error) {
	for _, b := range batches {
		var first, second *Batch
		if b.Event.Signature[0]%2 == 0 {
			first = half(b, func(seq int64, rows state.Rows) ([]record.Delivery, bool) { return nil, b.Resolve(seq, rows) })
			second = half(b, func(int64, state.Rows) ([]record.Delivery, bool) { return b.Deliveries, true })
		} else {
			first = half(b, func(seq int64, rows state.Rows) ([]record.Delivery, bool) {
				holds := b.Resolve(seq, unchanging{rows})
				return b.Deliveries, holds
			})
			second = half(b, func(seq int64, rows state.Rows) ([]record.Delivery, bool) { return nil, b.Resolve(seq, rows) })
		}
		if err := in.Store.Commit(ctx, first); err != nil {
			return err
		}
		if b.Verdict = first.Verdict; b.Verdict == Stored {
			err = errors.Join(err, in.Store.Commit(ctx, second))
		}
	}
	return err
}

// half is one half of a batch, under an id of its own.
func half(b *Batch, resolve func(seq int64, rows state.Rows) ([]record.Delivery, bool)) *Batch {
	own, event := *b, *b.Event
	event.ID = state.IDPrefix + newID(time.Now())
	signature := sha256.Sum256([]byte(event.ID))
	event.Signature, own.Event = signature[:], &event
	own.Resolve = func(seq int64, rows state.Rows) (holds bool) {
		own.Deliveries, holds = resolve(seq, rows)
		event.Decisions = b.Event.Decisions
		return holds
	}
	return &own
}

// unchanging are rows that stay as they are.
type unchanging struct{ state.Rows }

// Put changes nothing.
func (unchanging) Put(state.Row) {}

// Delete deletes nothing.
func (unchanging) Delete(state.Ref) {}
