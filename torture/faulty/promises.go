package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"

	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/state"
	"heed/internal/app"
)

// early is a store that says at once that something is durable.
type early struct{ app.Store }

// Commit commits copies later: the caller goes on with the batches.
func (s early) Commit(ctx context.Context, batches ...*intake.Batch) error {
	own := make([]*intake.Batch, len(batches))
	for i, b := range batches {
		copied, event := *b, *b.Event
		copied.Event, copied.Deliveries, own[i] = &event, slices.Clone(b.Deliveries), &copied
	}
	go func() { _ = s.Store.Commit(context.WithoutCancel(ctx), own...) }()
	return nil
}

// splitting is a store that commits a firing's change of rows and what follows from it
// in two transactions, half of the times in this order and half in the other: a crash
// between them loses a firing or doubles it.
type splitting struct{ app.Store }

// Commit splits firings, and nothing else.
func (s splitting) Commit(ctx context.Context, batches ...*intake.Batch) (err error) {
	for _, b := range batches {
		if b.Resolve == nil || b.Event.Status != record.Timed {
			return s.Store.Commit(ctx, batches...)
		}
	}
	for _, b := range batches {
		first, second := halves(b)
		if err := s.Store.Commit(ctx, first); err != nil {
			return err
		}
		if b.Verdict = first.Verdict; b.Verdict == intake.Stored {
			err = errors.Join(err, s.Store.Commit(ctx, second))
		}
	}
	return err
}

func halves(b *intake.Batch) (first, second *intake.Batch) {
	if b.Event.Signature[0]%2 == 0 {
		rows := func(seq int64, rows state.Rows) ([]record.Delivery, bool) { return nil, b.Resolve(seq, rows) }
		deliveries := func(int64, state.Rows) ([]record.Delivery, bool) { return b.Deliveries, true }
		return half(b, rows), half(b, deliveries)
	}
	deliveries := func(seq int64, rows state.Rows) ([]record.Delivery, bool) {
		holds := b.Resolve(seq, unchanging{rows})
		return b.Deliveries, holds
	}
	rows := func(seq int64, rows state.Rows) ([]record.Delivery, bool) { return nil, b.Resolve(seq, rows) }
	return half(b, deliveries), half(b, rows)
}

// half is one half of a batch, under an id of its own.
func half(
	b *intake.Batch, resolve func(seq int64, rows state.Rows) ([]record.Delivery, bool),
) *intake.Batch {
	own, event := *b, *b.Event
	event.ID = state.IDPrefix + rand.Text()
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
