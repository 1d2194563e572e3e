package backtest

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/state"
)

// A simulation runs one rule set on the virtual clock.
type simulation struct {
	rules  *engine.RuleSet
	intake *intake.Intake
	store  *simStore
	since  time.Time
	zone   *time.Location
	now    time.Time
	// expired is when expired rows were last deleted.
	expired time.Time
	known   expression.Resolver
	byRule  map[string]*tally
	// date is the day of the last alert.
	date     state.Date
	dateText string
	// compared reports whether there is another simulation to compare with. Only then are
	// alerts kept, by rule and event, and stopped: suppressed alerts, for the reasons in
	// a diff.
	compared bool
	alerts   map[alertKey]alert
	stopped  map[alertKey]record.Effect
}

// An alertKey names the event by its ID and the source within which IDs are unique.
type alertKey struct{ rule, ids, event string }

type alert struct {
	at       time.Time
	requests uint64 // a hash of them
	seq      int64  // of the event, 0 for a firing
}

type tally struct {
	alerts, unknown, errors int
	suppressed              map[string]int
	perDay                  map[string]int
}

// maxStopped limits the suppressed alerts kept for their reasons.
const maxStopped = 100_000

func newSimulation(rules *engine.RuleSet, o *Options) (*simulation, error) {
	if o.Against == nil {
		rules = rules.Unrendered()
	}
	s := &simulation{
		rules: rules, store: newSimStore(o.Events), since: o.Since, compared: o.Against != nil, zone: zoneOf(rules),
		byRule: map[string]*tally{},
		alerts: map[alertKey]alert{}, stopped: map[alertKey]record.Effect{},
	}
	for _, rule := range rules.Rules() {
		s.byRule[rule.Name] = &tally{suppressed: map[string]int{}, perDay: map[string]int{}}
	}
	var err error
	s.intake, err = intake.New(intake.Options{
		Store: s.store, Rules: func() *engine.RuleSet { return rules }, MaxAge: o.MaxAge,
		Known:  func(context.Context, *event.Event, time.Time) expression.Resolver { return s.known },
		Stored: s.stored, Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
	})
	return s, err
}

// zoneOf returns the time zone in which days are counted: that of the first rule that has
// one.
func zoneOf(rules *engine.RuleSet) *time.Location {
	for _, rule := range rules.Rules() {
		if rule.Time != nil && rule.Time.Location != nil {
			return rule.Time.Location
		}
	}
	return time.UTC
}

// take decides one recorded event at the time it arrived.
func (s *simulation) take(ctx context.Context, e *record.Event, decoded event.Event, known expression.Resolver) error {
	if err := s.advance(ctx, e.ReceivedAt); err != nil {
		return err
	}
	s.known, s.store.seq = known, e.Seq
	own := record.Event{
		Seq: e.Seq, Source: e.Source, IDs: e.IDs, Inert: e.Inert, ID: e.ID, Type: e.Type, CompanyID: e.CompanyID,
		Status: record.Accepted, ReceivedAt: e.ReceivedAt,
		SignedAt: e.SignedAt, Signature: e.Signature, Body: e.Body,
	}
	return s.intake.DecideAndCommit(ctx, &own, &decoded)
}

// expireEvery is how often expired rows are deleted, as in the store: they would still
// count as keys.
const expireEvery = 24 * time.Hour

// advance fires what is due before until, and moves the clock there.
func (s *simulation) advance(ctx context.Context, until time.Time) error {
	for {
		next := s.store.State.NextDue()
		if next.IsZero() || next.After(until) {
			break
		}
		if next.After(s.now) {
			s.now = next
		}
		rows := s.store.State.TakeDue(s.now, 64)
		if len(rows) == 0 {
			continue
		}
		if _, err := s.intake.Fire(ctx, rows); err != nil {
			return err
		}
	}
	if until.After(s.now) {
		s.now = until
	}
	if s.now.Sub(s.expired) > expireEvery {
		s.store.State.Expire(s.now)
		s.expired = s.now
	}
	return nil
}

