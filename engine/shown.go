package engine

import (
	"cmp"
	"time"

	"heed/engine/expression"
	"heed/engine/record"
)

// Shown is a decision as it is shown to people and programs, whether of a recorded event,
// a dry run or a test.
type Shown struct {
	Rule    string             `json:"rule"`
	Outcome Outcome            `json:"outcome"`
	Mode    string             `json:"mode"`
	Reason  string             `json:"reason,omitempty"`
	Explain *expression.Clause `json:"explain,omitempty"`
	// Effects are the effects on the rule's state.
	Effects []record.Effect `json:"effects,omitempty"`
	// Timezone is the time zone of the current rule, in which effects are shown to
	// people. It is empty for UTC, and for a rule that no longer exists.
	Timezone string `json:"timezone,omitempty"`
}

// Shown returns the decision as it is shown.
func (d *Decision) Shown() Shown {
	s := Shown{
		Rule: d.Rule.Name, Outcome: d.Outcome, Mode: d.Rule.Mode(), Reason: d.Reason, Explain: d.Explanation,
		Effects: d.Effects,
	}
	if t := d.Rule.Time; t != nil && len(d.Effects) > 0 && t.Location != time.UTC {
		s.Timezone = t.Location.String()
	}
	return s
}

// ShowRecorded returns a stored decision as it is shown, without its explanation.
func ShowRecorded(d record.Decision) Shown {
	return Shown{
		Rule: d.Rule, Outcome: Outcome(d.Outcome), Mode: cmp.Or(d.Mode, ModeLive), Reason: d.Reason, Effects: d.Effects,
	}
}
