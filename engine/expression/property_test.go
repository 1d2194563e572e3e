package expression

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"pgregory.net/rapid"

	"heed/engine/event"
)

// gen draws random expressions over the fields of a quiz. With nilAware it
// also draws what asks whether there is a value.
type gen struct {
	t        *rapid.T
	nilAware bool
}

func (g gen) pick(choices ...string) string { return rapid.SampledFrom(choices).Draw(g.t, "pick") }

func (g gen) boolean(depth int) string {
	if depth == 0 {
		return g.pick("data.passed", "true", "false", g.number(0)+" < "+g.number(0), g.text(0)+" == "+g.text(0))
	}
	kinds := []string{"leaf", "and", "or", "not", "number", "text", "in", "ternary", "range", "any", "all", "none", "one"}
	if g.nilAware {
		kinds = append(kinds, "nil", "coalesce")
	}
	switch g.pick(kinds...) {
	case "and":
		return "(" + g.boolean(depth-1) + " and " + g.boolean(depth-1) + ")"
	case "or":
		return "(" + g.boolean(depth-1) + " or " + g.boolean(depth-1) + ")"
	case "not":
		return "not (" + g.boolean(depth-1) + ")"
	case "number":
		return g.number(depth-1) + " " + g.pick("<", "<=", ">", ">=", "==", "!=") + " " + g.number(depth-1)
	case "text":
		return g.text(depth-1) + " " + g.pick("==", "!=", "<", "contains", "startsWith", "endsWith") + " " + g.text(depth-1)
	case "in":
		return g.number(0) + g.pick(" in ", " not in ") + "[" + g.number(0) + ", 2, 61]"
	case "range":
		return g.pick("1", "61", "200") + " in 0..70"
	case "ternary":
		return "(" + g.boolean(depth-1) + " ? " + g.boolean(depth-1) + " : " + g.boolean(depth-1) + ")"
	case "any", "all", "none", "one":
		return g.pick("any", "all", "none", "one") + "(data.tags, # " + g.pick("<", ">", "==") + " " +
			g.pick("data.score", "0", "1", "61") + ")"
	case "nil":
		return "data." + g.pick("score", "maxScore", "quizName", "passed") + g.pick(" == nil", " != nil")
	case "coalesce":
		return "((data.score ?? " + g.pick("1", "61") + ") < " + g.number(0) + ")"
	default:
		return g.boolean(0)
	}
}

func (g gen) number(depth int) string {
	if depth == 0 {
		return g.pick("data.score", "data.maxScore", "0", "1", "61", "0.5", "len(data.quizName)", "count(data.tags, # > 1)",
			"sum(data.tags)")
	}
	return "(" + g.number(depth-1) + g.pick(" + ", " - ", " * ") + g.number(depth-1) + ")"
}

func (g gen) text(depth int) string {
	if depth == 0 {
		return g.pick("data.quizName", "data.quizType", `"graded"`, `"Disc"`, `""`, "lower(data.quizName)")
	}
	return "(" + g.text(depth-1) + " + " + g.text(depth-1) + ")"
}

func payload(t *rapid.T) map[string]any {
	return map[string]any{
		"score":    rapid.SampledFrom([]any{0, 61, 100, -3, 0.5, 70.25}).Draw(t, "score"),
		"maxScore": rapid.SampledFrom([]any{100, 1, 61}).Draw(t, "maxScore"),
		"passed":   rapid.Bool().Draw(t, "passed"),
		"quizName": rapid.SampledFrom([]any{"Discovery", "", "graded", "disc"}).Draw(t, "quizName"),
		"quizType": rapid.SampledFrom([]any{"graded", "practice"}).Draw(t, "quizType"),
		"tags":     rapid.SliceOfN(rapid.SampledFrom([]any{0, 1, 2, 61, 2.5}), 0, 4).Draw(t, "tags"),
	}
}

func envOf(data map[string]any) *Env {
	return NewEnv(&event.Event{ID: "e1", Type: "quiz.submitted", ReceivedAt: noon, Data: data}, wide, noon)
}

