package backtest

import (
	"context"
	"slices"

	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/state"
)

// A simStore keeps the state of a simulation in memory, and reads events from their
// store.
type simStore struct {
	*intake.Memory
	events Events
	seq    int64 // of the event being committed
	// recent holds the newest events that a rule may need again, since most firings are
	// about these.
	recent map[int64]record.Event
	order  []int64
}

// maxRecent limits how many events are kept.
const maxRecent = 50_000

func newSimStore(events Events) *simStore {
	return &simStore{Memory: intake.NewMemory(), events: events, recent: map[int64]record.Event{}}
}

// keep keeps an event that a rule may need again.
func (s *simStore) keep(e *record.Event) {
	if len(s.order) == maxRecent {
		delete(s.recent, s.order[0])
		s.order = s.order[1:]
	}
	s.recent[e.Seq] = *e
	s.order = append(s.order, e.Seq)
}

// Commit implements intake.Store. Every event is new, and none is stored.
func (s *simStore) Commit(_ context.Context, batches ...*intake.Batch) error {
	if e := batches[0].Event; e.Status == record.Accepted && remembers(batches) {
		s.keep(e)
	}
	for _, b := range batches {
		b.Verdict = intake.Stored
		if b.Resolve != nil && !b.Resolve(s.seq, s.State) {
			b.Verdict = intake.Stale
		}
	}
	return nil
}

// EventsBySeq implements intake.Store.
func (s *simStore) EventsBySeq(ctx context.Context, seqs []int64) ([]record.Event, error) {
	found := make([]record.Event, 0, len(seqs))
	var missing []int64
	for _, seq := range seqs {
		if e, ok := s.recent[seq]; ok {
			found = append(found, e)
		} else {
			missing = append(missing, seq)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	older, err := s.events.EventsBySeq(ctx, missing)
	return append(found, older...), err
}

// remembers reports whether a rule may need an event's data later.
func remembers(batches []*intake.Batch) bool {
	return slices.ContainsFunc(batches, func(b *intake.Batch) bool {
		return slices.ContainsFunc(b.Refs, func(ref state.Ref) bool { return ref.Scope.Block != state.BlockThrottle })
	})
}
