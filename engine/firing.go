package engine

import (
	"time"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/state"
)

// A Cause holds the events that a firing is about.
type Cause struct {
	// Event is the event whose data the templates see. It is nil for a digest and a
	// summary.
	Event *event.Event
	Items []*event.Event
}

// Fired is a firing with the rule's decision about it.
type Fired struct {
	state.Alert
	Outcome  Outcome
	Reason   string
	Requests []Request
}

// Fire decides a firing of a rule: whether its still condition holds, and the keys of
// later blocks. It renders the requests; the transaction decides, by the rule's settings,
// whether they are sent. Like Evaluate, it never fails.
func (s *RuleSet) Fire(
	rule *Rule, f *state.Firing, cause Cause, now time.Time, lookups *expression.LookupLog,
) (fired Fired) {
	fired.Outcome = Matched
	e := cause.Event
	if e == nil {
		e = &event.Event{ReceivedAt: now, At: now}
	}
	env := s.env(e, now, lookups)
	rows := make([]*expression.Env, len(cause.Items))
	for i, item := range cause.Items {
		rows[i] = s.env(item, now, lookups)
	}
	setNames(env, f, rows, rule.Time.Location)
	t := rule.Time
	if t.Still != nil && f.Row.Scope.Block == state.BlockWait {
		truth, reason := t.Still.Eval(env)
		switch truth {
		case expression.True:
		case expression.False:
			fired.Still = state.Fails
			return fired
		default:
			fired.Still, fired.Outcome, fired.Reason = state.Unclear, outcomes[truth], "still: "+reason
			return fired
		}
	}
	var missing string
	feeds := t.Digest != nil && (t.Count != nil || t.Wait != nil) && f.Row.Scope.Block != state.BlockDigest
	switch {
	case feeds:
		fired.Collect, missing = t.collectInput(env, e)
	case t.Throttle != nil && cause.Event != nil:
		fired.ThrottleKey, missing = t.ThrottlePer.eval(env)
	}
	if missing != "" {
		fired.Still, fired.Outcome, fired.Reason = state.Unclear, Unknown, missing
		return fired
	}
	if !feeds {
		fired.Requests = renderAll(rule.stepsOf(f), env)
	}
	return fired
}

// stepsOf returns the steps that a firing takes.
func (r *Rule) stepsOf(f *state.Firing) []Step {
	switch f.Row.Scope.Block {
	case state.BlockThrottle:
		return r.Time.Rest
	case state.BlockWait:
		if r.Time.WaitSteps != nil && f.Step < len(r.Time.WaitSteps) {
			return r.Time.WaitSteps[f.Step]
		}
	}
	return r.Steps
}

// setNames sets the names that the firing's expressions use. Times are in the rule's
// zone.
func setNames(env *expression.Env, f *state.Firing, rows []*expression.Env, zone *time.Location) {
	switch f.Row.Scope.Block {
	case state.BlockWait:
		env.Set("started", f.Start.In(zone))
		env.Set("due", f.Due.In(zone))
		env.Set("step", f.Step+1)
	case state.BlockCount:
		env.SetItems(rows, zone)
		env.Set("total", f.Total)
	case state.BlockDigest, state.BlockThrottle:
		env.SetItems(rows, zone)
		env.Set("total", f.Total)
		env.Set("more", f.Total-len(rows))
		env.Set("key", state.ShowKey(f.Key))
		env.Set("since", f.Since.In(zone))
		env.Set("until", f.Until.In(zone))
	}
}
