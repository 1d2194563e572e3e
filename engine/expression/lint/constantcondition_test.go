package lint

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"heed/engine/event"
	"heed/engine/expression"
)

func TestConstantCondition_findsWhatNeverChanges(t *testing.T) {
	hired := event.Standard().Lookup("user.provisioned")
	for text, want := range map[string]string{
		`data.score > 70 and data.score < 60`:                                            "can never be true",
		`data.score > 70 and data.score < 90`:                                            "",
		`data.score < 70 or data.score >= 70`:                                            "is true whatever data.score is",
		`data.score < 70 or data.score > 70`:                                             "",
		`data.score < 70 or data.score >= 70 or data.score == nil`:                       "is always true",
		`data.quizType == "a" and data.quizType == "b"`:                                  "can never be true",
		`data.quizType == "a" or data.quizType == "b"`:                                   "",
		`data.quizType != "a" or data.quizType != "b"`:                                   "is true whatever data.quizType is",
		`data.quizType in ["a", "b"] and data.quizType == "c"`:                           "can never be true",
		`data.passed and not data.passed`:                                                "can never be true",
		`data.score == nil and data.score < 70`:                                          "can never be true",
		`data.score != nil and data.score < 70`:                                          "",
		`true`:                                                                           "is always true",
		`1 > 2`:                                                                          "can never be true",
		`data.score < 70 and 1 == 1`:                                                     "this part of the condition is always true",
		`event == "quiz.submited"`:                                                       "can never be true",
		`event == "quiz.submitted" or data.score < 70`:                                   "is always true",
		`len(data.quizName) > 3 and data.score > 70 and data.score < 60`:                 "can never be true",
		`data.quizName contains "x" or not (data.quizName contains "x")`:                 "", // not tried, so not claimed
		`data.score < 70 and (data.quizId == "a" and data.quizId == "b" or data.passed)`: "this part of the condition can never be true",
		`data.quizName < "b" and data.quizName > "a"`:                                    "",
		`data.score > 0.5 and data.score < 0.6`:                                          "",
		`data.score >= -1 and data.score <= -1`:                                          "",
		`data.free == 1 and data.free == "x"`:                                            "can never be true",
		`(data.score ?? 0) < 70 and data.score > 70`:                                     "", // not tried
	} {
		expectConstant(t, text, want, quiz)
	}
	for text, want := range map[string]string{
		`data.email == "x" and data.score < 70`:                                 "can never be true",
		`data.email == "x" or data.score < 70`:                                  "",
		`event == "quiz.submitted" and data.score < 70`:                         "",
		`event == "quiz.submitted" and data.email == "x"`:                       "can never be true",
		`event == "quiz.submitted" or event == "user.provisioned"`:              "is always true",
		`event == "quiz.submitted" and data.score < 70 or data.email == "boss"`: "",
	} {
		expectConstant(t, text, want, quiz, hired)
	}
}

func expectConstant(t *testing.T, text, want string, types ...*event.Type) {
	t.Helper()
	problems := Tree(tree(t, scopeOf(types...), text, Condition), Condition)
	if (want == "") != (len(problems) == 0) || len(problems) > 0 && (!strings.Contains(problems[0].Message, want) || !problems[0].Warning) {
		t.Errorf("%s: %+v, want %q", text, problems, want)
	}
}

// What is said to be constant is: a condition that can never be true is true
// for no payload, and so on.
func TestConstantCondition_claimsHold(t *testing.T) {
	claims := map[string]func(expression.Truth, bool) bool{
		"the condition can never be true":                        func(got expression.Truth, _ bool) bool { return got != expression.True },
		"the condition is always true, whatever the event holds": func(got expression.Truth, _ bool) bool { return got == expression.True },
		"the condition is true whatever":                         func(got expression.Truth, whole bool) bool { return got == expression.True || !whole },
	}
	rapid.Check(t, func(t *rapid.T) {
		text := simple(t, 3)
		checked, problems := scopeOf(quiz).CheckCondition(text)
		if checked == nil {
			t.Fatalf("%s: %v", text, problems)
		}
		data := map[string]any{"passed": rapid.Bool().Draw(t, "passed"), "tags": []any{1}}
		data["quizType"] = rapid.SampledFrom([]any{"graded", "practice"}).Draw(t, "quizType")
		data["score"] = rapid.SampledFrom([]any{-1, 0, 0.2, 0.5, 1, 30, 61, 62}).Draw(t, "near")
		holes := rapid.SliceOf(rapid.SampledFrom([]string{"score", "passed", "quizType"})).Draw(t, "holes")
		for _, field := range holes {
			delete(data, field)
		}
		e := event.Event{Type: "quiz.submitted", Data: data}
		got, _ := checked.Condition().Eval(expression.NewEnv(&e, quiz, time.Time{}))
		for _, f := range Tree(checked, Condition) {
			for claim, holds := range claims {
				if strings.HasPrefix(f.Message, claim) {
					if !holds(got, len(holes) == 0) {
						t.Fatalf("%s: %s, but it is %s for %v", text, f.Message, got, data)
					}
				}
			}
		}
	})
}

// simple draws conditions that compare fields with literals.
func simple(t *rapid.T, depth int) string {
	pick := func(choices ...string) string { return rapid.SampledFrom(choices).Draw(t, "pick") }
	if depth == 0 {
		return pick("data.score "+pick("<", "<=", ">", ">=", "==", "!=")+" "+pick("0", "0.5", "1", "61"),
			"data.quizType "+pick("==", "!=", "<")+" "+pick(`"graded"`, `"practice"`), "data.passed", "data.score == nil", "len(data.tags) > 0", "1 < 2")
	}
	switch pick("and", "or", "not", "leaf") {
	case "and":
		return "(" + simple(t, depth-1) + " and " + simple(t, depth-1) + ")"
	case "or":
		return "(" + simple(t, depth-1) + " or " + simple(t, depth-1) + ")"
	case "not":
		return "not (" + simple(t, depth-1) + ")"
	default:
		return simple(t, 0)
	}
}

// Conditions that are made to take long must not.
func TestConstantCondition_tryingIsBounded(t *testing.T) {
	fields := []event.Field{{Name: "s", Kind: event.Number}, {Name: "m", Kind: event.Number}}
	for i := range 7 {
		fields = append(fields, event.Field{Name: fmt.Sprintf("b%d", i), Kind: event.Bool})
	}
	scope := expression.NewScope([]*event.Type{{Name: "a", Fields: fields}})
	nested := func(first string, next func(i int) string) string {
		text := first
		for i := 1; i < 90; i++ {
			text = "(" + text + ") " + []string{"or", "and"}[i%2] + " " + next(i)
		}
		return text
	}
	for name, text := range map[string]string{
		"booleans": nested("data.b0", func(i int) string { return fmt.Sprintf("data.b%d", i%7) }),
		"numbers":  nested("data.s == 0", func(i int) string { return fmt.Sprintf("data.%s != %d", []string{"m", "s"}[i%2], i%15) }),
		"opaque":   nested("data.s > data.m", func(i int) string { return fmt.Sprintf("data.s > data.m + %d", i%10) }),
	} {
		checked, start := tree(t, scope, text, Condition), time.Now()
		Tree(checked, Condition)
		took := time.Since(start)
		t.Logf("%s: %v", name, took)
		if took > 10*time.Second { // runaway, on any machine
			t.Errorf("%s took %v", name, took)
		}
	}
}
