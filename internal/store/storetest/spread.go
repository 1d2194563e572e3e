package storetest

import (
	"context"
	"sync/atomic"
	"time"

	"heed/actions/delivery"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/state"
)

// spread is one store that several processes have open: each call that writes, and
// each that reads what was just written, goes to the next of them.
type spread struct {
	Store // the first, for all other calls
	all   []Store
	calls atomic.Int64
}

func (s *spread) next() Store { return s.all[int(s.calls.Add(1))%len(s.all)] }

func (s *spread) Commit(ctx context.Context, batches ...*intake.Batch) error {
	return s.next().Commit(ctx, batches...)
}

func (s *spread) Known(ctx context.Context, ids string, wanted []string) ([]bool, error) {
	return s.next().Known(ctx, ids, wanted)
}

func (s *spread) StateRow(ctx context.Context, ref state.Ref) (state.Row, bool, error) {
	return s.next().StateRow(ctx, ref)
}

func (s *spread) DueRows(ctx context.Context, q intake.DueQuery) ([]state.Row, time.Time, error) {
	return s.next().DueRows(ctx, q)
}

func (s *spread) DueActions(ctx context.Context, now time.Time, known []string) ([]string, time.Time, error) {
	return s.next().DueActions(ctx, now, known)
}

func (s *spread) Exchange(
	ctx context.Context, owner string, now time.Time, ends []delivery.End, takes []delivery.Take,
) (delivery.Claimed, error) {
	return s.next().Exchange(ctx, owner, now, ends, takes)
}

func (s *spread) Renew(ctx context.Context, owner string, until time.Time) error {
	return s.next().Renew(ctx, owner, until)
}

func (s *spread) Retry(ctx context.Context, f record.DeliveryFilter, now time.Time) (int, error) {
	return s.next().Retry(ctx, f, now)
}

func (s *spread) Discard(ctx context.Context, f record.DeliveryFilter) (int, error) {
	return s.next().Discard(ctx, f)
}

func (s *spread) Reconsider(ctx context.Context, action string, now time.Time) (int, error) {
	return s.next().Reconsider(ctx, action, now)
}

func (s *spread) KeepThread(ctx context.Context, key, ts string, now time.Time) error {
	return s.next().KeepThread(ctx, key, ts, now)
}

func (s *spread) Thread(ctx context.Context, key string) (string, bool, error) {
	return s.next().Thread(ctx, key)
}

func (s *spread) AddMute(ctx context.Context, m state.Mute) (state.Mute, error) {
	return s.next().AddMute(ctx, m)
}

func (s *spread) Prune(ctx context.Context, now, before, keysBefore time.Time) (int, error) {
	return s.next().Prune(ctx, now, before, keysBefore)
}