// byExpr is what expr's own machine says.
func byExpr(t *rapid.T, text string, data map[string]any) bool {
	program, err := expr.Compile(text, expr.Env(map[string]any{"data": map[string]any{}}), expr.AsBool())
	if err != nil {
		t.Fatalf("expr does not compile %s: %v", text, err)
	}
	got, err := expr.Run(program, map[string]any{"data": data})
	if err != nil {
		t.Fatalf("expr does not run %s: %v", text, err)
	}
	return got.(bool)
}

func evalText(t *rapid.T, text string, data map[string]any) Truth {
	c, problems := NewScope([]*event.Type{wide}).Condition(text)
	if c == nil {
		t.Fatalf("%s: %v", text, problems)
	}
	truth, reason := c.Eval(envOf(data))
	if truth == Failed {
		t.Fatalf("%s failed: %s", text, reason)
	}
	return truth
}

// With nothing missing, heed's evaluator and expr's agree on every condition.
func TestCondition_Eval_agreesWithExpr(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, data := gen{t: t}.boolean(3), payload(t)
		if got, want := evalText(t, text, data), byExpr(t, text, data); got != Truth(fmt.Sprint(want)) {
			t.Fatalf("%s on %v: heed says %s, expr %v", text, data, got, want)
		}
	})
}

// Kleene's logic is monotone: what is decided with values missing stays
// decided the same, whatever the missing values turn out to be.
func TestCondition_Eval_decisionHoldsForEveryFilling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, full := gen{t: t}.boolean(3), payload(t)
		holes := maps.Clone(full)
		for _, field := range rapid.SliceOf(rapid.SampledFrom([]string{"score", "maxScore", "passed", "quizName", "quizType", "tags"})).Draw(t, "holes") {
			delete(holes, field)
		}
		decided := evalText(t, text, holes)
		if decided == Undecided {
			return
		}
		if want := byExpr(t, text, full); decided != Truth(fmt.Sprint(want)) {
			t.Fatalf("%s: with only %v it is %s, with %v it is %v", text, holes, decided, full, want)
		}
	})
}

// The explanation comes to the decision, and its leaves and operators to each
// other, whatever is missing.
func TestCondition_Explain_agreesWithEval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, data := gen{t: t, nilAware: true}.boolean(3), payload(t)
		for _, field := range rapid.SliceOf(rapid.SampledFrom([]string{"score", "passed", "quizName", "tags"})).Draw(t, "holes") {
			delete(data, field)
		}
		c, problems := NewScope([]*event.Type{wide}).Condition(text)
		if c == nil {
			t.Fatalf("%s: %v", text, problems)
		}
		decided, reason := c.Eval(envOf(data))
		explained := c.Explain(envOf(data))
		if explained.Result != decided || explained.Reason != reason {
			t.Fatalf("%s is %s (%s), explained as %s (%s)", text, decided, reason, explained.Result, explained.Reason)
		}
		checkClause(t, explained)
	})
}

func checkClause(t *rapid.T, c *Clause) {
	if c.Op == "" {
		return
	}
	results := map[Truth]bool{}
	for _, child := range c.Clauses {
		checkClause(t, child)
		results[child.Result] = true
	}
	want := c.Result
	switch c.Op {
	case "not":
		want = map[Truth]Truth{True: False, False: True, Undecided: Undecided}[c.Clauses[0].Result]
	case "and":
		want = kleene(results, False, True)
	case "or":
		want = kleene(results, True, False)
	}
	if c.Result != want {
		t.Fatalf("%s is %s, its parts make it %s", c.Text, c.Result, want)
	}
}

func kleene(results map[Truth]bool, decisive, other Truth) Truth {
	switch {
	case results[decisive]:
		return decisive
	case results[Undecided]:
		return Undecided
	default:
		return other
	}
}

