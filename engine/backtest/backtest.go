// Package backtest runs rules over recorded events on a virtual clock, with the rules'
// state, and reports which alerts would have followed. It can compare two rule sets. It
// runs the code that decides real events, sends nothing and stores nothing.
package backtest

import (
	"context"
	"encoding/json"
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

// Events reads recorded events. internal/store implements it.
type Events interface {
	// EventsFrom returns the events after a number, in order, with their bodies and
	// facts. It returns none at the end.
	EventsFrom(ctx context.Context, after int64, limit int) ([]record.Event, error)
	// EventsBySeq returns the events with these numbers.
	EventsBySeq(ctx context.Context, seqs []int64) ([]record.Event, error)
}

// People is what is known of people. It learns from the events in order.
type People interface {
	Learn(e *event.Event, signedAt time.Time)
	Resolve(e *event.Event, signedAt time.Time) expression.Resolver
}

// Options select what a backtest runs.
type Options struct {
	Rules *engine.RuleSet
	// Against is the rule set with which Rules is compared, or nil.
	Against *engine.RuleSet
	// Since and Until delimit the events whose alerts are counted. Events before Since
	// are run for the state they leave, but not counted.
	Since, Until time.Time
	Events       Events
	// NewPeople returns what is known of people before the first event.
	NewPeople func() People
	MaxAge    time.Duration
	// From is the number of the event after which the backtest begins; 0 to begin with
	// the first.
	From int64
	// Progress, if not nil, is called periodically with the time reached.
	Progress func(at time.Time, events int)
}

// A Result is what would have happened.
type Result struct {
	// Events counts the events from Since to Until.
	Events int    `json:"events"`
	Rules  []Rule `json:"rules"`
	Diff   *Diff  `json:"diff,omitempty"`
	// Notes say what the backtest cannot know.
	Notes []string `json:"notes,omitempty"`
	// Stopped is the time up to which the result goes, if the backtest was interrupted.
	Stopped time.Time `json:"stopped,omitzero"`
}

// A Rule is what one rule would have done.
type Rule struct {
	Rule   string `json:"rule"`
	Alerts int    `json:"alerts"`
	// Suppressed counts alerts that were not sent, by effect.
	Suppressed map[string]int `json:"suppressed"`
	PerDay     []Day          `json:"per_day"`
	// Unknown and Errors count events that the rule could not decide.
	Unknown int `json:"unknown"`
	Errors  int `json:"errors"`
}

// A Day counts the alerts of a day, in the rules' time zone or UTC.
type Day struct {
	Day    string `json:"day"`
	Alerts int    `json:"alerts"`
}

// page is how many events are read at once.
const page = 1000

// Run runs the backtest. If the context ends, it returns what it knows by then.
func Run(ctx context.Context, o Options) (Result, error) {
	r := run{Options: o, sets: []*engine.RuleSet{o.Rules}, people: o.NewPeople()}
	if o.Against != nil {
		r.sets = append(r.sets, o.Against)
	}
	for _, set := range r.sets {
		sim, err := newSimulation(set, &r.Options)
		if err != nil {
			return Result{}, err
		}
		r.sims = append(r.sims, sim)
	}
	r.known.timed = slices.ContainsFunc(r.sets, isTimed)
	// A half-decided event says nothing, so the context is checked only between pages.
	stopped, ctx := ctx.Done(), context.WithoutCancel(ctx)
	if err := r.takeAll(ctx, stopped); err != nil {
		return Result{}, err
	}
	if r.result.Stopped.IsZero() && !o.Until.IsZero() {
		for _, sim := range r.sims {
			if err := sim.advance(ctx, o.Until); err != nil {
				return Result{}, err
			}
		}
	}
	r.result.Rules = r.sims[0].results()
	r.result.Notes = append(notes(o.Rules), r.known.notes()...)
	if o.Against != nil {
		r.result.Diff = compare(r.sims[1], r.sims[0])
		if err := r.result.Diff.explain(ctx, o.Events, r.people); err != nil {
			return Result{}, fmt.Errorf("explain a difference: %w", err)
		}
	}
	return r.result, nil
}

// run is one call of Run.
type run struct {
	Options
	sets   []*engine.RuleSet
	sims   []*simulation // one for each rule set
	people People
	known  unknowns
	result Result
}

// takeAll processes the recorded events page by page, to the last or until stopped is
// closed.
func (r *run) takeAll(ctx context.Context, stopped <-chan struct{}) error {
	for after := r.From; ; {
		events, err := r.Events.EventsFrom(ctx, after, page)
		if err != nil {
			return fmt.Errorf("read recorded events: %w", err)
		}
		if len(events) == 0 {
			return nil
		}
		r.known.begin(&events[0])
		for i := range events {
			if err := r.take(ctx, &events[i]); err != nil {
				return err
			}
		}
		last := &events[len(events)-1]
		after = last.Seq
		if r.Progress != nil {
			r.Progress(last.ReceivedAt, r.result.Events)
		}
		if isClosed(stopped) {
			r.result.Stopped = last.ReceivedAt
			return nil
		}
	}
}

// take passes an event to the simulations, if they can use it, and to what is known of
// people.
func (r *run) take(ctx context.Context, e *record.Event) error {
	if !r.Until.IsZero() && !e.ReceivedAt.Before(r.Until) {
		return nil
	}
	r.known.decided(e, r.sets)
	if e.Status != record.Accepted || event.Reserved(e.Type) {
		return nil
	}
	decoded, err := event.Decode(e.Body)
	if err != nil {
		return nil
	}
	counts := !e.ReceivedAt.Before(r.Since)
	if counts {
		r.result.Events++
	}
	// The contents of a count or a limit can depend on any earlier event, not only on
	// those within its window: where one window ends, the next begins.
	if counts || r.known.timed {
		facts := resolver(e, r.people.Resolve(&decoded, e.SignedAt))
		for _, sim := range r.sims {
			if err := sim.take(ctx, e, decoded, facts); err != nil {
				return err
			}
		}
	}
	r.people.Learn(&decoded, e.SignedAt)
	return nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// resolver answers lookups with what was recorded with the event or, if that has no
// answer, with what earlier events said.
func resolver(e *record.Event, folded expression.Resolver) expression.Resolver {
	if len(e.Facts) == 0 {
		return folded
	}
	var recorded expression.Recorded
	if err := json.Unmarshal(e.Facts, &recorded); err != nil {
		return folded
	}
	return both{recorded, folded}
}

type both struct{ first, second expression.Resolver }

// Resolve implements expression.Resolver.
func (b both) Resolve(q expression.Query) any {
	if answer := b.first.Resolve(q); answer != nil {
		return answer
	}
	return b.second.Resolve(q)
}

// isTimed reports whether a rule of a set has time or state.
func isTimed(set *engine.RuleSet) bool {
	return slices.ContainsFunc(set.Rules(), func(rule *engine.Rule) bool { return rule.Time != nil })
}

// unknowns records what cannot be known of the state that rules had.
type unknowns struct {
	timed   bool      // there are rules with state
	first   time.Time // when the first recorded event arrived
	partial bool      // there were events before it
	others  bool      // other rules decided some of the events
}

// begin records the first available event.
func (u *unknowns) begin(e *record.Event) {
	if u.first.IsZero() {
		u.first, u.partial = e.ReceivedAt, e.Seq > 1
	}
}

// decided records which rules decided an event or discarded state.
func (u *unknowns) decided(e *record.Event, sets []*engine.RuleSet) {
	u.others = u.others || (e.Status == record.Accepted || e.Status == record.Timed) &&
		!slices.ContainsFunc(sets, func(set *engine.RuleSet) bool { return set.Hash() == e.RuleSet })
}

func (u *unknowns) notes() (notes []string) {
	if !u.timed {
		return nil
	}
	if u.others {
		notes = append(notes, "counts, waits and limits are those that these rules would have had, not those of the "+
			"rules of then")
	}
	if u.partial {
		notes = append(notes, "what rules remember begins empty with the first event that is used, of "+
			u.first.UTC().Format(time.DateOnly))
	}
	return append(notes, "what was due is taken to be on time, also while heed did not run or had just started")
}

// notes returns what a backtest of the rules cannot know.
func notes(rules *engine.RuleSet) (notes []string) {
	asks := map[expression.Topic]bool{}
	for _, rule := range rules.Rules() {
		for _, q := range rule.Asks {
			asks[q.About] = true
		}
	}
	if asks[expression.AboutLookup] {
		notes = append(notes, "tables are as they are now, where an event does not record what was looked up")
	}
	if asks[expression.AboutUser] || asks[expression.AboutProgress] || asks[expression.AboutRank] {
		notes = append(notes, "people are what the recorded events tell: imports and deleted events are not known")
	}
	return append(notes, "mutes are not applied")
}

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

// remembers reports whether a rule may need an event's data later.
func remembers(batches []*intake.Batch) bool {
	return slices.ContainsFunc(batches, func(b *intake.Batch) bool {
		return slices.ContainsFunc(b.Refs, func(ref state.Ref) bool { return ref.Scope.Block != state.BlockThrottle })
	})
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
