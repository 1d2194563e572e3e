package state

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"
	"time"
)

// A Memory keeps rows in memory, for tests, dry runs and backtests. It is not safe for
// concurrent use.
type Memory struct {
	rows  map[Scope]map[string]Row
	mutes []Mute
	// due holds the rows that have a due time, and stale entries of rows that had one;
	// the versions tell them apart.
	due dueRows
	// version is the last version given to a row.
	version int64
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{rows: map[Scope]map[string]Row{}} }

// Get implements Rows.
func (m *Memory) Get(ref Ref) (Row, bool) {
	row, ok := m.rows[ref.Scope][ref.Key]
	return row, ok
}

// Put implements Rows.
func (m *Memory) Put(row Row) {
	of := m.rows[row.Scope]
	if of == nil {
		of = map[string]Row{}
		m.rows[row.Scope] = of
	}
	m.version++
	row.Version = m.version
	of[row.Key] = row
	if !row.Due.IsZero() {
		heap.Push(&m.due, dueRow{row.Due, row.Ref, row.Version})
	}
}

// Restore stores a row of another Memory, keeping its version.
func (m *Memory) Restore(row Row) {
	m.Put(row)
	m.rows[row.Scope][row.Key] = row
}

// Delete implements Rows.
func (m *Memory) Delete(ref Ref) { delete(m.rows[ref.Scope], ref.Key) }

// DeletePrefix implements Rows.
func (m *Memory) DeletePrefix(scope Scope, prefix string) {
	for key := range m.rows[scope] {
		if strings.HasPrefix(key, prefix) {
			delete(m.rows[scope], key)
		}
	}
}

// Expire deletes the rows that have expired.
func (m *Memory) Expire(now time.Time) {
	for _, of := range m.rows {
		for key, row := range of {
			if !row.Expires.IsZero() && !row.Expires.After(now) && row.Due.IsZero() {
				delete(of, key)
			}
		}
	}
}

// Keys implements Rows.
func (m *Memory) Keys(scope Scope) int { return len(m.rows[scope]) }

// Mute implements Rows.
func (m *Memory) Mute(rule, key string, now time.Time) (Mute, bool) {
	return FindMute(m.mutes, rule, key, now)
}

// AddMute adds a mute.
func (m *Memory) AddMute(mute Mute) { m.mutes = append(m.mutes, mute) }

// Prefix returns the rows of a scope whose keys start with a prefix, in the
// order of their keys.
func (m *Memory) Prefix(scope Scope, prefix string) (rows []Row) {
	for key, row := range m.rows[scope] {
		if strings.HasPrefix(key, prefix) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Key, b.Key) })
	return rows
}

// All returns all rows, in no particular order.
func (m *Memory) All() (all []Row) {
	for _, of := range m.rows {
		for _, row := range of {
			all = append(all, row)
		}
	}
	return all
}

// CompareDue orders rows by due time.
func CompareDue(a, b Row) int {
	return cmp.Or(
		a.Due.Compare(b.Due), cmp.Compare(a.Scope.Rule, b.Scope.Rule), cmp.Compare(a.Scope.Block, b.Scope.Block),
		cmp.Compare(a.Scope.Per, b.Scope.Per), cmp.Compare(a.Key, b.Key))
}