// FuzzCondition compiles and runs whatever comes: it must neither panic nor
// problem without a place and a message.
func FuzzCondition(f *testing.F) {
	for _, seed := range []string{
		"`", `data.score < 70`, `any(data.tags, # == "x")`, `{{ data.x }}`, `((((`, `data?.a[0:1]?.b ?? 1`, `let x = 1; x`, `1..1000000`,
		`"a" matches "("`, `data.at.Format("x")`, `-data.score ** 2`, `{a: 1}["a"]`, "data.`x`", `#`, `data.tags | map(# + 1) | sum() > 1`,
		`if data.passed { 1 } else { 2 }`, `data.free[data.score]`, `sortBy(data.tags, #, "desc")`, `date(data.quizName) > now`, `b"x"`,
		`user.role == "rep" and user?.active`, `lookup("managers", data.userId)["email"] ?? "x" contains "@"`, `rank(data.userId, "score") < progress(data.userId, "m")`,
		`user != nil`, `lookup("managers", user.email) == nil`,
	} {
		f.Add(seed, `{"userId":"u1","score":61,"tags":[1,null,"x"],"free":{"a":[1]}}`)
	}
	f.Fuzz(func(t *testing.T, text, data string) {
		scope := factScope()
		c, problems := scope.Condition(text)
		for _, problem := range problems {
			if problem.Message == "" || problem.Code == "" || problem.From < 0 || problem.To < problem.From {
				t.Errorf("%q: problem %+v", text, problem)
			}
		}
		broken := slices.ContainsFunc(problems, func(f Problem) bool { return !f.Warning })
		if (c == nil) != broken {
			t.Errorf("%q: condition %v with the problems %v", text, c != nil, problems)
		}
		e, err := event.Decode([]byte(`{"event":"quiz.submitted","data":` + data + `}`))
		if err != nil || c == nil {
			return
		}
		env := NewEnv(&e, wide, noon)
		env.SetLookups(&LookupLog{Resolver: everything().facts}, nil)
		truth, reason := c.Eval(env)
		if (truth == Undecided || truth == Failed) && reason == "" {
			t.Errorf("%q on %s is %s without a reason", text, data, truth)
		}
		if explained := c.Explain(env); explained.Result != truth {
			t.Errorf("%q on %s is %s, explained as %s", text, data, truth, explained.Result)
		}
	})
}

// FuzzTemplate compiles and renders whatever comes.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{`{{ data.userId }} and {{{{ literal`, `{{`, `{{ "}}" }}`, `{{ {a: 1} }}`, `{{ data.userId | upper }}`, `}}{{}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // no rule file holds it
		}
		template, problems := NewScope([]*event.Type{wide}).Template(text)
		for _, problem := range problems {
			if problem.Message == "" || problem.From < 0 || problem.To < problem.From || problem.From > len([]rune(text))+1 {
				t.Errorf("%q: problem %+v", text, problem)
			}
		}
		if len(problems) > 0 {
			return
		}
		env := envOf(map[string]any{"userId": "u1", "score": 1})
		if literal, ok := template.IsLiteral(); ok && literal != strings.ReplaceAll(text, "{{{{", "{{") {
			t.Errorf("%q has no holes and renders as %q", text, literal)
		}
		template.Text(env, Plain)
		template.JSON(env)
		_, _ = template.Strict(env, func(s string) (string, error) { return s, nil })
	})
}

func BenchmarkCondition(b *testing.B) {
	data := map[string]any{"userId": "u1", "quizName": "Discovery", "quizId": "q17", "quizType": "graded", "score": 61, "maxScore": 100, "passed": false}
	for name, text := range map[string]string{
		"compare": `data.score < 70`,
		"two":     `data.quizId == "q17" and data.score < 70`,
		"ratio":   `data.score / data.maxScore < 0.7 or not data.passed`,
		"missing": `data.at < now`,
		"list":    `any(1..20, # == data.score)`,
	} {
		b.Run(name, func(b *testing.B) {
			c, env := condition(b, text), envOf(data)
			b.ReportAllocs()
			for b.Loop() {
				c.Eval(env)
			}
		})
	}
}
