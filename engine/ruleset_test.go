package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"heed/engine/event"
	"heed/engine/expression"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

type render func(*expression.Env) (any, error)

func (r render) Render(env *expression.Env) (any, error) { return r(env) }

func newRule(t testing.TB, name, when string, steps ...render) *Rule {
	t.Helper()
	r := &Rule{Name: name, On: []string{"quiz.submitted"}, Condition: expression.Always()}
	if when != "" {
		c, faults := expression.NewScope([]*event.Type{event.Standard().Lookup("quiz.submitted")}).Condition(when)
		if c == nil {
			t.Fatal(faults)
		}
		r.Condition = c
	}
	for _, s := range steps {
		r.Steps = append(r.Steps, Step{Action: "a", Kind: "k", Renderer: s})
	}
	return r
}

func decode(t testing.TB, body string) *event.Event {
	t.Helper()
	e, err := event.Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	e.ID, e.ReceivedAt = "e1", noon
	return &e
}

func TestEachListeningRuleIsDecidedInTheOrderOfTheRules(t *testing.T) {
	hello := render(func(*expression.Env) (any, error) { return map[string]string{"text": "<hello>"}, nil })
	set := NewRuleSet("h", event.Standard(), nil, []*Rule{
		newRule(t, "always", "", hello, hello),
		newRule(t, "low", "data.score < 70", hello),
		newRule(t, "high", "data.score > 70", hello),
		newRule(t, "passed", "data.passed", hello),
		newRule(t, "broken", `any(1..99999, # * 2 + 1 - 3 * 4 + # - # * 7 + 5 - # + # - 1 * # + 3 - # + 4 * # - 5 + # * 6 == data.score - 1000000)`, hello),
		{Name: "other", On: []string{"module.progress"}, Condition: expression.Always()},
	})
	var got []string
	for _, d := range set.Evaluate(decode(t, `{"event":"quiz.submitted","data":{"score":61}}`), noon, nil) {
		line := fmt.Sprintf("%s %s (%s)", d.Rule.Name, d.Outcome, d.Reason)
		for _, r := range d.Requests {
			line += " " + string(r.Body)
		}
		got = append(got, line)
	}
	want := []string{
		`always matched () {"text":"<hello>"} {"text":"<hello>"}`,
		`low matched () {"text":"<hello>"}`,
		`passed unknown (data.passed is missing)`,
		`broken error (the rule needs more work on this event than a rule may do)`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if d := set.Evaluate(decode(t, `{"event":"deal.won"}`), noon, nil); len(d) != 0 {
		t.Errorf("an event nobody listens to has decisions: %v", d)
	}
}

func TestAStepThatCannotRenderIsThatStepsProblemAlone(t *testing.T) {
	set := NewRuleSet("h", event.Standard(), nil, []*Rule{newRule(t, "r", "",
		func(*expression.Env) (any, error) { return nil, errors.New("data.userId is missing") },
		func(*expression.Env) (any, error) { panic("a bug") },
		func(*expression.Env) (any, error) { return make(chan int), nil },
		func(*expression.Env) (any, error) { return "fine", nil },
	)})
	requests := set.Evaluate(decode(t, `{"event":"quiz.submitted"}`), noon, nil)[0].Requests
	for i, want := range []string{"data.userId is missing", "rendering broke: a bug", "json: unsupported type: chan int", ""} {
		if requests[i].Problem != want || (want != "") != (requests[i].Body == nil) {
			t.Errorf("request %d: %q, body %s, want %q", i, requests[i].Problem, requests[i].Body, want)
		}
	}
}

func TestExplainAgreesWithEvaluateAndAlsoHasWhatDidNotMatch(t *testing.T) {
	set := NewRuleSet("h", event.Standard(), nil, []*Rule{
		newRule(t, "a", "data.score < 70"),
		newRule(t, "n", "data.score > 70"), newRule(t, "b", "not data.passed"), newRule(t, "c", ""),
	})
	e := decode(t, `{"event":"quiz.submitted","data":{"score":61}}`)
	var explained []Decision
	for _, x := range set.Explain(e, noon, nil) {
		if outcomes[x.Explanation.Result] != x.Outcome {
			t.Errorf("%s: decided %s, explained %s", x.Rule.Name, x.Outcome, x.Explanation.Result)
		}
		if x.Outcome != NotMatched {
			explained = append(explained, x)
		} else if x.Rule.Name != "n" {
			t.Errorf("%s did not match", x.Rule.Name)
		}
	}
	decided := set.Evaluate(e, noon, nil)
	if len(decided) != 3 || len(explained) != 3 {
		t.Fatalf("decided %v, explained %v", decided, explained)
	}
	for i, d := range decided {
		if x := explained[i]; x.Rule != d.Rule || x.Outcome != d.Outcome || x.Reason != d.Reason {
			t.Errorf("%s: decided %s, explained %s", d.Rule.Name, d.Outcome, x.Outcome)
		}
	}
}

// The index must not change a decision: each rule is decided as if it were
// alone, on whatever the fields hold.
func TestFindingRulesByTheirEqualitiesChangesNoDecision(t *testing.T) {
	var rules []*Rule
	for i, when := range []string{
		`data.quizId == "q1"`, `"q1" == data.quizId and data.score < 70`, `data.quizId in ["q1", "q2", "q1"]`, `data.score == 61`, `data.score == 61.0 and data.passed`,
		`data.score in [61, 70]`, `data.score == 9007199254740993`, `data.passed == true`, `data.passed == false or data.score == 1`, `data.quizId == "q2" or data.score == 61`,
		`not (data.quizId == "q1")`, `data.quizId == data.quizName`, `data.score < 70 and data.quizId == "q1"`, `data.quizId == nil`, `data.quizId == "q1" and date(data.quizName) < now`,
		`date(data.quizName) < now and data.quizId == "q1"`, `data.quizType in [data.quizId, "x"]`, "",
		`data.score < 70 and data.passed and data.quizId in ["q1", "q2"]`, `data.quizId == "q1" or data.quizId == "q2"`,
		`(data.quizId == "q1" or data.quizId in ["q2", "q1"]) and data.score == 61`, `data.quizId == "q1" or data.score == 61 and data.quizId == "q9"`,
		`(data.score ?? 0) < 70 and (data.score == 61 and data.quizId != nil)`, `data.quizId in []`, `not (data.quizId == "q1") and data.score == 70`,
	} {
		rules = append(rules, newRule(t, fmt.Sprint(i), when))
	}
	set := NewRuleSet("h", event.Standard(), nil, rules)
	if index := set.byType["quiz.submitted"]; len(index.always) > len(rules)/2 {
		t.Errorf("%d of %d rules are looked at for every event", len(index.always), len(rules))
	}
	for _, quizID := range []string{`"q1"`, `"q2"`, `"q9"`, `""`, `null`, `7`, `true`, `["q1"]`} {
		for _, score := range []string{`61`, `61.0`, `6.1e1`, `"61"`, `null`, `9007199254740993`, `9007199254740992`, `1e400`, `-0.0`} {
			for _, passed := range []string{`true`, `false`, `null`, `1`} {
				e := decode(t,
					`{"event":"quiz.submitted","data":{"quizId":`+quizID+`,"score":`+score+`,"passed":`+passed+`,"quizName":"q2"}}`)
				decided := set.Evaluate(e, noon, nil)
				for _, r := range rules {
					d := Decision{Rule: r, Outcome: NotMatched}
					if len(decided) > 0 && decided[0].Rule == r {
						d, decided = decided[0], decided[1:]
					}
					truth, reason := r.Condition.Eval(expression.NewEnv(e, event.Standard().Lookup(e.Type), noon))
					if d.Outcome != outcomes[truth] || d.Reason != reason {
						t.Errorf("%s with quizId %s, score %s, passed %s: %s (%s), alone %s (%s)", r.Condition.Text, quizID, score,
							passed, d.Outcome, d.Reason, truth, reason)
					}
				}
				if len(decided) > 0 {
					t.Errorf("decided twice, or out of order: %v", decided)
				}
			}
		}
	}
}

// An equality behind a part that cannot be evaluated decides nothing.
func TestAnErrorInFrontOfAnEqualityIsStillAnError(t *testing.T) {
	const broken = `any(1..99999, # * 2 + 1 - 3 * 4 + # - # * 7 + 5 - # + # - 1 * # + 3 - # + 4 * # - 5 + # * 6 == -1000000)`
	set := NewRuleSet("h", event.Standard(), nil, []*Rule{
		newRule(t, "in front", broken+` and data.quizId == "q1"`),
		newRule(t, "behind", `data.quizId == "q1" and `+broken),
		newRule(t, "either", broken+` or data.quizId == "q1"`),
	})
	var got []string
	for _, d := range set.Evaluate(decode(t, `{"event":"quiz.submitted","data":{"quizId":"q2"}}`), noon, nil) {
		got = append(got, d.Rule.Name+" "+string(d.Outcome))
	}
	if want := "[in front error either error]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

const graded = `{"event":"quiz.submitted","companyId":"acme","data":{"userId":"u1","quizName":"Discovery","quizId":"q7","quizType":"graded","score":61,"maxScore":100,"passed":false}}`

// BenchmarkEvaluate decides an event by ever more rules: by such as differ in
// an equality, which is wherever in the condition, and by such as have nothing
// to be found by.
func BenchmarkEvaluate(b *testing.B) {
	hello := render(func(*expression.Env) (any, error) { return "x", nil })
	for _, shape := range []struct{ name, when string }{
		{"leading", `data.quizId == "q%d" and data.score < 70`},
		{"behind", `data.score < 70 and data.quizType == "graded" and data.quizId in ["q%d"]`},
		{"unindexed", `data.score < -%d`},
	} {
		for _, n := range []int{10, 1000, 10_000} {
			b.Run(fmt.Sprintf("%s/rules=%d", shape.name, n), func(b *testing.B) {
				var rules []*Rule
				for i := range n {
					rules = append(rules, newRule(b, fmt.Sprint("r", i), fmt.Sprintf(shape.when, i), hello))
				}
				set := NewRuleSet("h", event.Standard(), nil, rules)
				e := decode(b, graded)
				b.ReportAllocs()
				for b.Loop() {
					set.Evaluate(e, noon, nil)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/rule")
			})
		}
	}
}

// Rules with more steps than an event may lead to are not loaded. If they were,
// the event would be decided all the same, as far as can be.
func TestEvaluate_stopsAtMaxSteps(t *testing.T) {
	hello := render(func(*expression.Env) (any, error) { return "hello", nil })
	wide := func(name string, steps int) *Rule {
		r := &Rule{Name: name, On: []string{"quiz.submitted"}, Condition: expression.Always()}
		for range steps {
			r.Steps = append(r.Steps, Step{Action: "console", Renderer: hello})
		}
		return r
	}
	set := NewRuleSet("", event.Standard(), nil, []*Rule{wide("a", MaxSteps-1), wide("b", 2), wide("c", 1), wide("d", 1)})
	e := event.Event{Type: "quiz.submitted", Data: map[string]any{}}
	for name, decisions := range map[string][]Decision{"evaluated": set.Evaluate(&e, time.Time{}, nil), "explained": set.Explain(&e, time.Time{}, nil)} {
		var got []string
		requests := 0
		for _, d := range decisions {
			got = append(got, string(d.Outcome))
			requests += len(d.Requests)
		}
		if requests != MaxSteps || strings.Join(got, " ") != "matched error matched error" || !strings.Contains(decisions[1].Reason, "20000 deliveries") {
			t.Errorf("%s: %v with %d requests", name, got, requests)
		}
	}
}
