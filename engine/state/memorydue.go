package state

import (
	"cmp"
	"container/heap"
	"time"
)

// A dueRow is the due time of one version of a row.
type dueRow struct {
	at      time.Time
	ref     Ref
	version int64
}

// dueRows is a heap of dueRow, earliest first.
type dueRows []dueRow

func (d dueRows) Len() int { return len(d) }

func (d dueRows) Less(i, j int) bool {
	a, b := d[i], d[j]
	return cmp.Or(
		a.at.Compare(b.at), cmp.Compare(a.ref.Scope.Rule, b.ref.Scope.Rule),
		cmp.Compare(a.ref.Scope.Block, b.ref.Scope.Block), cmp.Compare(a.ref.Key, b.ref.Key)) < 0
}

func (d dueRows) Swap(i, j int) { d[i], d[j] = d[j], d[i] }

// Push implements heap.Interface.
func (d *dueRows) Push(x any) { *d = append(*d, x.(dueRow)) }

// Pop implements heap.Interface.
func (d *dueRows) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// NextDue returns when the first row is due, or the zero time.
func (m *Memory) NextDue() time.Time {
	m.dropStale()
	if len(m.due) == 0 {
		return time.Time{}
	}
	return m.due[0].at
}

// TakeDue returns up to limit rows that are due, in order. It does not return a row again
// until the row is changed.
func (m *Memory) TakeDue(now time.Time, limit int) (rows []Row) {
	for len(rows) < limit {
		m.dropStale()
		if len(m.due) == 0 || m.due[0].at.After(now) {
			break
		}
		row, _ := m.Get(m.due[0].ref)
		heap.Pop(&m.due)
		rows = append(rows, row)
	}
	return rows
}

// dropStale drops entries of rows that were changed or deleted since.
func (m *Memory) dropStale() {
	for len(m.due) > 0 {
		row, ok := m.Get(m.due[0].ref)
		if ok && row.Version == m.due[0].version {
			return
		}
		heap.Pop(&m.due)
	}
}
