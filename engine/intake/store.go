package intake

import (
	"context"

	"heed/engine/record"
)

// Store keeps what the intake decided. internal/store is one.
type Store interface {
	// Commit stores the event and its deliveries in one transaction and
	// returns once that is durable (fsync); many callers may share one
	// transaction. It settles who was first, inside the transaction, by these
	// rules, in this order:
	//
	//   - the event's Signature was seen before with the same ID: Duplicate,
	//     nothing is stored;
	//   - it was seen with another ID: the event is quarantined with Reason
	//     SignatureReused, without decisions and deliveries. The first time it is
	//     stored, without its Body, which is the same; from then on it is Counted,
	//     whatever its ID: nobody needs a secret to send a request again;
	//   - the ID belongs to an accepted event with the same body: Duplicate;
	//     the new signature is remembered under this ID;
	//   - it belongs to one with another body: stored as quarantined with
	//     Reason IDReused, without decisions and deliveries;
	//   - otherwise it is stored as it is.
	//
	// Every stored event claims its signature; only an accepted one claims its
	// ID, so that garbage can never stand in the way of the real event. Body
	// comparison may be by SHA-256. On Commit's return e.Seq, e.Status and
	// e.Reason say what was stored. A new event that is Good is remembered as the
	// last one.
	//
	// An error means that nothing of it is stored and nothing may be
	// acknowledged. The caller's context only bounds the wait to be taken into
	// a transaction: once in, Commit returns what became of it.
	Commit(ctx context.Context, e *record.Event, deliveries []record.Delivery) (Verdict, error)
}

// Verdict is what Commit made of an event.
type Verdict int

// The verdicts: the event was stored (accepted or quarantined, see its
// Status); it was there already; or its signature was reused once more, and
// that was counted.
const (
	Stored Verdict = iota
	Duplicate
	Counted
)

// The reasons for quarantine that only the store can find.
const (
	SignatureReused = "signature_reused"
	IDReused        = "id_reused"
)
