package admin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/record"
	"heed/internal/wording"
)

// Answer says whether somebody was notified of an event and, if not, why.
type Answer struct {
	// Told is one of the constants below.
	Told string `json:"told"`
	// Text is the answer in a sentence; Reasons are what it follows from.
	Text    string   `json:"text"`
	Reasons []string `json:"reasons"`
}

// Whether somebody was told.
const (
	ToldYes    = "yes"
	ToldPartly = "partly" // some messages arrived and some did not
	ToldNotYet = "not_yet"
	ToldNo     = "no"
)

// answer says whether somebody was told of an event that is explained.
func (s *Service) answer(e *Event) Answer {
	if e.Status == record.Quarantined {
		reason := "it was set aside: " + e.Reason
		if e.Detail != "" {
			reason += " (" + e.Detail + ")"
		}
		return Answer{ToldNo, "Nobody was told.", []string{reason + ", so no rule saw it."}}
	}
	var a answering
	for i := range e.Deliveries {
		a.delivery(&e.Deliveries[i])
	}
	for i := range e.Decisions {
		a.decision(e, &e.Decisions[i])
	}
	if len(e.Decisions) == 0 && len(e.Deliveries) == 0 {
		a.because(ofCondition, "No rule listens to %s.", e.Type)
	}
	return a.answer()
}

// answering gathers what an answer follows from.
type answering struct {
	arrived, waiting, failed, held []string    // actions
	isPutOff                       bool        // a rule waits, counts or collects
	reasons                        [3][]string // by how much they say
}

// The order of reasons: what became of messages first, then why rules that matched sent
// none, then why others did not match.
const (
	ofDelivery = iota
	ofEffect
	ofCondition
)

// maxReasons bounds the reasons that are shown at first.
const maxReasons = 8

func (a *answering) because(weight int, format string, args ...any) {
	a.reasons[weight] = append(a.reasons[weight], fmt.Sprintf(format, args...))
}

func (a *answering) delivery(d *Delivery) {
	switch d.State {
	case record.Done:
		a.arrived = append(a.arrived, d.Action)
		a.because(ofDelivery, "%s sent it to %s.", d.Rule, d.Action)
	case record.Pending, record.Retrying:
		a.waiting = append(a.waiting, d.Action)
		switch {
		case d.LastError != "":
			a.because(ofDelivery, "%s is tried again: the last attempt failed by %s.", d.Action, d.LastError)
		case d.Waits != nil:
			a.because(ofDelivery, "%s waits: %s.", d.Action, waitWords[d.Waits.For])
		default:
			a.because(ofDelivery, "%s is on its way to %s.", d.Rule, d.Action)
		}
	case record.Held:
		a.held = append(a.held, d.Action)
		a.because(ofDelivery, "%s made a message to %s, but heed ran with --no-send.", d.Rule, d.Action)
	case record.Discarded:
		a.failed = append(a.failed, d.Action)
		a.because(ofDelivery, "The message to %s was discarded by a person.", d.Action)
	case record.Dead:
		a.failed = append(a.failed, d.Action)
		a.because(ofDelivery, "The message to %s was given up: %s.", d.Action, strings.TrimSuffix(d.LastError, "."))
	}
}

// waitWords say what a delivery waits for.
var waitWords = map[string]string{
	"rate": "its destination takes only so many a second", "retry_after": "the other side asked for a pause",
	"failing": "its destination keeps failing", "order": "an earlier one goes first",
	"action": "no action of that name is configured",
}

func (a *answering) decision(e *Event, d *engine.Shown) {
	effects := wording.EffectsOf(d)
	switch d.Outcome {
	case engine.Unknown:
		a.because(ofCondition, "%s could not tell: %s.", d.Rule, d.Reason)
	case engine.Errored:
		a.because(ofCondition, "%s could not be evaluated: %s.", d.Rule, d.Reason)
	case engine.NotMatched:
		if len(effects) == 0 {
			a.because(ofCondition, "%s did not match%s.", d.Rule, whyNot(d))
		}
	}
	for i := range effects {
		a.effect(e, d, &effects[i])
	}
}

