package wording

import (
	"fmt"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/record"
	"heed/engine/state"
)

// effectWords are the effects as people read them, where the word itself does not do.
var effectWords = map[string]string{
	record.Reset: "count reset", record.TooLate: "too late: the alert was sent before this event came",
	record.DelayedQuiet: "held by quiet hours", record.DroppedQuiet: "dropped by quiet hours",
	record.Cleared:  "cleared: an event that cancels the wait came before it began",
	record.Overflow: "not tracked: the rule has too many keys", record.Forgotten: "forgotten with the person",
}

// reasonWords are the reasons of effects as people read them.
var reasonWords = map[string]string{
	"still": "the condition under still does not hold any more", record.Past: "its time was past already",
	record.Superseded: "another event counts instead", record.Edited: "the rule was edited",
	record.Removed:  "the rule was removed",
	record.ByReplay: "a replay changes no state",
	record.ByAct:    "its source lets only younger events trigger something",
}

// nextWords say what the next time of an effect is.
var nextWords = map[string]string{
	record.Throttled: "next from", record.Waiting: "due", record.Collected: "the digest is due",
	record.DelayedQuiet: "due",
	record.DroppedQuiet: "they end", record.Muted: "until",
}

// Effects puts effects of one event into words.
type Effects struct {
	Mode  string         // the rule's
	Event string         // the event's id: what it caused itself does not name it
	Zone  *time.Location // of the times
}

// Text describes an effect, such as: throttled: 1 of 1 today (Asia/Kolkata) for [u1,
// q1]; evt-88 at Mon 2 Mar 10:00 IST; next from Tue 3 Mar 00:00 IST.
func (p Effects) Text(e *record.Effect) string {
	var text strings.Builder
	text.WriteString(p.word(e))
	if e.Limit != "" {
		text.WriteString(": " + e.Limit)
	}
	if reason := reasonWords[e.Reason]; reason != "" {
		text.WriteString(": " + reason)
	} else if e.Reason != "" {
		text.WriteString(": " + e.Reason)
	}
	if e.Step > 0 {
		fmt.Fprintf(&text, ", step %d", e.Step)
	}
	if e.Key != "" {
		text.WriteString(" for " + state.ShowKey(e.Key))
	}
	if !e.Since.IsZero() {
		text.WriteString(", counting since " + p.moment(e.Since))
	}
	switch {
	case e.By == "" || e.By == p.Event:
	case e.Effect == record.Sent:
		text.WriteString(", after " + e.By)
	default:
		text.WriteString("; " + e.By)
		if !e.ByAt.IsZero() {
			text.WriteString(" at " + p.moment(e.ByAt))
		}
	}
	if e.Of != "" && e.Of != p.Event {
		text.WriteString("; it began with " + e.Of)
	}
	if label := nextWords[e.Effect]; label != "" && !e.Next.IsZero() {
		text.WriteString("; " + label + " " + p.moment(e.Next))
	}
	return text.String()
}

func (p Effects) word(e *record.Effect) string {
	if e.Effect == record.Sent && p.Mode == engine.ModeShadow {
		return "would be sent, but the rule is in shadow mode"
	}
	if word := effectWords[e.Effect]; word != "" {
		return word
	}
	return e.Effect
}

func (p Effects) moment(t time.Time) string { return t.In(p.Zone).Format("Mon 2 Jan 15:04 MST") }

// EffectsOf returns the effects of a decision. Nothing is recorded for a stateless rule
// in shadow mode, so EffectsOf says that it would have sent something.
func EffectsOf(d *engine.Shown) []record.Effect {
	if d.Mode == engine.ModeShadow && d.Outcome == engine.Matched && len(d.Effects) == 0 {
		return []record.Effect{{Effect: record.Sent}}
	}
	return d.Effects
}

// ZoneOf returns a time zone by its name; UTC for an empty or unknown one.
func ZoneOf(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return time.UTC
}
