package delivery

import (
	"slices"
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
	// Run has not heard of yet. Nothing takes their place until then: the
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

// enter takes a claimed delivery in. It says whether it is to be sent now; else
// it waits.
func (l *line) enter(d record.Delivery) (now bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running+l.doubts < l.capacity {
		l.running++
		return true
	}
	l.waiting = append(l.waiting, d)
	return false
}

// leave takes note of a delivery that was sent, and gives the next that its
// sender sends, if there is one. If the outcome speaks against its destination,
// those that wait to go there too are released: the queue decides when they may.
func (l *line) leave(d record.Delivery, o actions.Outcome) (next record.Delivery, ok bool, released []record.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	if isDoubt(o) {
		l.doubts++
		goesThere := func(w record.Delivery) bool {
			return o.Cause == actions.CauseServer || w.Destination == d.Destination
		}
		for _, w := range l.waiting {
			if goesThere(w) {
				released = append(released, w)
			}
		}
		l.waiting = slices.DeleteFunc(l.waiting, goesThere)
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

// heard takes note that Run knows of the end of a send.
func (l *line) heard(o actions.Outcome) {
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
