package ruletest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/source"
	"heed/engine/state"
)

// An Alert is something that would have been sent, and when.
type Alert struct {
	At      time.Time       `json:"at"`
	Rule    string          `json:"rule"`
	Action  string          `json:"action"`
	Kind    string          `json:"kind"`
	EventID string          `json:"event_id"`
	Request json.RawMessage `json:"request,omitempty"`
	Problem string          `json:"problem,omitempty"`
	// Mode is the rule's mode. Alerts of a rule in shadow mode are listed too.
	Mode string `json:"mode"`
}

// Happened is what rules made of one event or one firing on a timeline.
type Happened struct {
	At        time.Time  `json:"at"`
	EventID   string     `json:"event_id"`
	Event     string     `json:"event"`
	Decisions []Decision `json:"decisions"`
	Alerts    []Alert    `json:"alerts"`
}

// Timed reports whether it was something that was due, instead of an event that arrived.
func (h *Happened) Timed() bool { return h.Event == event.TimedType }

// defaultMaxAge and defaultSettle are the defaults of heed serve.
const (
	defaultMaxAge = 8 * time.Hour
	defaultSettle = 15 * time.Minute
)

// A Store holds a timeline's events, state and mutes.
type Store interface {
	intake.Store
	AddMute(ctx context.Context, m state.Mute) (state.Mute, error)
}

// People are the people whom rules may look up.
type People interface {
	Learn(e *event.Event, signedAt time.Time)
	// Resolve returns the resolver for lookups after the event, signed at the given time,
	// is learnt.
	Resolve(e *event.Event, signedAt time.Time) expression.Resolver
}

// A Timeline runs events through rules on a virtual clock, with the rules' state. It runs
// the same code as heed serve and sends nothing.
type Timeline struct {
	// Happened is everything so far, in order.
	Happened []Happened

	rules  *engine.RuleSet
	intake *intake.Intake
	store  Store
	now    time.Time
	facts  expression.Recorded
	// known answers what the facts do not; nil knows nothing. If people is set, it
	// answers from what they know once the event being decided is learnt.
	known  expression.Resolver
	people People
	// asked are the facts that the rules looked up, with their answers.
	asked  expression.Recorded
	events int
	// startedAt is when the process was last started.
	startedAt time.Time
}

// NewTimeline returns a timeline that begins at a time, with the state of a store. If the
// store is nil, the timeline uses an empty one in memory.
func NewTimeline(rules *engine.RuleSet, from time.Time, store Store) (*Timeline, error) {
	if store == nil {
		store = intake.NewMemory()
	}
	t := &Timeline{rules: rules, store: store, now: from.UTC()}
	var err error
	t.intake, err = intake.New(intake.Options{
		Store: t.store, Rules: func() *engine.RuleSet { return rules }, MaxAge: defaultMaxAge,
		Known: t.knownOnce, Learn: t.learn, Stored: t.stored, Now: func() time.Time { return t.now },
		Log: slog.New(slog.DiscardHandler),
	})
	return t, err
}

// KnowPeople lets rules look up people, beyond the facts of the entries. People learn
// from the events.
func (t *Timeline) KnowPeople(p People) { t.people = p }

// knownOnce returns what is known once an event is learnt.
func (t *Timeline) knownOnce(_ context.Context, e *event.Event, signedAt time.Time) expression.Resolver {
	if t.people != nil {
		t.known = t.people.Resolve(e, signedAt)
	}
	return t
}

func (t *Timeline) learn(_ context.Context, stored *record.Event, e *event.Event) {
	if t.people != nil && e != nil {
		t.people.Learn(e, stored.SignedAt)
	}
}

// Resolve implements expression.Resolver.
func (t *Timeline) Resolve(q expression.Query) any {
	if value := t.facts.Resolve(q); value != nil || t.known == nil {
		return value
	}
	return t.known.Resolve(q)
}

// RuleSet returns the rules that are run.
func (t *Timeline) RuleSet() *engine.RuleSet { return t.rules }

// Now returns the current time of the timeline.
func (t *Timeline) Now() time.Time { return t.now }

// stored records what became of an event.
func (t *Timeline) stored(
	_ context.Context, e *record.Event, stored *event.Event, decisions []engine.Decision, deliveries []record.Delivery,
) {
	h := Happened{At: t.now, EventID: e.ID, Event: e.Type, Decisions: []Decision{}, Alerts: []Alert{}}
	var asked expression.Recorded
	if json.Unmarshal(e.Facts, &asked) == nil { // if there are none, nothing was looked up
		t.asked = append(t.asked, asked...)
	}
	h.Decisions = append(h.Decisions, t.explained(stored, decisions)...)
	for _, d := range deliveries {
		h.Alerts = append(h.Alerts, Alert{
			At: t.now, Rule: d.Rule, Action: d.Action, Kind: d.Kind, EventID: e.ID, Request: d.Request,
			Problem: d.LastError, Mode: engine.ModeLive,
		})
	}
	for i := range decisions {
		if d := &decisions[i]; d.Rule.Shadow && passed(d) {
			for _, r := range d.Requests {
				h.Alerts = append(h.Alerts, Alert{
					At: t.now, Rule: d.Rule.Name, Action: r.Action, Kind: r.Kind, EventID: e.ID, Request: r.Body,
					Problem: r.Problem, Mode: engine.ModeShadow,
				})
			}
		}
	}
	t.Happened = append(t.Happened, h)
}

