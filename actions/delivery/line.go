package delivery

import (
	"sync"

	"heed/actions"
	"heed/engine/record"
)

// line holds the claimed deliveries of one action: some are being sent, the
// others wait to be sent as soon as one of these has ended.
type line struct {
	mu       sync.Mutex
	capacity int // how many may be sent at once
	running  int
	// doubts counts the sends whose end speaks against a destination and that Run does
	// not know of yet. Until it does, no other send takes their place: the destination
	// may be closed.
	doubts  int
	waiting []record.Delivery
	closed  bool
}

// allow sets the capacity and returns how many deliveries are in the line.
func (l *line) allow(capacity int) (claimed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.capacity = capacity
	return l.running + l.doubts + len(l.waiting)
}

// enter adds a claimed delivery. It says whether the delivery is to be sent now or to be
// released, since a destination may have closed after the claim; otherwise it waits.
// While there are doubts nothing waits: there may be no send left to take it up.
func (l *line) enter(d record.Delivery) (now, release bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.running+l.doubts < l.capacity:
		l.running++
		return true, false
	case l.doubts > 0:
		return false, true
	default:
		l.waiting = append(l.waiting, d)
		return false, false
	}
}

// leave notes that a delivery was sent, and returns the next one for the same sender, if
// there is one. If the outcome speaks against its destination, the waiting deliveries
// are released: the queue decides when they may be sent.
func (l *line) leave(o actions.Outcome) (next record.Delivery, ok bool, released []record.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	if isDoubt(o) {
		l.doubts++
		released, l.waiting = l.waiting, nil
	}
	if l.closed || len(l.waiting) == 0 || l.running+l.doubts >= l.capacity {
		return record.Delivery{}, false, released
	}
	next, l.waiting = l.waiting[0], l.waiting[1:]
	l.running++
	return next, true, released
}

// isDoubt says whether an outcome speaks against its destination.
func isDoubt(o actions.Outcome) bool {
	return o.Verdict == actions.Retry && o.Cause != actions.CauseDelivery
}

// settle notes that Run knows of the end of a send.
func (l *line) settle(o actions.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if isDoubt(o) {
		l.doubts--
	}
}

// close releases the waiting deliveries and lets no more wait.
func (l *line) close() (released []record.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	released, l.waiting = l.waiting, nil
	return released
}
