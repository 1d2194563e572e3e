package actions_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heed/actions/actiontest"
)

// The hints of expressions are the expressions' own affair and left out.
func TestEachMistakeInAStepIsReportedAtItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ step, want string }{
		"an unknown key":            {"text: a\ntxet: b", `step:2:1: error: the stub action act has no key txet [unknown-key] (did you mean text?)`},
		"an unknown field":          {`text: "a {{ data.scor }} b"`, `step:1:18: error: quiz.submitted has no field scor [unknown-field]`},
		"an open hole":              {`text: a {{ data.score`, `step:1:9: error: {{ is not closed [syntax]`},
		"an empty hole":             {`text: "{{ }}"`, `step:1:10: error: there is no expression here [empty-expression]`},
		"in a block scalar":         {"text: |\n  first {{ data.userId }}\n\n    second {{ data.quizNam }}", `step:4:20: error: quiz.submitted has no field quizNam [unknown-field]`},
		"in a folded scalar":        {"text: >-\n  first\n  second {{ data.quizNam }}", `step:3:18: error: quiz.submitted has no field quizNam [unknown-field]`},
		"deep in json":              {"json:\n  a:\n    - b: [1, '{{ data.x }}']", `step:3:23: error: quiz.submitted has no field x [unknown-field]`},
		"in a list of json":         {`json: ["{{ data.score }}", "{{ nope }}"]`, `step:1:32: error: unknown name nope`},
		"in the second of two":      {`text: "{{ data.score }} {{ data.y }}"`, `step:1:33: error: quiz.submitted has no field y [unknown-field]`},
		"in args":                   {"args:\n  q: '{{ data.z }}'", `step:2:15: error: quiz.submitted has no field z [unknown-field]`},
		"two holes, two mistakes":   {`text: "{{ data.a }}{{ data.b }}"`, "step:1:16: error: quiz.submitted has no field a [unknown-field]\nstep:1:28: error: quiz.submitted has no field b [unknown-field]"},
		"in an expression":          {`key: data.scor`, `step:1:11: error: quiz.submitted has no field scor [unknown-field]`},
		"no expression":             {`key:`, `step:1:5: error: there is no expression here [empty-expression]`},
		"text as a list":            {`text: [a]`, `step:1:7: error: text of the stub action act must be a text, not a list [wrong-type] (write one text; for several, write several actions)`},
		"no text":                   {`text:`, `step:1:6: error: text of the stub action act must be a text, not empty [wrong-type]`},
		"a hole without quotes":     {`text: {{ data.score }}`, `step:1:7: error: text of the stub action act must be a text, not an object [wrong-type] (put quotes round a text that starts with {{)`},
		"a tag":                     {`text: !data.passed`, `step:1:7: error: YAML takes !data.passed for a tag, not for text [yaml-tag] (put quotes round the whole text)`},
		"a tag in json":             {`json: {a: !x y}`, `step:1:11: error: YAML takes !x for a tag, not for text [yaml-tag] (put quotes round the whole text)`},
		"a comment":                 {`to: #general`, `step:1:4: error: YAML takes "#general" for a comment, so to of the stub action act is empty [yaml-comment] (put quotes round it: "#general")`},
		"json without quotes":       {`json: {a: {{ data.score }}}`, `step:1:12: error: a key in json of the stub action act is an object, not a text [wrong-type] (put quotes round a template: "{{ … }}")`},
		"a template for a key":      {`json: {"{{ data.userId }}": 1}`, `step:1:8: error: a key in json of the stub action act holds a template; keys are fixed [template-not-allowed] (use templates in values only)`},
		"a template for an arg":     {`args: {"{{ data.userId }}": a}`, `step:1:8: error: a key in args of the stub action act holds a template; keys are fixed [template-not-allowed] (use templates in values only)`},
		"an arg without a text":     {`args: {a: [1], b: }`, "step:1:11: error: a in args of the stub action act must be a text, not a list [wrong-type]\nstep:1:19: error: b in args of the stub action act must be a text, not empty [wrong-type]"},
		"args as text":              {`args: a=b`, `step:1:7: error: args of the stub action act must be an object of keys and values, not the text "a=b" [wrong-type]`},
		"a key twice in json":       {`json: {a: 1, a: 2}`, `step:1:14: error: the key a is given twice in json of the stub action act [duplicate-key] (remove one of the two)`},
		"a template where a choice": {`to: "#{{ data.userId }}"`, `step:1:5: error: to of the stub action act is fixed: it cannot hold a template [template-not-allowed] (an event must not choose where a message goes; write one rule for each to)`},
	} {
		t.Run(name, func(t *testing.T) {
			got := actiontest.Compile(t, actiontest.Rule{Kind: &stub{}, Config: "stub: {}", Step: c.step})
			lines, want := strings.Split(strings.TrimSpace(actiontest.Lines(got.Problems)), "\n"), strings.Split(c.want, "\n")
			if !slices.EqualFunc(lines, want, strings.HasPrefix) {
				t.Error(cmp.Diff(want, lines))
			}
		})
	}
}