// passed reports whether the alert of a rule would be sent if the rule were live.
func passed(d *engine.Decision) bool {
	if d.Rule.Time == nil {
		return d.Outcome == engine.Matched && len(d.Effects) == 0
	}
	return slices.ContainsFunc(d.Effects, func(e record.Effect) bool { return e.Effect == record.Sent })
}

// explained returns the decisions with explanations, including those of rules that did
// not match. A firing has no explanation.
func (t *Timeline) explained(e *event.Event, decisions []engine.Decision) []Decision {
	var all []Decision
	for i := range decisions {
		all = append(all, shown(&decisions[i]))
	}
	if e.Type == event.TimedType {
		return all
	}
	for _, x := range t.rules.Explain(e, t.now, &expression.LookupLog{Resolver: t}) {
		at := slices.IndexFunc(all, func(d Decision) bool { return d.Rule == x.Rule.Name })
		if at < 0 {
			all = append(all, shown(&x))
			continue
		}
		all[at].Explain = x.Explanation
	}
	return all
}

// Run processes the entries of a timeline in order of arrival.
func (t *Timeline) Run(ctx context.Context, entries []rulefile.Given) error {
	type arrival struct {
		at time.Time
		rulefile.Given
	}
	at := t.now
	arrivals := make([]arrival, len(entries))
	for i, entry := range entries {
		if entry.Body != nil {
			t.events++
			entry.ID = cmp.Or(entry.ID, fmt.Sprintf("e%d", t.events))
		}
		at = entry.Time(at)
		arrivals[i] = arrival{at.Add(entry.Arrives), entry}
		arrivals[i].At = at
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return a.at.Compare(b.at) })
	for _, a := range arrivals {
		if err := t.advance(ctx, a.at); err != nil {
			return err
		}
		if err := t.take(ctx, a.Given); err != nil {
			return err
		}
	}
	return t.fire(ctx)
}

// take processes an entry at its time.
func (t *Timeline) take(ctx context.Context, entry rulefile.Given) error {
	t.facts = slices.Concat(entry.Facts, t.facts)
	if entry.Mute > 0 {
		_, err := t.store.AddMute(ctx, state.Mute{
			Rule: entry.MuteRule, Key: entry.MuteKey, Reason: "the test", From: t.now, Until: t.now.Add(entry.Mute),
		})
		if err != nil {
			return err
		}
	}
	if entry.Body != nil {
		if err := t.event(ctx, entry); err != nil {
			return err
		}
	}
	if entry.Down > 0 {
		if err := t.fire(ctx); err != nil {
			return err
		}
		t.now = t.now.Add(entry.Down)
		t.startedAt = t.now
	}
	return nil
}

func (t *Timeline) event(ctx context.Context, entry rulefile.Given) error {
	e, err := event.Decode(entry.Body)
	if err != nil {
		return fmt.Errorf("given is not an event: %w", err)
	}
	signature := sha256.Sum256([]byte(entry.ID))
	return t.intake.DecideAndCommit(ctx, &record.Event{
		Source: cmp.Or(entry.Source, source.Mindtickle), ID: entry.ID, Type: e.Type, CompanyID: e.CompanyID,
		Status: record.Accepted, ReceivedAt: t.now, SignedAt: entry.At,
		Signature: signature[:], Body: entry.Body,
	}, &e)
}

// Advance fires what is due before until, and moves the clock there.
func (t *Timeline) Advance(ctx context.Context, until time.Time) error {
	if err := t.advance(ctx, until); err != nil {
		return err
	}
	return t.fire(ctx)
}

// advance fires what is due before a time. If an event and a firing happen at the same
// moment, the event comes first.
func (t *Timeline) advance(ctx context.Context, until time.Time) error {
	for until.After(t.now) {
		if err := t.fire(ctx); err != nil {
			return err
		}
		next, err := t.next(ctx)
		if err != nil {
			return err
		}
		if next.IsZero() || !next.Before(until) {
			t.now = until.UTC()
			return nil
		}
		t.now = later(t.now, next.UTC())
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// next returns when something is next due.
func (t *Timeline) next(ctx context.Context) (time.Time, error) {
	_, next, err := t.store.DueRows(ctx, t.due())
	if settled := t.startedAt.Add(defaultSettle); settled.After(t.now) && (next.IsZero() || settled.Before(next)) {
		next = settled
	}
	return next, err
}

func (t *Timeline) due() intake.DueQuery {
	q := intake.DueQuery{Now: t.now, Limit: 100, Scopes: t.rules.Scopes()}
	if t.now.Before(t.startedAt.Add(defaultSettle)) {
		q.SettledUntil = t.startedAt
	}
	return q
}

// fire fires what is due now.
func (t *Timeline) fire(ctx context.Context) error {
	for {
		rows, _, err := t.store.DueRows(ctx, t.due())
		if err != nil || len(rows) == 0 {
			return err
		}
		if fired, err := t.intake.Fire(ctx, rows); err != nil || fired == 0 {
			return err
		}
	}
}

// Alerts returns all alerts of a rule, or of all rules if the name is empty.
func (t *Timeline) Alerts(rule string) []Alert {
	alerts := []Alert{}
	for _, h := range t.Happened {
		for _, a := range h.Alerts {
			if rule == "" || a.Rule == rule {
				alerts = append(alerts, a)
			}
		}
	}
	return alerts
}

// Effects returns all effects of a rule.
func (t *Timeline) Effects(rule string) []record.Effect {
	effects := []record.Effect{}
	for _, h := range t.Happened {
		for _, d := range h.Decisions {
			if d.Rule == rule {
				effects = append(effects, d.Effects...)
			}
		}
	}
	return effects
}
