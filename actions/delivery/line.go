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
	reported int // sends that have ended and that Run has not heard of yet
	waiting  []record.Delivery
	closed   bool
}

// allow sets the capacity and returns how many deliveries are in the line. What
// Run has not heard of counts: what it taught of the destination is not known.
func (l *line) allow(capacity int) (claimed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.capacity = capacity
	return l.running + l.reported + len(l.waiting)
}

// heard takes note that Run knows of the end of a send.
func (l *line) heard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reported--
}

// enter adds a delivery, and says whether there is capacity for another worker.
func (l *line) enter(d record.Delivery) (work bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, d)
	return l.running < l.capacity
}

// next is the delivery that a worker sends now, if there is one for it.
func (l *line) next() (d record.Delivery, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 || l.running >= l.capacity || l.closed {
		return record.Delivery{}, false
	}
	d, l.waiting = l.waiting[0], l.waiting[1:]
	l.running++
	return d, true
}

// leave takes note of a delivery that was sent. If its outcome speaks against
// its destination, those that wait to go there too are released: the queue
// decides when they may.
func (l *line) leave(d record.Delivery, o actions.Outcome) (released []record.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	l.reported++
	if o.Verdict != actions.Retry || o.Cause == actions.CauseDelivery {
		return nil
	}
	goesThere := func(w record.Delivery) bool {
		return o.Cause == actions.CauseServer || w.Destination == d.Destination
	}
	for _, w := range l.waiting {
		if goesThere(w) {
			released = append(released, w)
		}
	}
	l.waiting = slices.DeleteFunc(l.waiting, goesThere)
	return released
}

// close keeps workers from sending more and releases what waits.
func (l *line) close() (released []record.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	released, l.waiting = l.waiting, nil
	return released
}
