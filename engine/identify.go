package engine

import (
	"heed/engine/event"
	"heed/engine/record"
)

// Identify adds to a decoded event what is known besides its body. The event's own time
// is never later than its arrival.
func Identify(e *event.Event, stored *record.Event) {
	e.ID, e.Source, e.Inert = stored.ID, stored.Source, stored.Inert
	e.ReceivedAt, e.At = stored.ReceivedAt, stored.SignedAt
	if e.At.After(e.ReceivedAt) {
		e.At = e.ReceivedAt
	}
}
