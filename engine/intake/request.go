package intake

import (
	"time"

	"heed/engine/source"
)

// Request is one verified request.
type Request struct {
	// Source is where the request came in.
	Source *source.Source
	// ID is the event's id as the request's headers give it; empty without one.
	ID string
	// SignedAt is the time that was signed; zero if the source signs none.
	SignedAt time.Time
	// Signature is the request's MAC; nil if the source does not sign.
	Signature []byte
	// Header and Query are what the source's expressions see beside the body: the
	// first value of each, by its name, headers in lower case.
	Header, Query map[string]string
	// Body is the raw body. The intake keeps it.
	Body []byte
}

// Answer is what became of one event of a Request, durably.
type Answer struct {
	// Source is the name of the event's source.
	Source string
	// Type is the event's type; empty if the request did not tell.
	Type string
	// ID is the id the event is stored under.
	ID string
	// Duplicate says that the event was here before; nothing new was stored.
	Duplicate bool
	// Repeated says that the request repeated another under a new id, not for the
	// first time; it was only counted.
	Repeated bool
	// Quarantined is why the event was set aside, now or when it came before, in a
	// word, and Detail in a sentence if there is more to say; empty if it was not.
	Quarantined, Detail string
	// Inert says that the event is too old to trigger anything, by its source.
	Inert bool
	// Deliveries is how many deliveries were stored with it.
	Deliveries int
}
