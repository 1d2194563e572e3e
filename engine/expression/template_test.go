package expression

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"heed/engine/event"
)

func template(t testing.TB, text string) *Template {
	t.Helper()
	tm, problems := NewScope([]*event.Type{wide}).Template(text)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", text, problems)
	}
	return tm
}

const quizData = `{"userId":"u<1>","score":61,"maxScore":90,"passed":true,"quizName":null,"at":"2026-03-01","tags":["a",1,true],
	"extra":{"b":1,"a":"x"},"free":9007199254740993,"quizType":7}`

func TestTemplate_Text_showsValues(t *testing.T) {
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

func TestTemplate_JSON_wholeHoleKeepsItsType(t *testing.T) {
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

func TestTemplate_Strict_refusesMissingValues(t *testing.T) {
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

func TestCheckTemplate_mistakesHaveAPlaceAndAHint(t *testing.T) {
	for text, want := range map[string]struct{ at, message, hint string }{
		`Hi {{ data.userID }}!`:        {"userID", "quiz.submitted has no field userID", "did you mean data.userId?"},
		`Hi {{ .data.userId }}`:        {".data.userId", "a hole starts with a dot, as in Go templates", "write {{ data.userId }}"},
		`Hi {{ data.userId | upper }}`: {"data.userId | upper", "filters are functions here", "write {{ upper(data.userId) }}"},
		`äö {{ data.userId`:            {"{{", "{{ is not closed", "close it with }}, or write {{{{ for a literal {{"},
		`{{ }}`:                        {" ", "there is no expression here", "write what is to be shown, such as {{ data.userId }}"},
	} {
		_, problems := NewScope([]*event.Type{wide}).Template(text)
		if len(problems) != 1 {
			t.Errorf("%s: problems %v", text, problems)
			continue
		}
		f := problems[0]
		runes := []rune(text)
		at := string(runes[min(f.From, len(runes)):min(f.To, len(runes))])
		if (want.at != "" && at != want.at) || f.Message != want.message || f.Hint != want.hint {
			t.Errorf("%s: %q %s (%s), want %q %s (%s)", text, at, f.Message, f.Hint, want.at, want.message, want.hint)
		}
	}
}

func mentioning(t testing.TB, text string) *Template {
	t.Helper()
	tm, problems := NewScope([]*event.Type{wide}).MentionTemplate(text)
	problems = slices.DeleteFunc(problems, func(f Problem) bool { return f.Warning }) // an id serves as an address
	if len(problems) > 0 {
		t.Fatalf("%s: %v", text, problems)
	}
	return tm
}

func TestTemplate_EscapeEach_givesEachHoleItsOwn(t *testing.T) {
	var holes []Hole
	tm := mentioning(t, `ä {{ data.userId }} b {{ mention(data.userId) }}{{ data.score }} c`)
	tm.EscapeEach(func(h Hole) func(string) string {
		holes = append(holes, h)
		return func(value string) string { return "[" + h.Before + "|" + value + "]" }
	})
	if diff := cmp.Diff([]Hole{
		{Before: "ä ", After: " b  c", From: 2, To: 19},
		{Before: "ä  b ", After: " c", From: 22, To: 48, Mention: true},
		{Before: "ä  b ", After: " c", From: 48, To: 64},
	}, holes); diff != "" {
		t.Error(diff)
	}
	if got, want := tm.Text(env(t, quizData), Plain), "ä [ä |u<1>] b [ä  b |u<1>][ä  b |61] c"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCheckMentionTemplate_mentionIsAWholeHole(t *testing.T) {
	for text, want := range map[string]string{
		`{{ mention(data.userId) }}`:                           "M(u<1>)",
		`{{mention( data.quizName ?? data.userId )}}`:          "M(u<1>)",
		`{{ mention("a)b") }}`:                                 "M(a)b)",
		`{{ mention(data.quizName) }}`:                         "M(n/a)",
		`{{ mention(lower(data.userId)) }} {{ "mention(x)" }}`: "M(u<1>) P(mention(x))",
	} {
		tm := mentioning(t, text)
		tm.EscapeEach(func(h Hole) func(string) string {
			return func(value string) string {
				if h.Mention {
					return "M(" + value + ")"
				}
				return "P(" + value + ")"
			}
		})
		if got := tm.Text(env(t, quizData), Plain); got != want {
			t.Errorf("%s renders as %q, want %q", text, got, want)
		}
	}
}

func TestCheckMentionTemplate_mentionAnywhereElseIsAnError(t *testing.T) {
	scope := NewScope([]*event.Type{wide})
	misplaced := func(from, to int) []Problem {
		return []Problem{{From: from, To: to, Code: "bad-mention"}}
	}
	for text, want := range map[string][]Problem{
		`{{ mention(data.userId) + "x" }}`:    misplaced(3, 10),
		`{{ upper(mention(data.userId)) }}`:   misplaced(9, 16),
		`{{ mention(data.userId) ?? "x" }}`:   misplaced(3, 10),
		`{{ mention(mention(data.userId)) }}`: misplaced(11, 18),
		`{{ data.userId | mention() }}`:       {{From: 3, To: 26, Code: "foreign-template"}},
		`{{ mention() }}`:                     {{From: 10, To: 11, Code: "type-mismatch"}},
		`{{ mention(data.userId, 2) }}`:       {{From: 10, To: 11, Code: "type-mismatch"}},
		`{{ mention(data.score) }}`:           {{From: 11, To: 21, Code: "type-mismatch"}},
		`ä {{ mention(data.usrId) }}`:         {{From: 18, To: 23, Code: "unknown-field"}},
	} {
		_, problems := scope.MentionTemplate(text)
		if diff := cmp.Diff(want, problems, cmpopts.IgnoreFields(Problem{}, "Message", "Hint"), cmpopts.IgnoreUnexported(Problem{})); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
		for _, f := range problems {
			if f.Hint == "" {
				t.Errorf("%s: no hint", text)
			}
		}
	}
	_, inText := scope.Template(`{{ mention(data.userId) }}`)
	_, inCondition := scope.Condition(`mention(data.userId) == "x"`)
	_, inKey := scope.Check(`mention(data.userId)`)
	for what, problems := range map[string][]Problem{"text": inText, "condition": inCondition, "key": inKey} {
		if len(problems) != 1 || problems[0].Code != "bad-mention" {
			t.Errorf("in a %s: %+v", what, problems)
		}
	}
}
