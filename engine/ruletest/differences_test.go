package ruletest_test

import (
	"strings"
	"testing"

	"heed/engine/rulefile"
	"heed/engine/ruletest"
)

// run runs the tests of a rule that takes an action on every quiz.
func run(t *testing.T, action, expected string) []ruletest.Failure {
	t.Helper()
	const actions = "actions:\n  console: {log: {}}\n  lms: {http: {url: https://lms.example.com}}\n"
	text := actions + "rules:\n  - name: r\n    on: quiz.submitted\n    do:\n      - " + action +
		"\n    tests:\n      - name: t\n        given: {data: {userId: u1, score: 61}}\n        expect: {actions: [" + expected + "]}\n"
	reports := ruletest.Run(compile(t, rulefile.File{Name: "r.yaml", Text: []byte(text)}), moment)
	return reports[0].Failures
}

func TestRun_readsScalarsAsTheRuleDoes(t *testing.T) {
	for _, scalar := range []string{"1.10", "007", "true", "1e3", "0x1F", "+4915", "1_000", "2026-01-31", "12345678901234567890", "x"} {
		if failures := run(t, "{action: console, text: "+scalar+"}", "{text: "+scalar+"}"); len(failures) > 0 {
			t.Errorf("text: %s: %v", scalar, failures)
		}
		if failures := run(t, "{action: lms, headers: {X-Limit: "+scalar+"}}", "{headers: {X-Limit: "+scalar+"}}"); len(failures) > 0 {
			t.Errorf("headers: %s: %v", scalar, failures)
		}
		if failures := run(t, "{action: lms, json: {a: ["+scalar+"]}}", "{body: {a: ["+scalar+"]}}"); len(failures) > 0 {
			t.Errorf("json: %s: %v", scalar, failures)
		}
		if failures := run(t, "{action: lms, body: "+scalar+"}", "{body: "+scalar+"}"); len(failures) > 0 {
			t.Errorf("body: %s: %v", scalar, failures)
		}
	}
	for _, test := range []struct{ action, expected, want string }{
		{"{action: console, text: 1.10}", "{text: 1.1}", "expected 1.1, got 1.10"},
		{`{action: lms, json: {a: "1.10"}}`, "{body: {a: 1.10}}", `expected the number 1.10, got the text "1.10"`},
		{`{action: lms, json: {a: "true"}}`, "{body: {a: true}}", `expected true, got the text "true"`},
		{`{action: lms, json: {a: 1}}`, `{body: {a: "1"}}`, `expected the text "1", got the number 1`},
		{`{action: lms, json: {a: 9007199254740993}}`, `{body: {a: 9007199254740992.0}}`, `expected 9007199254740992.0, got 9007199254740993`},
	} {
		failures := run(t, test.action, test.expected)
		if len(failures) != 1 || "expected "+failures[0].Expected+", got "+failures[0].Got != test.want {
			t.Errorf("%s, %s: %v, want %s", test.action, test.expected, failures, test.want)
		}
	}
	if failures := run(t, "{action: lms, json: {a: 1.50, b: 100}}", "{body: {a: 1.5, b: 1e2}}"); len(failures) > 0 {
		t.Error(failures)
	}
}

func TestRun_givesCellsAsTexts(t *testing.T) {
	text := strings.Replace(askingRules, "    do: [{action: console, text: \"{{ data.score }}\"}]", `    when: lookup("managers", data.userId).region == "true"
    do: [{action: console, text: "{{ lookup('managers', data.userId).notes }}"}]
    tests:
      - name: t
        given: {data: {userId: u1}, lookups: {managers: {u1: {region: true, notes: 007}}}}
        expect: {outcome: matched, actions: [{text: 007}]}`, 1)
	rules := writeAskingRules(t)
	rules.Text = []byte(text)
	if reports := ruletest.Run(compile(t, rules), moment); len(reports) != 1 || !reports[0].Passed() {
		t.Errorf("%+v", reports)
	}
}

// What rules ask is recorded in one order, whatever the order of Go's maps.
func TestDryRun_asksInTheOrderOfTheRule(t *testing.T) {
	text := strings.Replace(askingRules, "actions:\n", "actions:\n  lms: {http: {url: https://lms.example.com}}\n", 1) + `  - name: many
    on: quiz.submitted
    do:
      - action: lms
        json: {e: "{{ progress('e', 'm') }}", d: "{{ progress('d', 'm') }}", a: {c: "{{ progress('c', 'm') }}", b: "{{ progress('b', 'm') }}"}}
`
	rules := writeAskingRules(t)
	rules.Text = []byte(text)
	loaded := compile(t, rules)
	for range 30 {
		result, err := ruletest.DryRun(loaded.Rules, ruletest.Fixture{Body: []byte(`{"event": "quiz.submitted", "data": {"userId": "u1"}}`)}, moment)
		if err != nil {
			t.Fatal(err)
		}
		var asked string
		for _, fact := range result.Asked {
			if fact.Key == "m" {
				asked += fact.Of
			}
		}
		if asked != "edcb" {
			t.Fatalf("asked in the order %s", asked)
		}
	}
}
