package expression

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"heed/engine/event"
)

func template(t testing.TB, text string) *Template {
	t.Helper()
	tm, faults := NewScope([]*event.Type{wide}).Template(text)
	if len(faults) > 0 {
		t.Fatalf("%s: %v", text, faults)
	}
	return tm
}

const quizData = `{"userId":"u<1>","score":61,"maxScore":90,"passed":true,"quizName":null,"at":"2026-03-01","tags":["a",1,true],
	"extra":{"b":1,"a":"x"},"free":9007199254740993,"quizType":7}`

func TestTemplatesAsText(t *testing.T) {
	for text, want := range map[string]string{
		`plain`:                                   "plain",
		`{{ data.userId }} has {{data.score}}`:    "U(u<1>) has U(61)",
		`{{ data.quizName }}`:                     "U(n/a)",
		`{{ data.quizName ?? "none" }}`:           "U(none)",
		`{{ data.quizId }}`:                       "U(n/a)",
		`{{ data.quizType }}`:                     "U(7)", // sent as a number where text was declared: shown as sent
		`{{ upper(data.quizType) }}`:              "U(n/a)",
		`{{ data.at }}`:                           "U(2026-03-01)",
		`{{ format(data.at, "2 Jan") }}`:          "U(1 Mar)",
		`{{ data.passed ? 12.971598761234 : 0 }}`: "U(12.971599)", // calculated: rounded
		`{{ data.tags }}`:                         "U(a, 1, true)",
		`{{ data.extra }}`:                        `U({"a":"x","b":1})`,
		`{{ data.free }}`:                         "U(9007199254740993)",
		`{{ data.score / data.maxScore }}`:        "U(0.677778)",
		`{{ percent(data.score, 61) }}%`:          "U(100)%",
		`{{ round(data.score / 7, 2) }}`:          "U(8.71)",
		`{{ data.passed ? "yes" : "no" }}`:        "U(yes)",
		`{{ {"a": {"b": "}}"}}.a.b }}`:            "U(}})",
		`{{{{ not a hole }}`:                      "{{ not a hole }}",
		`a {{{{ b {{ data.score }} c`:             "a {{ b U(61) c",
		`{{ days(2) }} {{ hours(1.5) }}`:          "U(2d) U(1h30m)",
		`{{ now - date("2026-03-04") }}`:          "U(12h)",
	} {
		if got := template(t, text).Text(env(t, quizData), func(s string) string { return "U(" + s + ")" }); got != want {
			t.Errorf("%s renders as %q, want %q", text, got, want)
		}
	}
}

func TestAWholeHoleKeepsItsTypeInJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{{ data.score }}`:                 `61`,
		` {{ data.score }}`:                `" 61"`,
		`{{ data.free }}`:                  `9007199254740993`,
		`{{ data.passed }}`:                `true`,
		`{{ data.quizName }}`:              `null`,
		`{{ data.nothing ?? "x" }}`:        `"x"`,
		`{{ data.tags }}`:                  `["a",1,true]`,
		`{{ data.at }}`:                    `"2026-03-01"`,
		`{{ data.at + days(1) }}`:          `"2026-03-02T00:00:00Z"`,
		`{{ data.score / 0 }}`:             `null`,
		`{{ {"all": data}.all.quizType }}`: `null`,
		`{{ {"n": data.score} }}`:          `{"n":61}`,
		`{{ data.userId }}{{ event }}`:     `"u\u003c1\u003equiz.submitted"`,
	} {
		text = strings.ReplaceAll(text, "data.nothing", "data.quizName")
		got, err := json.Marshal(template(t, text).JSON(env(t, quizData)))
		if err != nil || string(got) != want {
			t.Errorf("%s gives %s (%v), want %s", text, got, err, want)
		}
	}
}

func TestStrictTemplatesRefuseMissingValues(t *testing.T) {
	refuseAngle := func(s string) (string, error) {
		if strings.Contains(s, "<") {
			return "", errors.New("holds an angle")
		}
		return s, nil
	}
	for text, want := range map[string]string{
		`/users/{{ data.score }}`:    "/users/61",
		`/users/{{ data.quizName }}`: "error: data.quizName is missing",
		`/users/{{ data.quizId }}`:   "error: data.quizId is missing",
		`/users/{{ data.userId }}`:   "error: data.userId holds an angle",
	} {
		got, err := template(t, text).Strict(env(t, quizData), refuseAngle)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s renders as %q, want %q", text, got, want)
		}
	}
}

func TestMistakesInTemplatesAreFoundWithPlaceAndHint(t *testing.T) {
	for text, want := range map[string]struct{ at, message, hint string }{
		`Hi {{ data.userID }}!`:        {"userID", "quiz.submitted has no field userID", "did you mean data.userId?"},
		`Hi {{ .data.userId }}`:        {".data.userId", "a hole starts with a dot, as in Go templates", "write {{ data.userId }}"},
		`Hi {{ data.userId | upper }}`: {"data.userId | upper", "filters are functions here", "write {{ upper(data.userId) }}"},
		`äö {{ data.userId`:            {"{{", "{{ is not closed", "close it with }}, or write {{{{ for a literal {{"},
		`Hi { data.userId }!`:          {"{ data.userId }", "a hole has two braces on each side", "write {{ data.userId }}"},
		`{{ }}`:                        {" ", "there is no expression here", "write what is to be shown, such as {{ data.userId }}"},
	} {
		_, faults := NewScope([]*event.Type{wide}).Template(text)
		if len(faults) != 1 {
			t.Errorf("%s: faults %v", text, faults)
			continue
		}
		f := faults[0]
		runes := []rune(text)
		at := string(runes[min(f.From, len(runes)):min(f.To, len(runes))])
		if (want.at != "" && at != want.at) || f.Message != want.message || f.Hint != want.hint {
			t.Errorf("%s: %q %s (%s), want %q %s (%s)", text, at, f.Message, f.Hint, want.at, want.message, want.hint)
		}
	}
}
