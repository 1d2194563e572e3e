package state

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"heed/engine/record"
)

// Fold applies an input to the rows of a rule. Every change made by an event goes through
// Fold, and every change made by a due row through Fire.
func (s *Settings) Fold(rows Rows, in Input, c Clock) Result {
	switch {
	case s.Count != nil:
		return s.foldCount(rows, in, c)
	case in.Inert && in.Kind == Match:
		return Result{Effects: []record.Effect{{Effect: record.Skipped, Reason: record.ByAct, Key: in.alertKey(s)}}}
	case s.Wait != nil:
		return s.foldWait(rows, in, c)
	case in.Kind != Match:
		return Result{}
	case s.Digest != nil:
		return s.collect(rows, in, c)
	default:
		return s.pass(rows, alert{key: in.ThrottleKey, throttleKey: in.ThrottleKey, user: in.User, event: in.Event}, c)
	}
}

// alertKey returns the key of the input's alert.
func (in *Input) alertKey(s *Settings) string {
	if s.Wait == nil && s.Digest == nil {
		return in.ThrottleKey
	}
	return in.Key
}

// owner returns the event's user if the key belongs to that user. A shared key has no
// owner.
func owner(key, user string) string {
	if user == "" || key == user {
		return user
	}
	var parts []string
	if strings.HasPrefix(key, "[") && json.Unmarshal([]byte(key), &parts) == nil && slices.Contains(parts, user) {
		return user
	}
	return ""
}

// Refs returns the rows that Fold may read for an input, so that a store can read them at
// once.
func (s *Settings) Refs(in Input) []Ref {
	switch {
	case s.Count != nil:
		return []Ref{{s.Scope(BlockCount), in.Key}}
	case s.Wait != nil:
		return []Ref{{s.Scope(BlockWait), in.Key}}
	case in.Kind != Match:
		return nil
	case s.Digest != nil:
		return []Ref{{s.Scope(BlockDigest), in.Key}}
	case s.Throttle != nil:
		return []Ref{{s.Scope(BlockThrottle), in.ThrottleKey}}
	default:
		return nil
	}
}

// An alert is to be sent unless a mute, quiet hours or the throttle prevent it.
type alert struct {
	key, throttleKey, user string
	event                  Mark
	shadow                 bool // it was collected in shadow mode
	summary                bool // not an alert of its own, so no throttle stops it
}

// pass applies mute, quiet hours and throttle to an event's alert.
func (s *Settings) pass(rows Rows, a alert, c Clock) (r Result) {
	if stopped, until := s.stopped(rows, a, c); stopped != nil {
		if stopped.Effect == record.DelayedQuiet {
			s.hold(rows, a, until)
		}
		r.add(*stopped)
		return r
	}
	return s.throttled(rows, a, c)
}

// stopped reports whether a mute or quiet hours stop an alert now. until is when a
// delayed alert is released.
func (s *Settings) stopped(rows Rows, a alert, c Clock) (effect *record.Effect, until time.Time) {
	if m, muted := rows.Mute(s.Rule, a.key, c.Now); muted {
		effect := m.Effect(a.key)
		return &effect, time.Time{}
	}
	if s.Quiet == nil {
		return nil, time.Time{}
	}
	until, quiet := s.Quiet.Until(c.Now, s.Location)
	switch {
	case !quiet:
		return nil, time.Time{}
	case s.Quiet.Drop:
		return &record.Effect{Effect: record.DroppedQuiet, Key: a.key, Next: until.UTC()}, time.Time{}
	default:
		return &record.Effect{Effect: record.DelayedQuiet, Key: a.key, Next: until.UTC()}, until
	}
}

// throttled applies the throttle to an alert and decides whether to send it.
func (s *Settings) throttled(rows Rows, a alert, c Clock) (r Result) {
	if a.shadow && !s.Shadow { // it was never to be sent, so it uses no slot
		r.add(record.Effect{Effect: record.Skipped, Reason: record.Edited, Key: a.key})
		return r
	}
	if s.Throttle != nil && !a.summary {
		effect, overflow := s.take(rows, a, c)
		r.Overflow = overflow
		if effect != nil {
			r.add(*effect)
			return r
		}
	}
	r.add(record.Effect{Effect: record.Sent, Key: a.key})
	r.Send = !s.Shadow
	return r
}

// heldAlert is the data of an alert that quiet hours hold.
type heldAlert struct {
	Event    Mark   `json:"e"`
	Throttle string `json:"k,omitempty"`
	Shadow   bool   `json:"h,omitempty"`
}

// hold keeps an alert until a time. Rows are released in key order, which is arrival
// order.
func (s *Settings) hold(rows Rows, a alert, until time.Time) {
	row := Row{Ref: Ref{s.Scope(BlockHold), itemKey(a.event)}, User: a.user, Due: until}
	save(rows, row, heldAlert{Event: a.event, Throttle: a.throttleKey, Shadow: a.shadow || s.Shadow})
}
