package rulefile_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"heed/actions"
	"heed/actions/email"
	"heed/actions/httpcall"
	logaction "heed/actions/log"
	"heed/actions/slack"
	"heed/engine"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/rulefile"
)

func compiler() *rulefile.Compiler {
	return &rulefile.Compiler{Catalog: event.Standard(), Actions: actions.Reader{
		LookupEnv: func(string) (string, bool) { return "x", true },
		Registry:  actions.NewRegistry(slack.Kind{}, httpcall.Kind{}, email.Kind{}, logaction.Kind{Log: slog.New(slog.DiscardHandler)}),
	}}
}

func compile(texts ...string) (*rulefile.Loaded, []document.Problem) {
	var files []rulefile.File
	for i, text := range texts {
		files = append(files, rulefile.File{Name: fmt.Sprintf("f%d.yaml", i), Text: []byte(text)})
	}
	return compiler().Compile(rulefile.NewSnapshot(files))
}

const console = "actions: {console: {log: {}}}\n"

func TestEachMistakeHasItsProblem(t *testing.T) {
	rule := func(text string) string { return console + "rules:\n  - " + text + "\n" }
	const do = ", do: [{action: console, text: hi}]}"
	for text, want := range map[string]string{
		"":                                 `f0.yaml:1:1: error: the file holds no rules [empty-file]`,
		"# nothing\n":                      `f0.yaml:1:1: error: the file holds no rules [empty-file]`,
		"rules: [":                         `[yaml-syntax]`,
		"\trules: []":                      `f0.yaml:1:1: error: a tab in the indentation; YAML takes only spaces [tab]`,
		"rules: \xff":                      `[not-utf8]`,
		"version: 2\nrules: []":            `f0.yaml:1:10: error: this heed reads version 1 of the rule language, not 2 [unknown-version]`,
		"ruls: []":                         `f0.yaml:1:1: error: the rule file has no key ruls [unknown-key]`,
		"[1]":                              `the rule file must be an object of keys and values, not a list [wrong-type]`,
		"a: 1\n---\nb: 2":                  `[second-document]`,
		"rules: {}":                        `f0.yaml:1:8: error: rules must be a list, not an object [wrong-type]`,
		"rules: [x]":                       `f0.yaml:1:9: error: the rule must be an object of keys and values, not the text "x" [wrong-type]`,
		"rules: []\nrules: []":             `[duplicate-key]`,
		"actions: {a: {slak: {}}}":         `f0.yaml:1:15: error: there is no kind of action called slak [unknown-kind]`,
		"actions: {a: {}}":                 `the action a must name exactly one kind of action`,
		"events: {a: {fields: {x: text}}}": `f0.yaml:1:26: error: the field x is of no kind heed knows [unknown-field-kind]`,
		"events: {quiz.submitted: {fields: {score: string}}}":                                                    `quiz.submitted already has a field score, which is a number, not a string [field-conflict]`,
		rule("{name: a, on: [], do: []}"):                                                                        `f0.yaml:3:19: error: on must be an event type or a list of them, not an empty list [wrong-type]`,
		rule("{name: a, on: quiz.submitted, when: , do: []}"):                                                    `[empty-expression]`,
		rule(`{name: "", on: quiz.submitted` + do):                                                               `[bad-name]`,
		rule("{name: a, on: quiz.submitted, when: [1]" + do):                                                     `f0.yaml:3:41: error: when must be an expression, not a list [wrong-type]`,
		rule("{name: a, on: quiz.submitted, do: {action: console}}"):                                             `do must be a list of actions, not an object [wrong-type]`,
		rule("{name: a, on: quiz.submitted, do: [{text: hi}]}"):                                                  `an entry of do names no action [missing-key]`,
		rule("{name: a, on: quiz.submitted, do: [{action: console}]}"):                                           `text`,
		rule("{name: a, on: [quiz.submitted, user.provisioned], when: data.passed and data.emial == \"x\"" + do): `quiz.submitted or user.provisioned has no field emial [unknown-field]`,
		rule("{name: a, on: quiz.submitted, when: data.email == \"x\"" + do):                                     `quiz.submitted has no field email [unknown-field]`,
	} {
		loaded, problems := compile(text)
		if loaded != nil {
			t.Errorf("%q was taken", text)
		}
		if !anyHolds(problems, want) {
			t.Errorf("%q: no problem holds %q:\n%v", text, want, lines(problems))
		}
	}
}

func anyHolds(problems []document.Problem, want string) bool {
	return strings.Contains(lines(problems), want)
}

func lines(problems []document.Problem) string {
	var all []string
	for i := range problems {
		all = append(all, problems[i].String())
	}
	return strings.Join(all, "\n")
}

