package engine

import (
	"cmp"
	"time"

	"heed/engine/expression"
	"heed/engine/record"
)

// Shown is a decision as people and programs see it, wherever it is shown: of a
// recorded event, of a dry run, of a test.
type Shown struct {
	Rule    string             `json:"rule"`
	Outcome Outcome            `json:"outcome"`
	Mode    string             `json:"mode"`
	Reason  string             `json:"reason,omitempty"`
	Explain *expression.Clause `json:"explain,omitempty"`
	// Effects are what the rule's state made of it.
	Effects []record.Effect `json:"effects,omitempty"`
	// Timezone is that of the current rule, in which people read the times of the
	// effects; empty for UTC, and for a rule that no longer exists.
	Timezone string `json:"timezone,omitempty"`
}

// Shown is the decision as it is shown.
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

// ShowRecorded is a decision as it was stored, without its explanation.
func ShowRecorded(d record.Decision) Shown {
	return Shown{
		Rule: d.Rule, Outcome: Outcome(d.Outcome), Mode: cmp.Or(d.Mode, ModeLive), Reason: d.Reason, Effects: d.Effects,
	}
}
