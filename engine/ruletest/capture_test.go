package ruletest_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heed/actions"
	"heed/actions/email"
	"heed/actions/httpcall"
	logaction "heed/actions/log"
	"heed/actions/slack"
	"heed/engine"
	"heed/engine/event"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
)

var moment = time.Date(2026, 3, 4, 12, 0, 0, 999, time.UTC)

func compile(t rapid.TB, files ...rulefile.File) *rulefile.Loaded {
	t.Helper()
	compiler := rulefile.Compiler{Catalog: event.Standard(), Actions: actions.Reader{
		LookupEnv: func(string) (string, bool) { return "", false },
		Registry:  actions.NewRegistry(slack.Kind{}, httpcall.Kind{}, email.Kind{}, logaction.Kind{Log: slog.New(slog.DiscardHandler)}),
	}}
	loaded, problems := compiler.Compile(rulefile.NewSnapshot(files))
	if loaded == nil {
		t.Fatal(problems, string(files[len(files)-1].Text))
	}
	return loaded
}

func capture(t rapid.TB, loaded *rulefile.Loaded, keepPersonal bool, bodies ...string) []ruletest.Captured {
	t.Helper()
	var fixtures []ruletest.Fixture
	for _, body := range bodies {
		fixtures = append(fixtures, ruletest.Fixture{File: "dir/quiz.json", Body: []byte(body)})
	}
	tests, err := ruletest.Capture(loaded.Rules, fixtures, "", keepPersonal, moment)
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// checkAllPass runs the tests of a file.
func checkAllPass(t rapid.TB, rules rulefile.File, tests []byte, want int) {
	t.Helper()
	reports := ruletest.Run(compile(t, rules, rulefile.File{Name: "rules_test.yaml", Text: tests}), time.Now())
	if len(reports) != want {
		t.Fatalf("%d tests, want %d\n%s", len(reports), want, tests)
	}
	for _, r := range reports {
		if !r.Passed() {
			t.Fatalf("%s fails: %v\n%s", r.Test.Name, r.Failures, tests)
		}
	}
}

func TestCapturedTestsPass(t *testing.T) {
	const example = "../../rules.example.yaml" // its tables are beside it
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	rules := rulefile.File{Name: example, Text: text}
	loaded := compile(t, rules)
	fixtures, err := ruletest.Read([]string{"../../testdata/events"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, keepPersonal := range []bool{false, true} {
		tests, err := ruletest.Capture(loaded.Rules, fixtures, "", keepPersonal, moment)
		if err != nil {
			t.Fatal(err)
		}
		file, err := ruletest.AddTests(rulefile.File{Name: "rules_test.yaml"}, tests)
		if err != nil {
			t.Fatal(err)
		}
		checkAllPass(t, rules, file, len(loaded.Tests)+len(tests))
		if strings.Contains(string(file), "u-1042") != keepPersonal {
			t.Errorf("personal values kept: %v\n%s", keepPersonal, file)
		}
	}
}

const awkwardRules = `
timezone: Asia/Kathmandu
quiet_hours: {evening: [{from: "17:00", to: "19:30"}]}
events: {quiz.submitted: {fields: {a: any}}}
actions:
  console: {log: {}}
  api: {http: {url: "https://api.example.com/v1", headers: {Authorization: {env: TOKEN}}}}
  secret: {http: {url: {env: SECRET_URL}}}
  chat: {slack: {webhook_url: {env: HOOK}}}
rules:
  - name: always
    on: quiz.submitted
    do:
      - {action: console, text: "{{ id }} {{ companyId }} {{ now }} {{ data.score }} {{ data.a }}"}
      - {action: api, path: "{{ data.userId }}", json: {score: "{{ data.score }}", a: "{{ data.a }}", big: 9007199254740993, small: 0.1}}
      - {action: secret, body: "{{ data.a }}"}
      - {action: chat, text: "{{ data.a }}", blocks: [{type: divider}]}
  - name: sometimes
    on: quiz.submitted
    when: data.score > 70 or data.userId == "u-1"
    do: [{action: console, text: "a\nb {{ data.quizName }}"}]
  - name: waits
    on: quiz.submitted
    wait: {per: data.userId, steps: [{after: 90m}, {after: 3d, at: "09:00"}], still: data.score != 61}
    do: [{action: console, text: "{{ id }} {{ now }} {{ due }} {{ step }} {{ user.email }} {{ data.a }}"}]
  - name: digests
    on: quiz.submitted
    count: {at_least: 1, within: 7d, per: data.quizName}
    digest: {every: Monday, at: "09:00", per: data.userId}
    do: [{action: console, text: "{{ key }} {{ total }} {{ since }} {{ join(map(items, #.id), ' ') }}", table: {A: data.a, User: user.role}}]
  - name: held
    on: quiz.submitted
    quiet_hours: {use: evening}
    throttle: {per: [data.userId, data.quizName], at_most: 1, every: day}
    do: [{action: console, text: "{{ data.a }} {{ now }}"}]
`

func TestAnyCapturedTestPasses(t *testing.T) {
	rules := rulefile.File{Name: "rules.yaml", Text: []byte(awkwardRules)}
	loaded := compile(t, rules)
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"yes", "1e3", "a: b", "# x", "null", "2026-01-02", "u-1", "a\nb\n", "m@a.com", "<!here>", "***"}))
	value := rapid.OneOf(
		text.AsAny(),
		rapid.Map(rapid.SampledFrom([]string{"61", "61.0", "71", "1e400", "-0", "9007199254740993", "123456789012345678901234567890", "1E2"}), func(n string) any { return json.Number(n) }),
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.SliceOfN(text, 0, 2).AsAny(), rapid.MapOfN(text, text, 0, 2).AsAny(),
	)
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.MapOfN(rapid.OneOf(rapid.SampledFrom([]string{"userId", "score", "quizName", "a", "userName"}), text),
			value, 0, 6).Draw(t, "data")
		top := map[string]any{"event": "quiz.submitted", "data": data}
		if company := value.Draw(t, "companyId"); company != nil {
			top["companyId"] = company
		}
		body, err := json.Marshal(top)
		if err != nil {
			t.Fatal(err)
		}
		tests := capture(t, loaded, rapid.Bool().Draw(t, "keep"), string(body))
		once, err := ruletest.AddTests(rulefile.File{Name: "rules_test.yaml"}, tests)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := ruletest.AddTests(rulefile.File{Name: "rules_test.yaml", Text: once}, tests)
		if err != nil {
			t.Fatal(err)
		}
		checkAllPass(t, rules, twice, 2*len(loaded.Rules.Rules()))
	})
}

