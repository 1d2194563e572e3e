package intake

import "time"

// Request is one webhook request whose signature was verified.
type Request struct {
	// ID is the x-mt-event-id; empty without one.
	ID string
	// SignedAt is the time in the signed timestamp header.
	SignedAt time.Time
	// Signature is the request's MAC, 32 bytes.
	Signature []byte
	// Body is the raw body. The intake keeps it.
	Body []byte
}

// Answer is what became of a Request, durably.
type Answer struct {
	// Type is the event's type; empty if the body did not tell.
	Type string
	// ID is the id the event is stored under.
	ID string
	// Duplicate says that the event was here before; nothing new was stored.
	Duplicate bool
	// Repeated says that the request repeated another under a new id, not for the
	// first time; it was only counted.
	Repeated bool
	// Quarantined is why the event was set aside; empty if it was not.
	Quarantined string
}
