package ruletest

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/layout"
	"heed/engine/rulefile"
	"heed/engine/source"
)

// Captured is a test made from a fixture, which expects what a rule makes of it today.
type Captured struct {
	Rule string
	// File is the name of the fixture's file.
	File string
	// Outcome is the outcome that the test expects; Real is the outcome for the fixture
	// with its personal fields.
	Outcome, Real engine.Outcome

	name string
	test layout.Object
}

// Capture makes a test for each fixture and each rule that listens to it, or only for the
// rule of the given name. The tests use the fixtures without their personal fields,
// unless those are kept. now is the time that rules see, in the tests too. The error says
// which fixture is not an event.
func Capture(
	rules *engine.RuleSet, fixtures []Fixture, rule string, keepPersonal bool, now time.Time,
) ([]Captured, error) {
	now = now.UTC().Truncate(time.Second) // the precision that tests can express
	real := slices.Clone(fixtures)
	for i, f := range real {
		result, err := DryRun(rules, f, now)
		if err != nil {
			return nil, err
		}
		if real[i].Facts, err = askedLater(rules, f, result.Asked, now); err != nil {
			return nil, err
		}
	}
	given := real
	if !keepPersonal {
		var err error
		if given, err = Redact(real, rules.Catalog()); err != nil {
			return nil, err
		}
	}
	var tests []Captured
	for i, f := range given {
		found, err := capture(rules, f, real[i], now)
		if err != nil {
			return nil, err
		}
		for _, t := range found {
			if rule == "" || t.Rule == rule {
				tests = append(tests, t)
			}
		}
	}
	return tests, nil
}

func capture(rules *engine.RuleSet, f, real Fixture, now time.Time) ([]Captured, error) {
	given, body, err := asGiven(f, rules.Catalog())
	if err != nil {
		return nil, err
	}
	var tests []Captured
	for _, rule := range rules.Rules() {
		alone := rules.Only(rule) // so that the test is given only what this rule looks up
		result, err := DryRun(alone, body, now)
		if err != nil {
			return nil, err
		}
		really, err := DryRun(alone, real, now)
		if err != nil {
			return nil, err
		}
		if len(result.Decisions) == 0 {
			continue // the rule does not listen to it
		}
		d := &result.Decisions[0]
		test := Captured{Rule: d.Rule, File: f.File, Outcome: d.Outcome, Real: really.Decisions[0].Outcome}
		test.name = title(f.File, result.Event) + ": " + strings.ReplaceAll(string(d.Outcome), "_", " ")
		if rule.Time != nil {
			if err := test.captureTimed(alone, rule, given, body, now); err != nil {
				return nil, err
			}
			tests = append(tests, test)
			continue
		}
		test.test = layout.Object{
			{Key: "name", Value: test.name},
			{Key: "rule", Value: d.Rule},
			{Key: "now", Value: now.Format(time.RFC3339)},
			{Key: "given", Value: append(slices.Clip(given), givenFacts(result.Asked)...)},
			{Key: "expect", Value: expectation(d)},
		}
		tests = append(tests, test)
	}
	return tests, nil
}

// title returns the name on which a test's name is based.
func title(file, eventType string) string {
	if file == "-" {
		return eventType
	}
	return filepath.Base(file)
}

// asGiven returns a fixture as a test gives it, and the body that running the test makes
// of that. Rules can see the event's ID, which is the hash of the body.
func asGiven(f Fixture, catalog *event.Catalog) (given layout.Object, body Fixture, err error) {
	whole, err := readBody(f, catalog)
	if err != nil {
		return nil, Fixture{}, err
	}
	text := map[string]any{"companyId": "", "data": map[string]any{}}
	if f.Source != "" && f.Source != source.Mindtickle {
		given = append(given, layout.Member{Key: "source", Value: f.Source})
	}
	for _, m := range whole {
		company, isText := m.Value.(string)
		switch {
		case m.Key == "event", m.Key == "companyId" && isText && company != "", m.Key == "data" && m.Value != nil:
			given = append(given, m)
			text[m.Key] = layout.Plain(m.Value)
		}
	}
	facts, _ := f.Facts.(expression.Recorded)
	encoded, err := json.Marshal(text)
	return given, Fixture{File: f.File, Source: f.Source, Body: encoded, Facts: givable(facts, userOf(given))}, err
}

// requestFields are the fields of requests that show what is sent, or why nothing can be
// sent. They include neither headers nor secrets.
var requestFields = []string{
	"level", "channel", "method", "url", "to", "cc", "subject", "text", "html", "blocks",
	"body", "problem",
}

func expectation(d *Decision) layout.Object {
	expect := layout.Object{{Key: "outcome", Value: string(d.Outcome)}}
	if d.Outcome != engine.Matched {
		return expect
	}
	actions := []any{}
	for _, a := range d.Actions {
		actions = append(actions, expectedAction(a))
	}
	return append(expect, layout.Member{Key: "actions", Value: actions})
}

// expectedAction returns what a test expects of an action.
func expectedAction(a Action) layout.Object {
	flat := flatten(a)
	action := layout.Object{{Key: "action", Value: a.Action}}
	for _, name := range requestFields {
		if value, has := flat[name]; has && !isMasked(value) {
			action = append(action, layout.Member{Key: name, Value: orderedWithin(value)})
		}
	}
	return action
}

// isMasked reports whether a request shows *** in place of an address that is a secret.
func isMasked(value any) bool {
	text, ok := value.(string)
	return ok && strings.HasPrefix(text, "***")
}

// AddTests appends tests to a test file, which may be empty. It makes each name unique
// within its rule. The error says why nothing can be added to the file.
func AddTests(file rulefile.File, tests []Captured) ([]byte, error) {
	report := new(document.Report)
	root := document.Parse(file.Name, file.Text, report)
	if root == nil {
		return nil, fmt.Errorf("%s", report.Problems()[0].String())
	}
	taken := namesIn(root)
	items := make([]any, len(tests))
	for i := range tests {
		items[i] = tests[i].under(taken)
	}
	if root.IsObject() && len(root.Pairs()) == 0 { // empty, or only comments
		text := file.Text
		if len(text) > 0 && text[len(text)-1] != '\n' {
			text = append(slices.Clone(text), '\n')
		}
		return slices.Concat(text, layout.Write(layout.Object{{Key: "tests", Value: items}})), nil
	}
	text, err := layout.Append(root, "tests", items)
	if err != nil {
		return nil, fmt.Errorf("%s cannot take more tests: %w", file.Name, err)
	}
	return text, nil
}

// namedTest is the scope within which a test's name must be unique.
type namedTest struct{ rule, name string }

func namesIn(root *document.Node) map[namedTest]bool {
	taken := map[namedTest]bool{}
	tests := root.Get("tests")
	if tests == nil {
		return taken
	}
	for _, item := range tests.Items() {
		if rule, name := item.Get("rule"), item.Get("name"); rule != nil && name != nil {
			taken[namedTest{rule.Text(), name.Text()}] = true
		}
	}
	return taken
}

// under returns the test with a name that is not taken, and marks that name as taken.
func (c *Captured) under(taken map[namedTest]bool) layout.Object {
	name := c.name
	for n := 2; taken[namedTest{c.Rule, name}]; n++ {
		name = fmt.Sprintf("%s (%d)", c.name, n)
	}
	taken[namedTest{c.Rule, name}] = true
	test := append(layout.Object{}, c.test...)
	test[0].Value = name
	return test
}