func whyNot(d *engine.Shown) string {
	if d.Reason != "" {
		return ": " + d.Reason
	}
	if d.Explain == nil {
		return ""
	}
	return ": " + wording.Because(d.Explain)
}

func (a *answering) effect(e *Event, d *engine.Shown, effect *record.Effect) {
	switch effect.Effect {
	case record.Sent:
		if d.Mode == engine.ModeShadow {
			a.because(ofEffect, "%s matched, but it is in shadow mode, which sends nothing.", d.Rule)
		}
		return
	case record.Waiting, record.Collected, record.Counted, record.DelayedQuiet:
		a.isPutOff = a.isPutOff || d.Mode != engine.ModeShadow && effect.Effect != record.Counted
	}
	words := wording.Effects{Mode: d.Mode, Event: e.ID, Zone: wording.ZoneOf(d.Timezone)}
	a.because(ofEffect, "%s: %s.", d.Rule, words.Text(effect))
}

func (a *answering) answer() Answer {
	reasons := slices.Concat([]string{}, a.reasons[ofDelivery], a.reasons[ofEffect], a.reasons[ofCondition])
	if more := len(reasons) - maxReasons; more > 0 {
		reasons = append(reasons[:maxReasons], fmt.Sprintf("%d more are below.", more))
	}
	switch {
	case len(a.arrived) > 0 && len(a.failed) > 0:
		return Answer{
			ToldPartly, "In part: " + names(a.arrived) + " has it, " + names(a.failed) + " does not.",
			reasons,
		}
	case len(a.arrived) > 0:
		return Answer{ToldYes, "It was sent to " + names(a.arrived) + ".", reasons}
	case len(a.failed) > 0:
		return Answer{ToldNo, "Nobody was told: the message to " + names(a.failed) + " did not arrive.", reasons}
	case len(a.waiting) > 0:
		return Answer{ToldNotYet, "A message to " + names(a.waiting) + " is on its way.", reasons}
	case len(a.held) > 0:
		return Answer{ToldNo, "Nobody was told: the message to " + names(a.held) + " is held.", reasons}
	case a.isPutOff:
		return Answer{ToldNotYet, "Nobody was told so far: a rule waits.", reasons}
	default:
		return Answer{ToldNo, "Nobody was told.", reasons}
	}
}

// names lists actions, each once.
func names(actions []string) string {
	var list []string
	seen := map[string]bool{}
	for _, name := range actions {
		if !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	return strings.Join(list, ", ")
}

// Moment is one entry of the timeline of an event.
type Moment struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

// Timeline lists what happened to an event, in order.
func (e *Event) Timeline() (moments []Moment) {
	add := func(at time.Time, format string, args ...any) {
		if !at.IsZero() {
			moments = append(moments, Moment{at, fmt.Sprintf(format, args...)})
		}
	}
	add(e.SignedAt, "happened, as its source says")
	switch {
	case e.Status == record.Quarantined:
		add(e.ReceivedAt, "received and set aside: %s", e.Reason)
	default:
		add(e.ReceivedAt, "received, decided by rules %.4s and stored", e.RuleSet)
	}
	for _, other := range e.Also {
		add(other.ReceivedAt, "came again: %s %s", other.Status, other.Reason)
	}
	for i := range e.Deliveries {
		d := &e.Deliveries[i]
		if d.State == record.Held {
			add(d.CreatedAt, "%s: held, since heed sends nothing (--no-send)", d.Action)
		}
		for _, attempt := range d.History {
			add(attempt.StartedAt, "%s: attempt %d", d.Action, attempt.N)
			if attempt.Error != "" {
				add(attempt.EndedAt, "%s: %s (%s)", d.Action, attempt.Outcome, attempt.Error)
			} else {
				add(attempt.EndedAt, "%s: %s", d.Action, attempt.Outcome)
			}
		}
	}
	slices.SortStableFunc(moments, func(a, b Moment) int { return a.At.Compare(b.At) })
	return moments
}