func TestFilesOfADirectoryShareActionsAndNames(t *testing.T) {
	rule := func(name string) string {
		return "rules: [{name: " + name + ", on: quiz.submitted, do: [{action: console, text: hi}]}]\n"
	}
	if loaded, problems := compile(rule("a"), console, rule("b")); loaded == nil || len(loaded.Rules.Rules()) != 2 || len(problems) != 0 {
		t.Errorf("three files: %s", lines(problems))
	}
	if _, problems := compile(console, rule("a"), rule("a")); !anyHolds(problems, "f2.yaml:1:16: error: there is another rule called a, in f1.yaml:1 [duplicate-rule]") {
		t.Errorf("a rule twice: %s", lines(problems))
	}
	if _, problems := compile(console, rule("a"), console); !anyHolds(problems, "the action console is configured twice, first in f0.yaml:1 [duplicate-action]") {
		t.Errorf("an action twice: %s", lines(problems))
	}
	// One bad file and none is used.
	if loaded, _ := compile(console, rule("a"), "rules: ["); loaded != nil {
		t.Error("a directory with a bad file was taken")
	}
}

func TestMergedAndAliasedValuesAreReadWherever(t *testing.T) {
	loaded, problems := compile(`
actions:
  one: {http: &api {url: "https://a.example.com", headers: {X-A: b}}}
  two: {http: {<<: *api, url: "https://b.example.com"}}
rules:
  - {name: a, on: quiz.submitted, do: [{action: one}, {action: two}]}
`)
	if loaded == nil || len(problems) != 0 {
		t.Fatal(lines(problems))
	}
	e, _ := event.Decode([]byte(`{"event":"quiz.submitted"}`))
	requests := loaded.Rules.Evaluate(&e, time.Now(), nil)[0].Requests
	if !strings.Contains(string(requests[1].Body), `"url":"https://b.example.com"`) || !strings.Contains(string(requests[1].Body), `"X-A":"b"`) {
		t.Errorf("%s", requests[1].Body)
	}
}

func TestTheHashIsThatOfTheContents(t *testing.T) {
	a, _ := compile(console)
	b, _ := compile(console)
	c, _ := compile(console + "\n")
	if a.Hash != b.Hash || a.Hash == c.Hash || a.Rules.Hash() != a.Hash {
		t.Error(a.Hash, b.Hash, c.Hash)
	}
}

