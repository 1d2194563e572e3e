package rulefile_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/engine/rulefile"
)

func format(t *testing.T, name, text string) string {
	t.Helper()
	out, problems, err := rulefile.Format(rulefile.File{Name: name, Text: []byte(text)})
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v %v in\n%s", err, problems, text)
	}
	return string(out)
}

func TestTheExampleIsInTheLayout(t *testing.T) {
	text, err := os.ReadFile("../../rules.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), format(t, "rules.example.yaml", string(text))); diff != "" {
		t.Error(diff)
	}
}

func TestTheExamplesInTheDocsCanBeLaidOut(t *testing.T) {
	block := regexp.MustCompile("(?ms)^```yaml[^\n]*\n(.*?)^```$")
	for doc, least := range map[string]int{"README.md": 2, "docs/rules.md": 3, "docs/recipes.md": 12} {
		text, err := os.ReadFile(filepath.Join("../..", doc))
		if err != nil {
			t.Fatal(err)
		}
		blocks := block.FindAllSubmatch(text, -1)
		if len(blocks) < least {
			t.Errorf("%s has %d blocks", doc, len(blocks))
		}
		for _, b := range blocks {
			format(t, doc, string(b[1]))
		}
	}
}

func TestTheLayoutOfRuleFiles(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"sections", "tests: []\nother: 1\nrules: []\nactions: {}\nevents: {}\nversion: 1\n", "version: 1\n\nevents: {}\n\nactions: {}\n\nrules: []\n\ntests: []\n\nother: 1\n"},
		{"an action keeps its order", "actions:\n  b: {log: {}}\n  a:\n    timeout: 1s\n    http:\n      url: u\n      headers: {B: b, A: a}\n", "actions:\n  b: {log: {}}\n\n  a:\n    timeout: 1s\n    http:\n      url: u\n      headers: {B: b, A: a}\n"},
		{"an event type", "events:\n  e:\n    fields: {b: string, a: string}\n    description: d\n", "events:\n  e:\n    description: d\n    fields: {b: string, a: string}\n"},
		{"rules are apart", "rules:\n- {on: x, name: a}\n- name: b\n- when: 1\n  foo: 2\n  on: y\n  name: c\n", "rules:\n  - {name: a, on: x}\n\n  - name: b\n\n  - name: c\n    on: y\n    when: 1\n    foo: 2\n"},
		{"blank lines inside a rule", "rules:\n- name: a\n\n\n  on: x\n  do:\n\n  - text: t\n    action: b\n\n\n  - {json: {b: 1, a: 2}, action: c}\n", "rules:\n  - name: a\n\n    on: x\n    do:\n      - action: b\n        text: t\n\n      - {action: c, json: {b: 1, a: 2}}\n"},
		{"tests", "tests:\n- expect: {actions: [{text: t, action: b}], outcome: matched}\n  given:\n  - {data: {b: 1, a: 2}, companyId: c, event: x}\n  - data: {event: 1, companyId: 2}\n    event: x\n  now: n\n  rule: r\n  name: a\n", "tests:\n  - name: a\n    rule: r\n    now: n\n    given:\n      - {event: x, companyId: c, data: {b: 1, a: 2}}\n      - event: x\n        data: {event: 1, companyId: 2}\n    expect: {outcome: matched, actions: [{action: b, text: t}]}\n"},
		{
			"time", "rules:\n- {throttle: {every: day, rest: [{text: t, action: b}], at_most: 1, per: p}, mode: shadow, on: x, was: o, name: a}\n- wait:\n    steps: [{do: [{text: t, action: b}], at: \"09:00\", after: 7d}]\n    unless: {when: w, on: y}\n    per: p\n  name: b\n" +
				"quiet_hours: {o: [{to: \"08:00\", from: \"20:00\", days: [Sat]}]}\ntimezone: UTC\n",
			"timezone: UTC\n\nquiet_hours: {o: [{days: [Sat], from: \"20:00\", to: \"08:00\"}]}\n\nrules:\n  - {name: a, was: o, mode: shadow, on: x, throttle: {per: p, at_most: 1, every: day, rest: [{action: b, text: t}]}}\n\n" +
				"  - name: b\n    wait:\n      per: p\n      unless: {on: y, when: w}\n      steps: [{after: 7d, at: \"09:00\", do: [{action: b, text: t}]}]\n",
		},
		{"a test about time", "tests:\n- expect: {alerts: [{text: t, action: b, at: m}], effects: [sent]}\n  given: [{data: {at: 1}, down: 2h, event: x, at: n, arrives: +1h}]\n  name: a\n", "tests:\n  - name: a\n    given: [{at: n, arrives: +1h, event: x, data: {at: 1}, down: 2h}]\n    expect: {effects: [sent], alerts: [{at: m, action: b, text: t}]}\n"},
		{"given data keeps its order", "rules:\n- tests:\n  - given: {data: {data: 1, event: 2}, event: x}\n    name: a\n  name: b\n", "rules:\n  - name: b\n    tests:\n      - name: a\n        given: {event: x, data: {data: 1, event: 2}}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, format(t, "rules.yaml", c.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFormatSaysWhyAFileIsNoYAML(t *testing.T) {
	text, problems, err := rulefile.Format(rulefile.File{Name: "f.yaml", Text: []byte("a: [\n")})
	if text != nil || err != nil || len(problems) != 1 || problems[0].Code != "yaml-syntax" {
		t.Errorf("%q %v %v", text, problems, err)
	}
}
