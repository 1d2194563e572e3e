package intake

import (
	"context"
	"slices"
	"time"

	"heed/engine/record"
	"heed/engine/state"
)

// Memory is a Store in memory, for tests, dry runs and backtests: it runs the
// same transactions and keeps nothing. It is not safe for concurrent use.
type Memory struct {
	State *state.Memory
	// Events are the events that were stored, in order: an event's Seq is Before plus
	// its index plus one.
	Events []record.Event
	// Before is the number of the last event before these, which State may refer to.
	Before int64
	ids    map[string]bool
}

// NewMemory makes an empty Memory.
func NewMemory() *Memory { return &Memory{State: state.NewMemory(), ids: map[string]bool{}} }

// Commit implements Store. It knows an event by its id alone, which only one that is
// accepted or timed claims.
func (m *Memory) Commit(_ context.Context, batches ...*Batch) error {
	for _, b := range batches {
		e := b.Event
		claims := e.Status == record.Accepted || e.Status == record.Timed
		if b.Verdict = Stored; e.Status != record.Replayed && m.ids[e.IDs+"\x00"+e.ID] {
			b.Verdict = Duplicate
			continue
		}
		seq := m.Before + int64(len(m.Events)+1)
		if b.Resolve != nil && !b.Resolve(seq, m.State) {
			b.Verdict = Stale
			continue
		}
		if e.Seq = seq; claims {
			m.ids[e.IDs+"\x00"+e.ID] = true
		}
		for i := range b.Deliveries {
			b.Deliveries[i].EventSeq, b.Deliveries[i].EventID = seq, e.ID
		}
		m.Events = append(m.Events, *e)
	}
	return nil
}

// Known implements Store.
func (m *Memory) Known(_ context.Context, ids string, wanted []string) ([]bool, error) {
	known := make([]bool, len(wanted))
	for i, id := range wanted {
		known[i] = m.ids[ids+"\x00"+id]
	}
	return known, nil
}

// AddMute adds a mute.
func (m *Memory) AddMute(_ context.Context, mute state.Mute) (state.Mute, error) {
	m.State.AddMute(mute)
	return mute, nil
}

// Muted implements Store.
func (m *Memory) Muted(rule, key string, now time.Time) (state.Mute, bool) {
	return m.State.Mute(rule, key, now)
}

// StateRow implements Store.
func (m *Memory) StateRow(_ context.Context, ref state.Ref) (state.Row, bool, error) {
	row, ok := m.State.Get(ref)
	return row, ok, nil
}

// ScopeKeys implements Store.
func (m *Memory) ScopeKeys(_ context.Context, scope state.Scope) (int, error) {
	return m.State.Keys(scope), nil
}

// DueRows implements Store.
func (m *Memory) DueRows(_ context.Context, q DueQuery) (rows []state.Row, next time.Time, err error) {
	for _, row := range m.State.All() {
		switch {
		case row.Due.IsZero() || !slices.Contains(q.Scopes, row.Scope):
		case row.Scope.Block == state.BlockWait && !q.SettledUntil.IsZero() && !row.Due.After(q.SettledUntil):
		case !row.Due.After(q.Now):
			rows = append(rows, row)
		case next.IsZero() || row.Due.Before(next):
			next = row.Due
		}
	}
	slices.SortFunc(rows, state.CompareDue)
	rows = rows[min(len(rows), q.Skip):]
	return rows[:min(len(rows), q.Limit)], next, nil
}

// StateRows implements Store.
func (m *Memory) StateRows(_ context.Context, scope state.Scope, prefix string) ([]state.Row, error) {
	return m.State.Prefix(scope, prefix), nil
}

// EventsBySeq implements Store.
func (m *Memory) EventsBySeq(_ context.Context, seqs []int64) (events []record.Event, err error) {
	for _, seq := range seqs {
		if i := seq - m.Before - 1; i >= 0 && i < int64(len(m.Events)) {
			events = append(events, m.Events[i])
		}
	}
	return events, nil
}
