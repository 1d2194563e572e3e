package engine

import (
	"fmt"
	"slices"
	"time"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/state"
)

// Timing is what a rule with time or state has in addition to its condition and steps:
// the settings of its blocks, which package state interprets, and the expressions that
// determine which rows an event touches.
type Timing struct {
	state.Settings
	// Per gives the key of the count, the wait or the digest. DigestPer gives the key of
	// a digest of the alerts of a count or a wait. ThrottlePer gives the key of the
	// throttle.
	Per, DigestPer, ThrottlePer Key
	// Distinct belongs to a count, OnePer to a digest.
	Distinct, OnePer Key
	// Deadline belongs to a wait that has steps before a deadline.
	Deadline *expression.Value
	// Reset belongs to a count, and is evaluated on the rule's own event types.
	Reset *expression.Condition
	// Unless lists the events that cancel a wait.
	Unless []Unless
	// Still, if not nil, is evaluated again when a wait is due.
	Still *expression.Condition
	// WaitSteps holds the steps for each step of the wait; nil if each takes the rule's
	// own.
	WaitSteps [][]Step
	// Rest is the steps of the summary of what the throttle stopped.
	Rest []Step
}

// Unless is one kind of event that cancels a wait.
type Unless struct {
	On   []string
	When *expression.Condition
	// Per is the wait's per, compiled for these event types.
	Per Key
}

// A Key is a list of expressions whose values form a key. An empty list gives the empty
// key, which all events share.
type Key []*expression.Value

// AlertKey returns the key of the rule's alerts, to which mutes refer.
func (r *Rule) AlertKey() Key {
	switch t := r.Time; {
	case t == nil:
		return nil
	case t.Plain():
		return t.ThrottlePer
	case t.Digest != nil && (t.Count != nil || t.Wait != nil):
		return t.DigestPer
	default:
		return t.Per
	}
}

// eval evaluates the key for an event. If a part is missing there is no key, and reason
// says why: the event must never fall into a bucket shared with others.
func (k Key) eval(env *expression.Env) (key, reason string) {
	parts := make([]string, len(k))
	for i, part := range k {
		value, unknown := part.Eval(env)
		if unknown != nil {
			return "", unknown.Reason()
		}
		if parts[i] = expression.Text(value); parts[i] == "" {
			return "", part.Text + " is empty"
		}
	}
	key = state.JoinKey(parts...)
	if len(key) > state.MaxKey {
		return "", fmt.Sprintf("the key has %d bytes, more than %d", len(key), state.MaxKey)
	}
	return key, ""
}

// A role is why a rule listens to an event type.
type role int

// The roles, in the order in which they apply to one event.
const (
	roleUnless role = iota
	roleReset
	roleWhen
)

// A listener is a condition of a rule that is evaluated on events of one type.
type listener struct {
	rule      *Rule
	role      role
	condition *expression.Condition
	per       Key
}

// listeners returns the rule's conditions for an event type.
func (r *Rule) listeners(eventType string) (all []listener) {
	if r.Time != nil {
		for _, u := range r.Time.Unless {
			if slices.Contains(u.On, eventType) {
				all = append(all, listener{r, roleUnless, u.When, u.Per})
			}
		}
	}
	if !slices.Contains(r.On, eventType) {
		return all
	}
	if r.Time != nil && r.Time.Reset != nil {
		all = append(all, listener{r, roleReset, r.Time.Reset, r.Time.Per})
	}
	return append(all, listener{r, roleWhen, r.Condition, nil})
}

// Types returns the event types that the rule needs: those of On, and those that cancel
// its wait.
func (r *Rule) Types() []string {
	types := slices.Clone(r.On)
	if r.Time != nil {
		for _, u := range r.Time.Unless {
			for _, name := range u.On {
				if !slices.Contains(types, name) {
					types = append(types, name)
				}
			}
		}
	}
	return types
}

// input returns what an event means to a matched rule; if there is no input, reason says
// why.
func (t *Timing) input(env *expression.Env, e *event.Event) (in state.Input, reason string) {
	in = mark(e, state.Match)
	if in.Key, reason = t.Per.eval(env); reason != "" {
		return in, noValue("per", reason)
	}
	switch {
	case t.Count != nil && t.Count.Distinct:
		if in.Value, reason = t.Distinct.eval(env); reason != "" {
			return in, noValue("distinct", reason)
		}
	case t.Deadline != nil:
		if in.Deadline, reason = t.deadline(env); reason != "" {
			return in, noValue("deadline", reason)
		}
	case t.Digest != nil && t.Digest.OnePer:
		if in.Value, reason = t.OnePer.eval(env); reason != "" {
			return in, noValue("one_per", reason)
		}
	case t.Plain():
		if in.ThrottleKey, reason = t.ThrottlePer.eval(env); reason != "" {
			return in, noValue("per", reason)
		}
	}
	return in, ""
}

func noValue(key, reason string) string { return key + " has no value: " + reason }

// collectInput returns the input of a digest of the alerts of a count or a wait.
func (t *Timing) collectInput(env *expression.Env, e *event.Event) (in *state.Input, reason string) {
	made := mark(e, state.Match)
	if made.Key, reason = t.DigestPer.eval(env); reason != "" {
		return nil, noValue("per", reason)
	}
	if t.Digest.OnePer {
		if made.Value, reason = t.OnePer.eval(env); reason != "" {
			return nil, noValue("one_per", reason)
		}
	}
	return &made, ""
}

func mark(e *event.Event, kind state.Kind) state.Input {
	return state.Input{Kind: kind, User: e.User(), Event: state.Mark{At: e.At.UnixMicro(), ID: e.ID}, Inert: e.Inert}
}

// deadline evaluates the deadline: a time, or a text with a plain date.
func (t *Timing) deadline(env *expression.Env) (d state.Deadline, reason string) {
	value, unknown := t.Deadline.Eval(env)
	if unknown != nil {
		return d, unknown.Reason()
	}
	if raw := t.Deadline.Sent(env); raw != nil {
		value = raw // the conversion to a time loses whether it was a plain date
	}
	switch value := value.(type) {
	case time.Time:
		return state.Deadline{Time: value.UTC()}, ""
	case string:
		if date, err := time.Parse(time.DateOnly, value); err == nil {
			return state.Deadline{Time: date, Date: true}, ""
		}
		if at, ok := event.ParseTime(value); ok {
			return state.Deadline{Time: at}, ""
		}
	}
	return d, fmt.Sprintf("%s is not a time", t.Deadline.Text)
}
