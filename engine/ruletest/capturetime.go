package ruletest

import (
	"context"
	"slices"
	"time"

	"heed/engine"
	"heed/engine/expression"
	"heed/engine/layout"
	"heed/engine/rulefile"
	"heed/engine/state"
)

// Limits on how long a captured test continues, and through how many firings. It ends
// earlier once everything that the event leads to has happened.
const (
	captureWithin  = 2 * 366 * 24 * time.Hour
	captureFirings = 20
)

// runOut runs a fixture from empty state until everything that follows from it has
// happened. The timeline then stands a whole number of minutes, hours or days after the
// event.
func runOut(rules *engine.RuleSet, f Fixture, now time.Time) (*Timeline, error) {
	t, err := NewTimeline(rules, now, nil)
	if err != nil {
		return nil, err
	}
	t.known = f.Facts
	ctx := context.Background()
	if err := t.Run(ctx, []rulefile.Given{{Body: f.Body, At: now}}); err != nil {
		return nil, err
	}
	for range captureFirings {
		next, err := t.next(ctx)
		if err != nil {
			return nil, err
		}
		if next.IsZero() || next.Sub(now) > captureWithin {
			break
		}
		if err := t.Advance(ctx, now.Add(roundUp(next.Sub(now)))); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// roundUp rounds a duration up to one that people write: whole minutes, hours or days.
func roundUp(d time.Duration) time.Duration {
	unit := 24 * time.Hour
	switch {
	case d < time.Hour:
		unit = time.Minute
	case d < 48*time.Hour:
		unit = time.Hour
	}
	return (d + unit - 1) / unit * unit
}

// askedLater adds what rules look up when they fire to what they look up about a fixture.
func askedLater(
	rules *engine.RuleSet, f Fixture, asked expression.Recorded, now time.Time,
) (expression.Recorded, error) {
	if !slices.ContainsFunc(rules.Rules(), func(r *engine.Rule) bool { return r.Time != nil }) {
		return asked, nil
	}
	t, err := runOut(rules, f, now)
	if err != nil {
		return nil, err
	}
	for _, answer := range t.asked {
		if !slices.ContainsFunc(asked, func(have expression.Answer) bool { return have.Query == answer.Query }) {
			asked = append(asked, answer)
		}
	}
	return asked, nil
}

// captureTimed makes the test of a rule with time: the event at its time, then as much
// time as everything that follows from it takes.
func (c *Captured) captureTimed(
	alone *engine.RuleSet, rule *engine.Rule, given layout.Object, body Fixture, now time.Time,
) error {
	t, err := runOut(alone, body, now)
	if err != nil {
		return err
	}
	moment := func(at time.Time) string { return at.In(rule.Time.Location).Format(time.RFC3339) }
	entry := append(layout.Object{{Key: "at", Value: moment(now)}}, given...)
	entries := []any{append(entry, givenFacts(givable(t.asked, userOf(given)))...)}
	if passed := t.Now().Sub(now); passed > 0 {
		entries = append(entries, layout.Object{{Key: "at", Value: "+" + state.Duration(passed)}})
	}
	effects, alerts := []any{}, []any{}
	for _, e := range t.Effects(rule.Name) {
		effects = append(effects, e.Effect)
	}
	for _, a := range t.Alerts(rule.Name) {
		expected := expectedAction(Action{Action: a.Action, Kind: a.Kind, Request: a.Request, Problem: a.Problem})
		isText := func(m layout.Member) bool { return m.Key == "text" }
		if slices.ContainsFunc(expected, isText) { // which matches the HTML that heed makes of a table
			expected = slices.DeleteFunc(expected, func(m layout.Member) bool { return m.Key == "html" })
		}
		alerts = append(alerts, append(layout.Object{{Key: "at", Value: moment(a.At)}}, expected...))
	}
	expect := layout.Object{{Key: "outcome", Value: string(c.Outcome)}}
	if len(effects) > 0 {
		expect = append(expect, layout.Member{Key: "effects", Value: effects})
	}
	c.test = layout.Object{
		{Key: "name", Value: c.name},
		{Key: "rule", Value: rule.Name},
		{Key: "given", Value: entries},
		{Key: "expect", Value: append(expect, layout.Member{Key: "alerts", Value: alerts})},
	}
	return nil
}
