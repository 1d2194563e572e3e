// Package intake owns the front door behind the receiver: a verified request
// becomes an event, the active rule set decides it, and event, decisions and
// deliveries are committed together before anybody is told that it arrived.
// The receiver calls it; it knows the engine and, through an interface of its
// own, a store.
package intake

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
)

// The reasons for quarantine that the intake finds; event.Fault has those of
// the body, store.go those of a repetition.
const (
	OtherCompany  = "other_company"
	OutsideWindow = "outside_window"
	ReservedType  = "reserved_type" // heed's own events do not come from outside
	LongType      = "long_type"     // no type has more than maxType characters
)

// maxType is how many characters an event's type has at most: it stands in lists, in
// labels of metrics and in the log.
const maxType = 200

// Options are what an Intake needs.
type Options struct {
	Store Store
	// Rules returns the active rule set. One event is decided by one set.
	Rules func() *engine.RuleSet
	// Company, if not empty, is the only company whose events are used.
	Company string
	// RowsShow, if not nil, reports whether a new row shows that the source of events
	// works, which it does if no source takes requests.
	RowsShow func() bool
	// MaxAge and MaxAhead are the accepted window around the signed time; an event
	// outside it is quarantined.
	MaxAge, MaxAhead time.Duration
	// Known, if not nil, gives what is known of people once the event, signed at
	// that time, counts: it answers what rules ask beyond the event. It may wait for an
	// answer until the context ends; then nothing is decided.
	Known func(ctx context.Context, e *event.Event, signedAt time.Time) expression.Resolver
	// NoSend records deliveries as held, never to be sent.
	NoSend bool
	// Stored, if not nil, is called after the commit of every event that was stored,
	// with the decoded event (empty if it could not be decoded) and all its decisions
	// and deliveries. The context of this and of the functions below is that of the
	// caller who brought the event, and may have ended.
	Stored func(context.Context, *record.Event, *event.Event, []engine.Decision, []record.Delivery)
	// Learn, if not nil, is called after the commit of every event that was stored,
	// before the request is answered. The event is nil if there is nothing to learn
	// from it: if it was quarantined or replayed, or is heed's own.
	Learn func(context.Context, *record.Event, *event.Event)
	// Overflow, if not nil, is called when a rule has so many keys that one was
	// not tracked.
	Overflow func(ctx context.Context, rule string)
	Now      func() time.Time
	Log      *slog.Logger
}

// Intake takes verified requests in. It is safe for concurrent use.
type Intake struct {
	Options
	decoding decoding
	warned   sync.Map // event types without a declaration that were warned of

	warnedTypes atomic.Int64
}

// New makes an Intake.
func New(o Options) (*Intake, error) {
	if o.Store == nil || o.Rules == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("intake: Store, Rules, Now and Log are needed")
	}
	return &Intake{Options: o, decoding: newDecoding(maxDecoded)}, nil
}

// Accept stores the events of a request and says what became of each. When it returns
// without an error, the answers are durable. On an error nothing was stored, and the
// sender must be told to send the request again.
func (in *Intake) Accept(ctx context.Context, r Request) ([]Answer, error) {
	done, err := in.decoding.start(ctx, r.Body)
	if err != nil {
		return nil, err
	}
	defer done()
	now := in.Now().UTC()
	if r.Source.Mapping != nil {
		return in.accept(ctx, in.mapped(&r, now), now)
	}
	return in.accept(ctx, []arrival{in.published(&r, now)}, now)
}

// accept decides events by one rule set and stores them together.
func (in *Intake) accept(ctx context.Context, arrivals []arrival, now time.Time) ([]Answer, error) {
	if len(arrivals) == 0 {
		return nil, nil
	}
	rules := in.Rules()
	all := make([]*decided, len(arrivals))
	for i := range arrivals {
		a := &arrivals[i]
		if a.stored.Status == record.Quarantined {
			all[i] = &decided{Batch: Batch{Event: a.stored}, event: &a.event}
			continue
		}
		var err error
		if all[i], err = in.decide(ctx, a.stored, &a.event, rules, now); err != nil {
			return nil, err
		}
		in.warnUndeclared(rules, a.event.Type)
	}
	if err := in.commit(ctx, all...); err != nil {
		return nil, err
	}
	answers := make([]Answer, len(all))
	for i, d := range all {
		answers[i] = d.answer()
	}
	return answers, nil
}

// answer says what became of an event that was committed.
func (d *decided) answer() Answer {
	e := d.Event
	a := Answer{Source: e.Source, Type: e.Type, ID: e.ID}
	switch {
	case d.Verdict == Duplicate:
		a.Duplicate = true
		if e.Status == record.Quarantined {
			a.Quarantined, a.Detail = e.Reason, e.Detail
		}
	case d.Verdict == Counted:
		a.Quarantined, a.Repeated = SignatureReused, true
	case e.Status == record.Quarantined:
		a.Quarantined, a.Detail = e.Reason, e.Detail
	default:
		a.Inert, a.Deliveries = e.Inert, len(d.Deliveries)
	}
	return a
}

// idEncoding keeps the order of the bytes it encodes.
var idEncoding = base32.NewEncoding("234567abcdefghijklmnopqrstuvwxyz").WithPadding(base32.NoPadding)

// newID makes a delivery id that nobody can guess and no two stores share: 24 letters
// and digits, made of the time and 72 random bits. The time comes first, so that a
// store's index of ids grows at its end.
func newID(now time.Time) string {
	var id [15]byte
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16)
	_, _ = rand.Read(id[6:]) // it never fails
	return idEncoding.EncodeToString(id[:])
}

// maxWarned keeps a sender that invents types from filling the memory and the log.
const maxWarned = 1000

// warnUndeclared warns once of each event type that nobody declared.
func (in *Intake) warnUndeclared(rules *engine.RuleSet, eventType string) {
	if rules.Catalog().Lookup(eventType) != nil {
		return
	}
	if in.warnedTypes.Load() >= maxWarned {
		return
	}
	if _, before := in.warned.LoadOrStore(eventType, true); !before {
		in.warnedTypes.Add(1)
		in.Log.Warn("an event of a type that nobody declared; it is stored, and rules may name it",
			"type", eventType, "rules_listen", rules.ListensTo(eventType))
	}
}
