package engine

import (
	"encoding/json"
	"slices"
	"strings"

	"heed/engine/expression"
)

// A Change is what an edit did to a rule.
type Change struct {
	Rule string `json:"rule"`
	// Change is added, removed or changed.
	Change string `json:"change"`
	// What names the parts that changed: name, events, condition, mode, time, actions;
	// text if it is none of these.
	What []string `json:"what,omitempty"`
}

// Changes compares two rule sets, rule by rule, in the order of the new rules; removed
// rules come last.
func Changes(old, now *RuleSet) (changes []Change) {
	for _, rule := range now.Rules() {
		before := old.Rule(rule.Name)
		if before == nil && rule.Was != "" {
			before = old.Rule(rule.Was)
		}
		if before == nil {
			changes = append(changes, Change{Rule: rule.Name, Change: "added"})
			continue
		}
		if what := rule.differs(before); len(what) > 0 {
			changes = append(changes, Change{rule.Name, "changed", what})
		}
	}
	for _, rule := range old.Rules() {
		renamed := slices.ContainsFunc(now.Rules(), func(r *Rule) bool { return r.Was == rule.Name })
		if now.Rule(rule.Name) == nil && !renamed {
			changes = append(changes, Change{Rule: rule.Name, Change: "removed"})
		}
	}
	return changes
}

// differs returns the names of the parts of a rule that changed.
func (r *Rule) differs(before *Rule) (what []string) {
	if r.Digest == before.Digest {
		return nil
	}
	add := func(name string, changed bool) {
		if changed {
			what = append(what, name)
		}
	}
	add("name", r.Name != before.Name)
	add("events", !slices.Equal(r.On, before.On))
	add("condition", r.Condition.Text != before.Condition.Text)
	add("mode", r.Shadow != before.Shadow)
	add("time", r.timeText() != before.timeText())
	add("actions", !slices.Equal(r.ActionNames(), before.ActionNames()))
	if len(what) == 0 {
		what = []string{"text"}
	}
	return what
}

// timeText returns a text that identifies the rule's settings of time and state.
func (r *Rule) timeText() string {
	if r.Time == nil {
		return ""
	}
	settings := r.Time.Settings
	settings.Rule, settings.Location = "", nil
	text, err := json.Marshal(settings)
	if err != nil {
		return err.Error() // impossible for numbers and strings
	}
	if r.Time.Location != nil {
		text = append(text, r.Time.Location.String()...)
	}
	expressions := []string{}
	for _, u := range r.Time.Unless {
		expressions = append(expressions, strings.Join(u.On, " "), u.When.Text)
	}
	for _, key := range []Key{r.Time.Distinct, r.Time.OnePer} {
		for _, part := range key {
			expressions = append(expressions, part.Text)
		}
		expressions = append(expressions, "")
	}
	for _, condition := range []*expression.Condition{r.Time.Reset, r.Time.Still} {
		if condition != nil {
			expressions = append(expressions, condition.Text)
		}
		expressions = append(expressions, "")
	}
	if r.Time.Deadline != nil {
		expressions = append(expressions, r.Time.Deadline.Text)
	}
	return string(text) + strings.Join(expressions, "\n")
}