func TestACapturedTestIsReadable(t *testing.T) {
	rules := rulefile.File{Name: "rules.yaml", Text: []byte(`
actions:
  api: {http: {url: "https://api.example.com", headers: {Authorization: {env: TOKEN}}}}
  secret: {http: {url: {env: SECRET_URL}}}
rules:
  - name: low
    on: quiz.submitted
    do:
      - {action: api, path: "{{ data.userId }}", json: {score: "{{ data.score }}"}}
      - {action: secret, path: "{{ data.quizName }}", body: hi}
`)}
	tests := capture(t, compile(t, rules), false, `{"data":{"quizName":"a/b: c","score":61.0,"userId":"u-1"},"event":"quiz.submitted","companyId":"acme","other":1}`, `{"event":"quiz.submitted"}`)
	file, err := ruletest.AddTests(rulefile.File{Name: "rules_test.yaml", Text: []byte("# Recorded.")}, tests)
	want := `# Recorded.
tests:
  - name: "quiz.json: matched"
    rule: low
    now: "2026-03-04T12:00:00Z"
    given:
      event: quiz.submitted
      companyId: company
      data:
        userId: user-1
        quizName: "a/b: c"
        score: 61.0
    expect:
      outcome: matched
      actions:
        - action: api
          method: POST
          url: https://api.example.com/user-1
          body:
            score: 61
        - action: secret
          method: POST
          body: hi
`
	if err != nil || !strings.HasPrefix(string(file), want) {
		t.Error(cmp.Diff(want, string(file)), err)
	}
	if !strings.Contains(string(file), "problem: data.userId is missing") || !strings.Contains(string(file), `name: "quiz.json: matched (2)"`) {
		t.Errorf("%s", file)
	}
	checkAllPass(t, rules, file, 2)
}

func TestCaptureSaysWhereRedactionChangesTheOutcome(t *testing.T) {
	loaded := compile(t, rulefile.File{Name: "rules.yaml", Text: []byte(awkwardRules)})
	body := `{"event":"quiz.submitted","data":{"userId":"u-1","score":1}}`
	if got := capture(t, loaded, false, body)[1]; got.Rule != "sometimes" || got.Outcome != engine.NotMatched || got.Real != engine.Matched {
		t.Errorf("%+v", got)
	}
	if got := capture(t, loaded, true, body)[1]; got.Outcome != engine.Matched || got.Real != engine.Matched {
		t.Errorf("%+v", got)
	}
}