func TestTemplatesRenderByWhereTheyStand(t *testing.T) {
	const data = `{"userId":"u1","score":61,"passed":true,"quizName":"A & <b>","quizId":null,"maxScore":12345678901234567890123}`
	for step, want := range map[string]string{
		`text: "{{ data.userId }} got {{ data.score }}"`: `"u1 got 61"`,
		`text: 12`:                                      `"12"`,
		`text: "{{{{ data.userId }}"`:                   `"{{ data.userId }}"`,
		`text: "{{ data.quizType }}!"`:                  `"n/a!"`,
		"text: |\n  a\n  {{ data.userId }}":             `"a\nu1"`,
		`args: {b: "{{ data.userId }}", a: 1, c: true}`: `["b=u1","a=1","c=true"]`,

		// A text that is exactly one hole keeps its type in JSON.
		`json: "{{ data.score }}"`:                                                                         `61`,
		`json: {s: "{{ data.score }}", t: "{{ data.score }} pts"}`:                                         `{"s":61,"t":"61 pts"}`,
		`json: ["{{ data.passed }}", "{{ data.score * 2 }}"]`:                                              `[true,122]`,
		`json: {missing: "{{ data.quizType }}", gone: "{{ data.quizId }}", amid: "<{{ data.quizType }}>"}`: `{"amid":"<n/a>","gone":null,"missing":null}`,
		`json: {big: "{{ data.maxScore }}"}`:                                                               `{"big":12345678901234567890123}`,
		`json: {n: 1, f: 1.5, b: true, z: null, e: , s: "1"}`:                                              `{"b":true,"e":null,"f":1.5,"n":1,"s":"1","z":null}`,
		`json: {o: {}, l: [], ll: [[], [{}]]}`:                                                             `{"l":[],"ll":[[],[{}]],"o":{}}`,
		`json: 9007199254740993`:                                                                           `9007199254740993`,
		`json: 2026-03-04`:                                                                                 `"2026-03-04"`,
		`json: ""`:                                                                                         `""`,
		`json: "{{{{"`:                                                                                     `"{{"`,
		`json: "{{ data.passed ? [data.userId] : data.score }}"`:                                           `["u1"]`,
		`json: {a: &x "{{ data.userId }}", b: *x}`:                                                         `{"a":"u1","b":"u1"}`,
		`json: {name: "{{ data.quizName }}"}`:                                                              `{"name":"A & <b>"}`,
		`json: {now: "{{ now }}", days: "{{ days(2) }}"}`:                                                  `{"days":"2d","now":"2026-03-04T12:00:00Z"}`,
		`safe: {t: "x {{ data.quizName }}", n: 1}`:                                                         `{"n":1,"t":"x t<A & <b>>"}`,
		`safe: {t: ["{{ data.score }}", {u: "{{ data.x }}"}]}`:                                             ``,
		`safe: {t: ["{{ data.score }}"], v: {w: "{{ id }}"}}`:                                              `{"t":["t<61>"],"v":{"w":"w<e1>"}}`,
	} {
		c := actiontest.Compile(t, actiontest.Rule{Kind: &stub{}, Config: "stub: {}", Step: step})
		if len(c.Problems) > 0 {
			if want != "" {
				t.Errorf("%s: %s", step, actiontest.Lines(c.Problems))
			}
			continue
		}
		if got := c.MustRender(t, data); !sameJSON(t, string(got), want) {
			t.Errorf("%s\ngives %s\nnot   %s", step, got, want)
		}
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	compact := func(text string) string {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		out, _ := json.Marshal(value)
		return string(out)
	}
	return compact(a) == compact(b)
}

// Whatever an event holds, the shape of the JSON that a rule writes stays, and
// a value arrives as it was.
func TestNoEventChangesTheShapeOfARulesJSON(t *testing.T) {
	c := actiontest.MustCompile(t, actiontest.Rule{
		Kind: &stub{}, Config: "stub: {}",
		Step: `json: {whole: "{{ data.userId }}", amid: ["({{ data.userId }})", 1], fixed: yes}`,
	})
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.String().Draw(rt, "value")
		encoded, err := json.Marshal(map[string]string{"userId": value})
		if err != nil {
			rt.Fatal(err)
		}
		var got, sent any
		if err := json.Unmarshal(c.MustRender(t, string(encoded)), &got); err != nil {
			rt.Fatal(err)
		}
		var data map[string]string
		_ = json.Unmarshal(encoded, &data)
		value = data["userId"] // as JSON carries it
		sent = map[string]any{"whole": value, "amid": []any{"(" + value + ")", 1.0}, "fixed": "yes"}
		if diff := cmp.Diff(sent, got); diff != "" {
			rt.Fatal(diff)
		}
	})
}
