package backtest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
)

// A Diff compares the alerts of two rule sets.
type Diff struct {
	// Added alerts follow only from the new rules, Removed ones only from the old.
	// Changed alerts have different contents, Same ones do not.
	Added   int      `json:"added"`
	Removed int      `json:"removed"`
	Changed int      `json:"changed"`
	Same    int      `json:"same"`
	Samples []Sample `json:"samples"`
}

// A Sample is one alert that differs, with the reason.
type Sample struct {
	// Change is added, removed or changed.
	Change  string    `json:"change"`
	Rule    string    `json:"rule"`
	EventID string    `json:"event_id"`
	At      time.Time `json:"at"`
	Why     string    `json:"why"`

	seq    int64       // of the event; 0 for a firing
	by     *simulation // the rules that sent no alert, if the reason is not yet known
	byRule string      // the rule's name among them
}

// maxSamples is how many alerts of each change are shown.
const maxSamples = 10

// compare compares the alerts of the old rules with those of the new ones.
func compare(old, now *simulation) *Diff {
	d := &Diff{Samples: []Sample{}}
	before, after := renamed(old.rules, now.rules)
	var samples [3][]Sample
	add := func(kind int, change string, key alertKey, a alert, why string) {
		sample := Sample{Change: change, Rule: key.rule, EventID: key.event, At: a.at.UTC(), Why: why, seq: a.seq}
		sample.by, sample.byRule = now, key.under(after).rule
		if change == "added" {
			sample.by, sample.byRule = old, key.under(before).rule
		}
		samples[kind] = append(samples[kind], sample)
	}
	for key, a := range now.alerts {
		oldKey := key.under(before)
		earlier, had := old.alerts[oldKey]
		switch {
		case !had:
			d.Added++
			add(0, "added", key, a, old.reason(oldKey, "the old rules"))
		case earlier.requests != a.requests:
			d.Changed++
			add(2, "changed", key, a, "the message is another")
		default:
			d.Same++
		}
	}
	for key, a := range old.alerts {
		newKey := key.under(after)
		if _, has := now.alerts[newKey]; !has {
			d.Removed++
			add(1, "removed", key, a, now.reason(newKey, "the new rules"))
		}
	}
	for _, list := range samples {
		slices.SortFunc(list, func(a, b Sample) int {
			return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.EventID, b.EventID))
		})
		d.Samples = append(d.Samples, list[:min(len(list), maxSamples)]...)
	}
	return d
}

// renamed returns the rules whose names changed: old names by new ones, and the reverse.
func renamed(old, now *engine.RuleSet) (before, after map[string]string) {
	before, after = map[string]string{}, map[string]string{}
	for _, rule := range now.Rules() {
		if rule.Was != "" && old.Rule(rule.Name) == nil && old.Rule(rule.Was) != nil {
			before[rule.Name], after[rule.Was] = rule.Was, rule.Name
		}
	}
	return before, after
}

// under returns the key with the other name of its rule, if it has one.
func (k alertKey) under(names map[string]string) alertKey {
	if name, ok := names[k.rule]; ok {
		k.rule = name
	}
	return k
}

// reason returns why these rules sent no alert for a rule and an event.
func (s *simulation) reason(key alertKey, who string) string {
	if s.byRule[key.rule] == nil {
		return who + " have no rule " + key.rule
	}
	if effect, ok := s.stopped[key]; ok {
		text := effect.Effect
		if effect.Limit != "" {
			text += ": " + effect.Limit
		}
		return who + ": " + text
	}
	return "" // explain finds the reason
}

// explain adds to each sample why the other rules sent no alert.
func (d *Diff) explain(ctx context.Context, events Events, people People) error {
	for i := range d.Samples {
		sample := &d.Samples[i]
		if sample.Why != "" {
			continue
		}
		sample.Why = "the state of the rule differs"
		rule := sample.by.rules.Rule(sample.byRule)
		if sample.seq == 0 || rule == nil {
			continue
		}
		found, err := events.EventsBySeq(ctx, []int64{sample.seq})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			continue
		}
		e, err := event.Decode(found[0].Body)
		if err != nil {
			continue
		}
		engine.Identify(&e, &found[0])
		lookups := &expression.LookupLog{Resolver: resolver(&found[0], people.Resolve(&e, e.At))}
		for _, decision := range sample.by.rules.Only(rule).Explain(&e, e.ReceivedAt, lookups) {
			if decision.Outcome != engine.Matched {
				sample.Why = because(&decision)
			}
		}
	}
	return nil
}

// because lists the clauses that decided, with their values.
func because(d *engine.Decision) string {
	if d.Explanation == nil {
		return string(d.Outcome)
	}
	var parts []string
	for _, clause := range d.Explanation.Deciding() {
		part := clause.Text + " is " + string(clause.Result)
		for _, name := range clause.Names() {
			part += ", " + name + " is " + expression.Text(clause.Values[name])
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

// SuppressedTotal counts all alerts of a rule that were not sent.
func (r *Rule) SuppressedTotal() (n int) {
	for effect, count := range r.Suppressed {
		if effect != record.DelayedQuiet { // it is sent later, or counted then
			n += count
		}
	}
	return n
}
