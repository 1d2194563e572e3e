// Package backtest runs rules over recorded events on a virtual clock, with the rules'
// state, and reports which alerts would have followed. It can compare two rule sets. It
// runs the code that decides real events, sends nothing and stores nothing.
package backtest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
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