// FuzzCompile compiles whatever comes: it must not panic, and what it takes
// must decide an event without panicking.
func FuzzCompile(f *testing.F) {
	example, err := os.ReadFile("../../rules.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	for _, seed := range []string{
		console + "rules:\n  - name: a\n    on: quiz.submitted\n    when: |\n      data.score < 70\n    do:\n      - {action: console, text: '{{ data.x }}'}\n    tests: [{name: t, given: {data: {}}, expect: {outcome: unknown}}]\n",
		"a: &a [*a]", "? [a]\n: b", "- !x y", "rules: [{name: !!binary aGk=}]", "{", "'", "a: |\n\tb", "<<: {a: 1}", "rules: [{<<: [{name: a}], on: 1}]",
	} {
		f.Add(seed)
	}
	e, err := event.Decode([]byte(`{"event":"quiz.submitted","data":{"userId":"u1","score":61}}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		loaded, problems := compile(text)
		for i := range problems {
			p := &problems[i]
			if p.Line < 1 || p.Col < 1 || p.Message == "" || p.Code == "" {
				t.Errorf("problem %+v", p)
			}
			p.Print(new(strings.Builder), document.Paint{})
		}
		if loaded == nil {
			return
		}
		for _, d := range loaded.Rules.Explain(&e, time.Now(), nil) {
			if d.Outcome == engine.Errored && strings.Contains(d.Reason, "broke") {
				t.Errorf("rule %s: %s", d.Rule.Name, d.Reason)
			}
			for _, r := range d.Requests {
				if strings.Contains(r.Problem, "broke") {
					t.Errorf("rule %s: %s", d.Rule.Name, r.Problem)
				}
			}
		}
	})
}

// BenchmarkCompile loads 10,000 rules.
func BenchmarkCompile(b *testing.B) {
	var text strings.Builder
	text.WriteString("actions: {console: {log: {}}}\nrules:\n")
	var files []rulefile.File
	for i := range 10_000 {
		fmt.Fprintf(&text, "  - name: rule-%d\n    on: quiz.submitted\n    when: data.quizId == \"q%d\" and data.score < 70\n    do: [{action: console, text: \"{{ data.userId }} scored {{ data.score }}\"}]\n", i, i)
		if text.Len() > 900_000 {
			files = append(files, rulefile.File{Name: fmt.Sprintf("%d.yaml", i), Text: []byte(text.String())})
			text.Reset()
			text.WriteString("rules:\n")
		}
	}
	files = append(files, rulefile.File{Name: "last.yaml", Text: []byte(text.String())})
	snapshot := rulefile.NewSnapshot(files)
	b.ReportAllocs()
	for b.Loop() {
		if loaded, problems := compiler().Compile(snapshot); loaded == nil || len(loaded.Rules.Rules()) != 10_000 {
			b.Fatal(lines(problems))
		}
	}
}

// What beginners write, and what must come back.
func TestTheLikeliestSlipsGetTheirOwnAnswer(t *testing.T) {
	for text, want := range map[string][2]string{
		console + "rules:\n  - name: a\n    on: quiz.submitted, course.completed\n    do: [{action: console, text: hi}]\n": {
			`f0.yaml:4:9: error: "quiz.submitted, course.completed" is not one event type [wrong-type]`, "write a list: on: [quiz.submitted, course.completed]",
		},
		console + "rules:\n  - name: a\n    on: quiz.submitted\n    do:\n      - action: console\n        text: {{ data.userId }} scored {{ data.score }}\n": {
			"f0.yaml:7:15: error: this is not YAML: a text that starts with {{ needs quotes [yaml-syntax]", `put quotes round the whole text: "{{ data.userId }} scored {{ data.score }}"`,
		},
		console + "rules:\n  - name: a\n\u00a0   on: quiz.submitted\n": {
			"f0.yaml:4:1: error: a no-break space in the indentation (copied from a document?); YAML takes only plain ones [no-break-space]", "delete it and type a space",
		},
		console + "rules:\n  - name: a\n    on: quiz.submitted\n    when: data.score = 70\n    do: [{action: consol, text: hi}]\n": {
			"f0.yaml:5:22: error: a single = [syntax]", "write == to compare",
		},
		console + "rules:\n  - name: a\n    on: quiz.submitted\n    when: '{{ data.score < 70 }}'\n    do: [{action: console, text: hi}]\n": {
			"f0.yaml:5:12: error: {{ }} does not belong here [syntax]", "this is an expression already: remove {{ and }}",
		},
		console + "rules:\n  - name: a\n    on: quiz.submitted\n    when: data.passed == 'false'\n    do: [{action: console, text: hi}]\n": {
			"f0.yaml:5:23: error: == cannot be used between true or false and a text [type-mismatch]", "write data.passed for true, not data.passed for false; a text, such as a table's cell, is compared with a text",
		},
	} {
		_, problems := compile(text)
		found := false
		for i := range problems {
			found = found || problems[i].String() == want[0] && problems[i].Hint == want[1]
		}
		if !found {
			t.Errorf("want %s (%s), got\n%s %v", want[0], want[1], lines(problems), problems)
		}
		if anyHolds(problems, "unused-action") {
			t.Errorf("a slip was blamed on the action too:\n%s", lines(problems))
		}
	}
}

// A row that is looked up is kept with its event and goes into saved tests, so it
// has only what some rule reads.
func TestOfATableOnlyWhatRulesReadIsKept(t *testing.T) {
	const rules = `
lookups: {managers: {file: m.csv, key: userId}, known: {file: m.csv, key: userId}}
actions: {console: {log: {}}}
rules:
  - name: a
    on: quiz.submitted
    when: lookup("managers", data.userId).team == "emea" and lookup("known", data.userId) != nil
    do: [{action: console, text: "{{ lookup('managers', data.userId)?.email }}"}]
  - name: b
    on: course.completed
    do: [{action: console, text: "{{ lookup('managers', data.userId)['name'] ?? 'nobody' }}"}]
`
	s := rulefile.Snapshot{
		Files:  []rulefile.File{{Name: "rules.yaml", Text: []byte(rules)}},
		Tables: []rulefile.Table{{File: rulefile.File{Name: "m.csv", Text: []byte("userId,salary,email,name,team\nu1,98000,boss@example.com,Nora,emea\n")}}},
	}
	loaded, problems := compiler().Compile(s)
	if loaded == nil {
		t.Fatal(problems)
	}
	lookups := new(expression.LookupLog)
	e := event.Event{Type: "quiz.submitted", Data: map[string]any{"userId": "u1"}}
	if d := loaded.Rules.Evaluate(&e, time.Now(), lookups); len(d) != 1 || !strings.Contains(string(d[0].Requests[0].Body), "boss@example.com") {
		t.Errorf("%+v", d)
	}
	kept, err := json.Marshal(lookups.Answers)
	want := `[{"about":"lookup","of":"managers","key":"u1","answer":{"email":"boss@example.com","name":"Nora","team":"emea"}},` +
		`{"about":"lookup","of":"known","key":"u1","answer":{}}]`
	if string(kept) != want || err != nil {
		t.Errorf("%s, %v", kept, err)
	}
}