// stored counts what became of an event or a firing.
func (s *simulation) stored(
	_ context.Context, e *record.Event, _ *event.Event, decisions []engine.Decision, deliveries []record.Delivery,
) {
	if e.ReceivedAt.Before(s.since) {
		return
	}
	about := e.ID
	if s.compared {
		about = sameAs(e)
	}
	for i := range decisions {
		d := &decisions[i]
		t, key := s.byRule[d.Rule.Name], alertKey{d.Rule.Name, e.IDs, about}
		switch d.Outcome {
		case engine.Unknown:
			t.unknown++
		case engine.Errored:
			t.errors++
		}
		for _, effect := range d.Effects {
			if record.Suppressed(effect.Effect) {
				t.suppressed[effect.Effect]++
				if s.compared && len(s.stopped) < maxStopped {
					s.stopped[key] = effect
				}
			}
		}
		if sent(d, deliveries) {
			t.alerts++
			t.perDay[s.day(e.ReceivedAt)]++
			if !s.compared {
				continue
			}
			a := alert{at: e.ReceivedAt, requests: requestsOf(d, deliveries)}
			if e.Status == record.Accepted {
				a.seq = e.Seq
			}
			s.alerts[key] = a
		}
	}
}

// sameAs returns a text that identifies an event in both simulations. If a firing is not
// about one event, such as a digest's, its ID includes the version of its row, which
// differs between simulations; its key and time do not.
func sameAs(e *record.Event) string {
	if e.Status != record.Timed {
		return e.ID
	}
	decoded, err := event.Decode(e.Body)
	if err != nil || decoded.Data["eventId"] != nil {
		return e.ID
	}
	return fmt.Sprintf("%v of %q at %s", decoded.Data["block"], decoded.Data["key"], e.ReceivedAt.Format(time.RFC3339))
}

// sent reports whether a decision led to an alert: deliveries or, in shadow mode, what
// would have been deliveries.
func sent(d *engine.Decision, deliveries []record.Delivery) bool {
	if d.Rule.Shadow {
		return d.Outcome == engine.Matched && (d.Rule.Time == nil && len(d.Effects) == 0 ||
			slices.ContainsFunc(d.Effects, func(e record.Effect) bool { return e.Effect == record.Sent }))
	}
	return slices.ContainsFunc(deliveries, func(row record.Delivery) bool { return row.Rule == d.Rule.Name })
}

// requestsOf returns a hash of what an alert says.
func requestsOf(d *engine.Decision, deliveries []record.Delivery) uint64 {
	h := fnv.New64a()
	for i := range deliveries {
		if deliveries[i].Rule == d.Rule.Name {
			_, _ = h.Write([]byte(deliveries[i].Action))
			_, _ = h.Write(deliveries[i].Request)
		}
	}
	return h.Sum64()
}

// day returns the day of a time. Its text is made only once a day.
func (s *simulation) day(at time.Time) string {
	year, month, day := at.In(s.zone).Date()
	if date := (state.Date{Year: year, Month: month, Day: day}); date != s.date {
		s.date, s.dateText = date, at.In(s.zone).Format(time.DateOnly)
	}
	return s.dateText
}

func (s *simulation) results() (results []Rule) {
	for _, rule := range s.rules.Rules() {
		t := s.byRule[rule.Name]
		r := Rule{
			Rule: rule.Name, Alerts: t.alerts, Suppressed: t.suppressed, PerDay: []Day{}, Unknown: t.unknown,
			Errors: t.errors,
		}
		for day, alerts := range t.perDay {
			r.PerDay = append(r.PerDay, Day{day, alerts})
		}
		slices.SortFunc(r.PerDay, func(a, b Day) int { return strings.Compare(a.Day, b.Day) })
		results = append(results, r)
	}
	return results
}
