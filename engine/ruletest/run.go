package ruletest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/document"
	"heed/engine/intake"
	"heed/engine/rulefile"
)

// A Report is the result of one test.
type Report struct {
	Test rulefile.Test
	// Source is the source test; nil if the test belongs to a rule.
	Source *rulefile.SourceTest
	// Failures are the differences from what was expected; empty if the test passed.
	Failures []Failure
	// Decisions are the rule's decisions, one for each given event.
	Decisions []Decision
	// Alerts are what would have been sent, and Effects what the rule's state did. They
	// are set for a rule with time or a test about it.
	Alerts  []Alert
	Effects []string
	// Happened is the whole timeline of such a test.
	Happened []Happened

	// ended is where the timeline ended.
	ended time.Time
}

// A Failure is one difference. What names the part: outcome, actions[0].text.
type Failure struct {
	What     string `json:"what"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
}

// Carrier returns what the test belongs to: a rule or a source.
func (r *Report) Carrier() string {
	if r.Source != nil {
		return "source"
	}
	return "rule"
}

// Of returns the name of the rule or the source that the test belongs to.
func (r *Report) Of() string {
	if r.Source != nil {
		return r.Source.Source.Name
	}
	return r.Test.Rule.Name
}

// Name returns the test's name.
func (r *Report) Name() string {
	if r.Source != nil {
		return r.Source.Name
	}
	return r.Test.Name
}

// Place returns where the test is written.
func (r *Report) Place() document.Place {
	if r.Source != nil {
		return r.Source.Place
	}
	return r.Test.Place
}

// Passed reports whether everything was as expected.
func (r *Report) Passed() bool { return len(r.Failures) == 0 }

// Run runs the tests of sources and rules, with the engine that decides real events. Each
// test of a rule looks at that rule only. now is the time that rules see in tests that do
// not set it.
func Run(loaded *rulefile.Loaded, now time.Time) []Report {
	return RunOn(loaded, now, func() Store { return intake.NewMemory() })
}

// RunOn is like Run, but keeps the state of each test in a store of its own. open returns
// an empty store.
func RunOn(loaded *rulefile.Loaded, now time.Time, open func() Store) []Report {
	var reports []Report
	for i := range loaded.SourceTests {
		reports = append(reports, runSourceTest(&loaded.SourceTests[i]))
	}
	for _, test := range loaded.Tests {
		reports = append(reports, runTest(loaded.Rules, test, now, open))
	}
	return reports
}

// Check runs the tests and returns those that fail as problems of the rule files.
func Check(loaded *rulefile.Loaded, now time.Time) []document.Problem {
	var failed document.Report
	for _, r := range Run(loaded, now) {
		if r.Passed() {
			continue
		}
		first := r.Failures[0]
		failed.Errorf(r.Place(), "test-failed", "the test %q of the %s %s fails: %s is %s, not %s",
			r.Name(), r.Carrier(), r.Of(), first.What, first.Got, first.Expected).
			Suggest("heed test shows the whole difference, and why the rule decided so")
	}
	return failed.Problems()
}

func runTest(rules *engine.RuleSet, test rulefile.Test, now time.Time, open func() Store) Report {
	report := Report{Test: test}
	if !test.Now.IsZero() {
		now = test.Now
	}
	if test.Timed || test.Rule.Time != nil {
		report.runTimeline(rules, now, open())
		return report
	}
	var actions []map[string]any
	for _, given := range test.Given {
		result, err := DryRun(rules, Fixture{File: "given", Source: given.Source, Body: given.Body, Facts: given.Facts},
			now)
		if err != nil {
			report.Failures = append(report.Failures, Failure{"given", "an event", err.Error()})
			return report
		}
		at := slices.IndexFunc(result.Decisions, func(d Decision) bool { return d.Rule == test.Rule.Name })
		if at < 0 {
			report.Failures = append(report.Failures,
				Failure{"given", "an event that the rule listens to", result.Event})
			return report
		}
		report.Decisions = append(report.Decisions, result.Decisions[at])
		for _, a := range result.Decisions[at].Actions {
			actions = append(actions, flatten(a))
		}
	}
	report.compareOutcomes()
	if test.Actions != nil {
		report.compareActions(actions)
	}
	return report
}

// runTimeline runs a test on a virtual clock, which begins at the test's first time.
func (r *Report) runTimeline(rules *engine.RuleSet, now time.Time, store Store) {
	if first := slices.IndexFunc(r.Test.Given, func(g rulefile.Given) bool { return !g.At.IsZero() }); first >= 0 {
		now = r.Test.Given[first].At
	}
	t, err := NewTimeline(rules.Only(r.Test.Rule), now, store)
	if err == nil {
		err = t.Run(context.Background(), r.Test.Given)
	}
	if err != nil {
		r.Failures = append(r.Failures, Failure{"given", "events", err.Error()})
		return
	}
	r.Alerts, r.Effects, r.Happened, r.ended = t.Alerts(""), []string{}, t.Happened, t.Now()
	for _, e := range t.Effects(r.Test.Rule.Name) {
		r.Effects = append(r.Effects, e.Effect)
	}
	for _, h := range t.Happened {
		decided := Decision{
			Shown:   engine.Shown{Rule: r.Test.Rule.Name, Outcome: engine.NotMatched, Mode: r.Test.Rule.Mode()},
			Actions: []Action{},
		}
		if len(h.Decisions) > 0 {
			decided = h.Decisions[0]
		}
		if !h.Timed() {
			r.Decisions = append(r.Decisions, decided)
		}
	}
	r.compareOutcomes()
	var sent []map[string]any
	for _, a := range r.Alerts {
		flat := flatten(Action{Action: a.Action, Kind: a.Kind, Request: a.Request, Problem: a.Problem})
		flat["mode"] = a.Mode
		sent = append(sent, flat)
	}
	if r.Test.Actions != nil {
		r.compareActions(sent)
	}
	if r.Test.Alerts != nil {
		r.compareAlerts(sent)
	}
	if r.Test.Effects != nil {
		r.compareEffects()
	}
}

// compareAlerts compares all alerts one by one, each with its time.
func (r *Report) compareAlerts(sent []map[string]any) {
	for i, want := range r.Test.Alerts {
		where := fmt.Sprintf("alerts[%d]", i)
		if i >= len(sent) {
			r.Failures = append(r.Failures, Failure{where, text(want), r.noAlert(want)})
			continue
		}
		want = maps.Clone(want)
		if at, ok := want["at"].(time.Time); ok && !at.Equal(r.Alerts[i].At) {
			r.Failures = append(r.Failures,
				Failure{where + ".at", showTime(at), showTime(r.Alerts[i].At.In(at.Location()))})
		}
		delete(want, "at")
		r.Failures = append(r.Failures, differences(where, want, sent[i], false)...)
	}
	if more := len(sent) - len(r.Test.Alerts); more > 0 {
		expected := fmt.Sprint(len(r.Test.Alerts))
		if len(r.Test.Alerts) == 0 {
			expected = "none"
		}
		r.Failures = append(r.Failures, Failure{"alerts", expected, r.alertNames()})
	}
}

// noAlert says that an alert is missing at the end.
func (r *Report) noAlert(want map[string]any) string {
	zone := time.UTC
	if at, ok := want["at"].(time.Time); ok {
		zone = at.Location()
	} else if len(r.Test.Given) > 0 && !r.Test.Given[0].At.IsZero() {
		zone = r.Test.Given[0].At.Location()
	}
	return fmt.Sprintf("no such alert until %s, when the test ends; there are: %s", showTime(r.ended.In(zone)),
		r.alertNames())
}

func showTime(t time.Time) string { return t.Format(time.RFC3339) }

func (r *Report) alertNames() string {
	var list []string
	for _, a := range r.Alerts {
		list = append(list, a.Action+" at "+showTime(a.At))
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// compareEffects finds the expected effects in order. Other effects may occur between
// them, but if none is expected, none may occur.
func (r *Report) compareEffects() {
	rest := r.Effects
	for i, want := range r.Test.Effects {
		at := slices.Index(rest, want)
		if at < 0 {
			r.Failures = append(r.Failures, Failure{
				fmt.Sprintf("effects[%d]", i), want, "no such effect; there are: " + strings.Join(r.Effects, ", "),
			})
			return
		}
		rest = rest[at+1:]
	}
	if len(r.Test.Effects) == 0 && len(r.Effects) > 0 {
		r.Failures = append(r.Failures, Failure{"effects", "none", strings.Join(r.Effects, ", ")})
	}
}

func (r *Report) compareOutcomes() {
	got := r.Decisions
	if len(r.Test.Outcomes) == 1 && len(got) > 1 {
		got = got[len(got)-1:]
	}
	for i, want := range r.Test.Outcomes {
		if i < len(got) && got[i].Outcome != want {
			r.Failures = append(r.Failures, Failure{"outcome", string(want), string(got[i].Outcome)})
		}
	}
}

// compareActions finds each expected action, in order, among the rendered ones. Other
// actions may occur between them, but if none is expected, none may occur.
func (r *Report) compareActions(got []map[string]any) {
	if len(r.Test.Actions) == 0 && len(got) > 0 {
		r.Failures = append(r.Failures, Failure{"actions", "none", names(got)})
		return
	}
	rest := got
	for i, want := range r.Test.Actions {
		where := fmt.Sprintf("actions[%d]", i)
		at, found := nearest(where, want, rest)
		if at < 0 {
			r.Failures = append(r.Failures, Failure{where, text(want), "no such action; there are: " + names(got)})
			continue
		}
		r.Failures = append(r.Failures, found...)
		rest = rest[at+1:]
	}
}

// nearest returns the first action of the wanted name that matches or, if none does, the
// one with the fewest differences.
func nearest(where string, want map[string]any, actions []map[string]any) (at int, found []Failure) {
	at = -1
	for i, a := range actions {
		if want["action"] != nil && !equal(want["action"], a["action"], false) {
			continue
		}
		differ := differences(where, want, a, false)
		if at < 0 || len(differ) < len(found) {
			at, found = i, differ
		}
		if len(differ) == 0 {
			break
		}
	}
	return at, found
}

func names(actions []map[string]any) string {
	var list []string
	for _, a := range actions {
		list = append(list, fmt.Sprint(a["action"]))
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// flatten returns an action as tests see it: its name and its request's fields in one
// object.
func flatten(a Action) map[string]any {
	flat := map[string]any{}
	if request, err := decodeExact(a.Request); err == nil { // otherwise there is nothing to compare
		flat = request
	}
	flat["action"], flat["kind"] = a.Action, a.Kind
	if a.Problem != "" {
		flat["problem"] = a.Problem
	}
	return flat
}
