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
	// doubts counts the sends whose end speaks against a destination and that
	// Run does not know of yet. Nothing takes their place until then: the
	// destination may be closed.
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

// enter takes a claimed delivery in. It says whether it is to be sent now, or to
// be released, since a destination may have closed after it was claimed; else it
// waits. While there are doubts nothing waits: no send might be left to take it.
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

// leave takes note of a delivery that was sent, and gives the next that its
// sender sends, if there is one. If the outcome speaks against its destination,
// those that wait are released: the queue decides when they may go.
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

// settle takes note that Run knows of the end of a send.
func (l *line) settle(o actions.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if isDoubt(o) {
		l.doubts--
	}
}

// close keeps what waits from being sent, and releases it.
func (l *line) close() (released []record.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	released, l.waiting = l.waiting, nil
	return released
}
