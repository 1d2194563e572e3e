package intake

import (
	"context"
	"time"

	"heed/engine/record"
	"heed/engine/state"
)

// Store keeps what the intake decided. internal/store is one.
type Store interface {
	// Commit stores batches in one transaction, in their order, and returns once
	// that is durable (fsync); many callers may share one transaction. It sets
	// the Verdict of each batch. It settles who was first, inside the transaction,
	// by these rules, in this order:
	//
	//   - the event's Signature was seen before with the same ID: Duplicate,
	//     nothing is stored;
	//   - it was seen with another ID: the event is quarantined with Reason
	//     SignatureReused, without decisions and deliveries. The first time it is
	//     stored, without its Body, which is the same; from then on it is Counted,
	//     whatever its ID: nobody needs a secret to send a request again;
	//   - the ID belongs to an accepted event of the same IDs with the same body, or
	//     the event has IDAlone: Duplicate; the new signature is remembered under
	//     this ID;
	//   - it belongs to one with another body: stored as quarantined with
	//     Reason IDReused, without decisions and deliveries;
	//   - otherwise it is stored as it is, after Resolve has decided what depends
	//     on state.
	//
	// Every stored event claims its signature; only an accepted or a timed one
	// claims its ID, so that garbage can never stand in the way of the real event.
	// Body comparison may be by SHA-256. On Commit's return Event.Seq, Status and
	// Reason say what was stored. A new event that is Good is remembered as the
	// last one.
	//
	// An error means that nothing of any batch is stored and nothing may be
	// acknowledged. The caller's context only bounds the wait to be taken into
	// a transaction: once in, Commit returns what became of it.
	Commit(ctx context.Context, batches ...*Batch) error

	// Known reports for each wanted id whether an accepted event of the given IDs has
	// it. The answer may be outdated: Commit decides.
	Known(ctx context.Context, ids string, wanted []string) ([]bool, error)
	// Muted returns the mute that holds for a key of a rule at a time, if there is
	// one. For the empty key it is one of the whole rule.
	Muted(rule, key string, now time.Time) (state.Mute, bool)
	// StateRow returns a row of state, and ScopeKeys how many rows a scope has.
	StateRow(ctx context.Context, ref state.Ref) (row state.Row, ok bool, err error)
	ScopeKeys(ctx context.Context, scope state.Scope) (int, error)
	// DueRows returns rows that are due at a time, ordered by due time and then by
	// rule, block, per and key. next is when the next row is due; zero if there is none.
	DueRows(ctx context.Context, q DueQuery) (rows []state.Row, next time.Time, err error)
	// StateRows returns the rows of a scope whose keys start with a prefix.
	StateRows(ctx context.Context, scope state.Scope, prefix string) ([]state.Row, error)
	// EventsBySeq returns the stored events with these numbers, with their bodies;
	// those that are gone are left out.
	EventsBySeq(ctx context.Context, seqs []int64) ([]record.Event, error)
}

// DueQuery chooses due rows.
type DueQuery struct {
	Now         time.Time
	Limit, Skip int // Skip leaves out the first ones
	// Scopes are the scopes of the rules that are active here: only those can
	// be fired.
	Scopes []state.Scope
	// SettledUntil, if not zero, leaves out the waits that came due until then.
	SettledUntil time.Time
}

// Batch is an event and everything that is stored with it.
type Batch struct {
	Event      *record.Event
	Deliveries []record.Delivery
	// Refs are the rows of state that Resolve is going to read.
	Refs []state.Ref
	// Resolve, if not nil, decides what depends on state: it reads and changes
	// rows, sets Event.Decisions and Deliveries, and says whether the batch still
	// holds. The store calls it inside the transaction, not for an event that is a
	// duplicate or quarantined, and again if the transaction has to be repeated.
	Resolve func(seq int64, rows state.Rows) bool
	// Verdict is what Commit made of it.
	Verdict Verdict
}

// Verdict is what Commit made of an event.
type Verdict int

// The verdicts: the event was stored (accepted, timed or quarantined, see its
// Status); it was there already; its signature was reused once more, and that
// was counted; or Resolve said that the batch does not hold any more.
const (
	Stored Verdict = iota
	Duplicate
	Counted
	Stale
)

// The reasons for quarantine that only the store can find.
const (
	SignatureReused = "signature_reused"
	IDReused        = "id_reused"
)
