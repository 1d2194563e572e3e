package ruletest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/rulefile"
	"heed/engine/source"
)

// Report is how one test went.
type Report struct {
	Test rulefile.Test
	// Failures are what was not as expected; empty if the test passed.
	Failures []Failure
	// Decisions are what the rule made of each given event.
	Decisions []Decision
}

// Failure is one difference. What names the part: outcome, actions[0].text.
type Failure struct {
	What     string `json:"what"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
}

// Passed says whether everything was as expected.
func (r *Report) Passed() bool { return len(r.Failures) == 0 }

// Run runs the tests of a rule set through the engine that decides real
// events. Only the rule that carries the test is looked at. now is what rules
// see as now in tests that do not say.
func Run(loaded *rulefile.Loaded, now time.Time) []Report {
	var reports []Report
	for _, test := range loaded.Tests {
		reports = append(reports, runTest(loaded.Rules, test, now))
	}
	return reports
}

// Check runs the tests and gives those that fail as problems of the rule files.
func Check(loaded *rulefile.Loaded, now time.Time) []source.Problem {
	var failed source.Report
	for _, r := range Run(loaded, now) {
		if r.Passed() {
			continue
		}
		first := r.Failures[0]
		failed.Errorf(r.Test.Place, "test-failed", "the test %q of the rule %s fails: %s is %s, not %s",
			r.Test.Name, r.Test.Rule.Name, first.What, first.Got, first.Expected).
			Suggest("heed test shows the whole difference, and why the rule decided so")
	}
	return failed.Problems()
}

func runTest(rules *engine.RuleSet, test rulefile.Test, now time.Time) Report {
	report := Report{Test: test}
	if !test.Now.IsZero() {
		now = test.Now
	}
	var actions []map[string]any
	for _, given := range test.Given {
		result, err := DryRun(rules, Fixture{File: "given", Body: given.Body, Facts: given.Facts}, now)
		if err != nil {
			report.Failures = append(report.Failures, Failure{"given", "an event", err.Error()})
			return report
		}
		at := slices.IndexFunc(result.Decisions, func(d Decision) bool { return d.Rule == test.Rule.Name })
		if at < 0 {
			report.Failures = append(report.Failures, Failure{"given", "an event that the rule listens to", result.Event})
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

// compareActions looks for each expected action, in their order, among those
// that were rendered; others may stand between them, but none may if none is
// expected.
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

// nearest is the first action of the wanted name that is as wanted or, if none
// is, the one with the fewest differences.
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

// flatten is an action as tests see it: its request's fields beside its name.
func flatten(a Action) map[string]any {
	flat := map[string]any{}
	if request, err := decodeExact(a.Request); err == nil { // else there is nothing to compare
		flat = request
	}
	flat["action"], flat["kind"] = a.Action, a.Kind
	if a.Problem != "" {
		flat["problem"] = a.Problem
	}
	return flat
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
