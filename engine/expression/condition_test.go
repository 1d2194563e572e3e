package expression

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"heed/engine/event"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// wide is a type with a field of every kind beside those of a quiz.
var wide = func() *event.Type {
	catalog, err := event.Standard().With(event.Type{Name: "quiz.submitted", Fields: []event.Field{
		{Name: "tags", Kind: event.List}, {Name: "extra", Kind: event.Object}, {Name: "at", Kind: event.Time}, {Name: "free", Kind: event.Any},
	}})
	if err != nil {
		panic(err)
	}
	return catalog.Lookup("quiz.submitted")
}()

func env(t testing.TB, data string) *Env {
	t.Helper()
	e, err := event.Decode([]byte(`{"event":"quiz.submitted","companyId":"c1","data":` + data + `}`))
	if err != nil {
		t.Fatalf("decode %s: %v", data, err)
	}
	e.ID, e.ReceivedAt = "e1", noon
	return NewEnv(&e, wide, noon)
}

func condition(t testing.TB, text string) *Condition {
	t.Helper()
	c, problems := NewScope([]*event.Type{wide}).Condition(text)
	if c == nil {
		t.Fatalf("%s: %v", text, problems)
	}
	return c
}

const practice = `{"userId":"u1","quizType":"practice"}`

// The table of the rule language, on a practice quiz: no score, no passed.
func TestCondition_Eval_missingValuesAreUnknown(t *testing.T) {
	for text, want := range map[string]Truth{
		`data.score < 70`:                                     Undecided,
		`not (data.score < 70)`:                               Undecided,
		`data.score != 70`:                                    Undecided,
		`not data.passed`:                                     Undecided,
		`data.score in [1, 2]`:                                Undecided,
		`data.quizType == "practice" or data.score < 70`:      True,
		`data.score < 70 or data.quizType == "practice"`:      True,
		`data.quizType == "practice" and data.score < 70`:     Undecided,
		`data.quizType == "graded" and data.score < 70`:       False,
		`data.score < 70 and data.quizType == "graded"`:       False,
		`data.score == nil`:                                   True,
		`data.score != nil`:                                   False,
		`nil == data.score`:                                   True,
		`(data.score ?? 100) < 70`:                            False,
		`not (data.quizType == "graded" and not data.passed)`: True,
	} {
		got, reason := condition(t, text).Eval(env(t, practice))
		if got != want {
			t.Errorf("%s is %s (%s), want %s", text, got, reason, want)
		}
		if got == Undecided && !strings.Contains(reason, " is missing") {
			t.Errorf("%s: the reason %q does not say what is missing", text, reason)
		}
	}
}

func TestCondition_Eval_wholeLanguage(t *testing.T) {
	const data = `{"userId":"u1","score":61,"maxScore":100,"passed":false,"quizName":"Discovery call",
		"tags":["a","b",null,3],"extra":{"n":{"m":5},"items":[{"s":1},{"s":5},{}],"big":1e400},
		"at":"2026-03-01T10:00:00+05:30","free":[1,2,3],"quizId":7}`
	for text, want := range map[string]Truth{
		`data.score < 70`:                                                   True,
		`data.score / data.maxScore < 0.7`:                                  True,
		`0 < data.score < 70`:                                               True,
		`data.score in 60..70`:                                              True,
		`data.score not in [1, 61]`:                                         False,
		`data.score in [data.nothing ?? 61, 2]`:                             True, // replaced below: no such field
		`percent(data.score, data.maxScore) >= 61`:                          True,
		`data.maxScore - data.score == 39`:                                  True,
		`data.score * 2 > data.maxScore`:                                    True,
		`-data.score == -61`:                                                True,
		`int(data.score) % 2 == 1`:                                          True,
		`data.score / 0 > 1`:                                                Undecided,
		`data.score ** 2 == 3721`:                                           True,
		`data.quizName contains "call"`:                                     True,
		`data.quizName startsWith "Disc" and data.quizName endsWith "call"`: True,
		`data.quizName matches "^D.*l$"`:                                    True,
		`lower(data.quizName) == "discovery call"`:                          True,
		`data.quizName + "!" == "Discovery call!"`:                          True,
		`len(data.quizName) == 14`:                                          True,
		`data.quizName[0:4] == "Disc"`:                                      True,
		`data.passed ? true : data.score > 60`:                              True,
		`(data.quizType == "x" ? 1 : 2) == 2`:                               Undecided,
		`data.extra.n.m == 5`:                                               True,
		`data.extra?.no?.m == 5`:                                            Undecided,
		`data.extra.no.m == 5`:                                              Undecided,
		`data.extra["n"]["m"] == 5`:                                         True,
		`data.extra.n.m.k == 5`:                                             Undecided,
		`(data.extra.no?.m ?? 7) == 7`:                                      True,
		`data.tags[0] == "a" and data.tags[-1] == 3`:                        True,
		`data.tags[9] == "a"`:                                               Undecided,
		`data.tags[2] == nil`:                                               True,
		`"a" in data.tags`:                                                  True,
		`"n" in data.extra`:                                                 True,
		`any(data.tags, # == "b")`:                                          True,
		`any(data.extra.items, .s > 4)`:                                     True,
		`any(data.extra.items, .s > 9)`:                                     Undecided,
		`all(data.extra.items, .s > 2)`:                                     False,
		`all(data.extra.items, .s > 0)`:                                     Undecided,
		`none(data.extra.items, .s == 1)`:                                   False,
		`count(data.free, # > 1) == 2`:                                      True,
		`count(data.extra.items, .s > 1) == 1`:                              Undecided,
		`one(data.free, # == 3)`:                                            True,
		`sum(data.free) == 6 and max(data.free) == 3`:                       True,
		`sum(data.free, # * 2) == 12`:                                       True,
		`len(filter(data.free, # > 1)) == 2`:                                True,
		`find(data.free, # > 9) == nil`:                                     True,
		`findIndex(data.free, # == 2) == 1`:                                 True,
		`sortBy(data.free, -#)[0] == 3`:                                     True,
		`first(data.free) == 1 and last(data.free) == 3`:                    True,
		`join(split("a-b", "-"), "+") == "a+b"`:                             True,
		`let x = data.score * 2; x > 100 and x < 200`:                       True,
		`data.at < now`:                                                     True,
		`now - data.at > days(3)`:                                           True,
		`data.at > now - days(2)`:                                           False,
		`data.at == date("2026-03-01T04:30:00Z")`:                           True,
		`hour(data.at) == 10 and hour(data.at, "UTC") == 4 and weekday(data.at) == "Sunday"`: True,
		`format(data.at, "15:04", "Asia/Kolkata") == "10:00"`:                                True,
		`receivedAt == now`: True,
		`event == "quiz.submitted" and id == "e1" and companyId == "c1"`: True,
		`data.quizId == "q"`:                          Undecided, // sent as a number
		`data.quizId == nil`:                          False,
		`data.extra.big > 1`:                          Undecided,
		`data.free == [1, 2, 3]`:                      True,
		`data.free == "x"`:                            Undecided,
		`{"a": 1}.a == 1`:                             True,
		`round(61.26, 1) == 61.3 and round(2.5) == 3`: True,
		`date(data.quizName) < now`:                   Undecided,
		`any(1..99999, # * 2 + 1 - 3 * 4 + # - # * 7 + 5 - # + # - 1 * # + 3 - # + 4 * # - 5 + # * 6 == data.score - 1000000)`: Failed,
		`upper(data.free) == "A" or true`:    True,
		`int(data.quizName) > 1 or true`:     True,
		`not (data.free in [data.quizName])`: Undecided,
		`-(-9223372036854775807 - 1) > 0`:    True,
		`data.score == 61.0`:                 True,
	} {
		text = strings.ReplaceAll(text, "data.nothing", "data.free[9]")
		got, reason := condition(t, text).Eval(env(t, data))
		if got != want {
			t.Errorf("%s is %s (%s), want %s", text, got, reason, want)
		}
		if (got == Undecided || got == Failed) && reason == "" {
			t.Errorf("%s is %s without a reason", text, got)
		}
	}
}

func TestCondition_Eval_isExactBeyondFloats(t *testing.T) {
	for data, want := range map[string]Truth{
		`{"score": 9007199254740993}`:         True,
		`{"score": 9007199254740992}`:         False,
		`{"score": 9007199254740993.0}`:       Undecided,
		`{"score": 1e400}`:                    Undecided,
		`{"score": 123456789012345678901234}`: Undecided,
		`{"score": "9007199254740993"}`:       Undecided,
	} {
		got, reason := condition(t, `data.score == data.maxScore + 1`).Eval(env(t, strings.Replace(data, "}", `, "maxScore": 9007199254740992}`, 1)))
		if got != want {
			t.Errorf("%s: %s (%s), want %s", data, got, reason, want)
		}
	}
	_, reason := condition(t, `data.score < 70`).Eval(env(t, `{"score": "61"}`))
	if want := `data.score is the text "61", not a number`; reason != want {
		t.Errorf("reason %q, want %q", reason, want)
	}
}

func TestCondition_Explain_showsEachClauseWithItsValues(t *testing.T) {
	c := condition(t, `data.quizType == "graded" and (data.score < 70 or not data.passed) and data.score != nil`)
	got, err := json.Marshal(c.Explain(env(t, `{"quizType":"graded","score":80}`)))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"text":"data.quizType == \"graded\" and (data.score < 70 or not data.passed) and data.score != nil","result":"unknown","reason":"data.passed is missing","op":"and","clauses":[` +
		`{"text":"data.quizType == \"graded\"","result":"true","values":{"data.quizType":"graded"}},` +
		`{"text":"data.score < 70 or not data.passed","result":"unknown","reason":"data.passed is missing","op":"or","clauses":[` +
		`{"text":"data.score < 70","result":"false","values":{"data.score":80}},` +
		`{"text":"not data.passed","result":"unknown","reason":"data.passed is missing","op":"not","clauses":[` +
		`{"text":"data.passed","result":"unknown","reason":"data.passed is missing","values":{"data.passed":null}}]}]},` +
		`{"text":"data.score != nil","result":"true","values":{"data.score":80}}]}`
	if got := strings.ReplaceAll(string(got), `\u003c`, "<"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// numberAndText is the hint for a number beside a text.
const numberAndText = `write numbers without quotes, texts with: data.score < 70, data.quizType == "graded"; ` +
	`a number in a text, such as a table's cell, is float(…)`

func TestCheck_mistakesHaveAPlaceAndAHint(t *testing.T) {
	for text, want := range map[string]struct{ at, code, message, hint string }{
		`data.scor < 70`:                              {"scor", "unknown-field", "quiz.submitted has no field scor", "did you mean data.score?"},
		`len(data.quizNam) > 1`:                       {"quizNam", "unknown-field", "quiz.submitted has no field quizNam", "did you mean data.quizName?"},
		`upper(data.quizNam) == "X"`:                  {"quizNam", "unknown-field", "quiz.submitted has no field quizNam", "did you mean data.quizName?"},
		`format(data.att, "2006") == "X"`:             {"att", "unknown-field", "quiz.submitted has no field att", "did you mean data.at?"},
		`score < 70`:                                  {"score", "unknown-name", "unknown name score", "an event's fields are in data: write data.score"},
		`data.quizType == graded`:                     {"graded", "unknown-name", "unknown name graded", `put quotes around a text: "graded"; known here: event, id, source, companyId, receivedAt, now, user, data.…`},
		`data.score < "70"`:                           {"<", "type-mismatch", "< cannot be used between a number and a text", numberAndText},
		`data.at > "2026-01-01"`:                      {">", "type-mismatch", "> cannot be used between a time and a text", `write date("2026-01-31") to compare with a time`},
		`data.score`:                                  {"data.score", "not-boolean", "the condition gives a number, not true or false", "compare it: data.score == …, or data.score != nil for any value"},
		`data.score === 70`:                           {"===", "syntax", "unknown operator ===", "write =="},
		`data.score <> 70`:                            {"<>", "syntax", "unknown operator <>", "write !="},
		`data.score < 70 AND data.passed`:             {"AND", "syntax", "AND is written in lower case", "write and"},
		`data.quizType == “graded”`:                   {"“", "syntax", "a typographic quote", `write straight quotes: "…"`},
		`data.score < 70%`:                            {"%", "syntax", "a percent sign after a number", "write 70 for 70 % of a value that runs to 100, 0.7 for a share such as data.score / data.maxScore"},
		`data.quizType = "graded"`:                    {"=", "syntax", "a single =", "write == to compare"},
		`data.score <`:                                {"", "syntax", "the expression ends too early", "something is missing at the end, such as a value or a closing bracket"},
		`data.score ?? 100 < 70`:                      {"<", "syntax", "?? and another operator beside it need brackets", "write (data.score ?? 100) < 70"},
		`data.quizName matches "("`:                   {"matches", "bad-regexp", "invalid regular expression: missing closing ): `(`", "see the syntax that Go's regexp takes (RE2)"},
		`reduce(data.tags, #acc + 1, 0) > 1`:          {"reduce", "forbidden-function", "reduce cannot be used in rules", "use sum, count, any or all"},
		`repeat("x", 9) == ""`:                        {"repeat", "forbidden-function", "repeat cannot be used in rules", "write the text out"},
		`any(data.tags, any(data.tags, true))`:        {"any", "nested-loop", "any is inside another loop over a list", "one loop at a time: a rule must stay fast on any event"},
		`now() > data.at`:                             {"now", "not-a-function", "now is a value, not a function", "write now without brackets"},
		`date("rubbish") < now`:                       {"date", "bad-date", "invalid date: date: invalid date rubbish", `write date("2026-01-31") or date("2026-01-31T09:00:00Z")`},
		`data.free[("a" matches "["):] == 1`:          {"matches", "bad-regexp", "invalid regular expression: missing closing ]: `[`", "see the syntax that Go's regexp takes (RE2)"},
		strings.Repeat("-", 8000) + "5 == data.score": {"-", "too-deep", "the expression nests too deep, or has too many parts in a row", "split the rule into several"},
		`$env.data == nil`:                            {"$env", "unknown-name", "unknown name $env", "write data.field"},
		`data.free[typo:2] == nil`:                    {"typo", "unknown-name", "unknown name typo", "did you mean type?"},
	} {
		_, problems := NewScope([]*event.Type{wide}).Condition(text)
		if len(problems) != 1 {
			t.Errorf("%s: %d problems: %v", text, len(problems), problems)
			continue
		}
		f := problems[0]
		runes := []rune(text)
		at := string(runes[min(f.From, len(runes)):min(f.To, len(runes))])
		if at != want.at || f.Code != want.code || f.Message != want.message || f.Hint != want.hint {
			t.Errorf("%s\n got %q %s: %s (%s)\nwant %q %s: %s (%s)", text, at, f.Code, f.Message, f.Hint, want.at, want.code, want.message, want.hint)
		}
	}
}

// Each line is an expression with its problems, all of them: what stands there,
// and the code.
func TestCheck_findsEveryMistakeInOneRun(t *testing.T) {
	for text, want := range map[string]string{
		`data.scor < 70 and data.quizNme == "x" or data.foo`:                  "scor unknown-field, quizNme unknown-field, foo unknown-field",
		`data.score < "70" and data.passed == "yes" and data.userid == "u"`:   "userid unknown-field, < type-mismatch, == type-mismatch",
		`data.score === 70 AND data.scor <> 3`:                                "=== syntax, AND syntax, scor unknown-field, <> syntax",
		`data.score = 70 and data.quizType = “graded” and data.scores != nil`: "= syntax, = syntax, “ syntax, scores unknown-field",
		`data.score and data.quizName`:                                        "score not-boolean, quizName not-boolean",
		`not data.score < 70`:                                                 "not type-mismatch",
		`data.quizType == "graded" or "final"`:                                `" not-boolean`,
		`data.score ≥ 70 and data.score ≤ 90 and data.nope`:                   "≥ syntax, ≤ syntax, nope unknown-field",
		`data.score < 70% and data.socre > 3`:                                 "% syntax, socre unknown-field",
		`any(data.tags, # == "a" and data.scor < 1) and daat.score < 1`:       "scor unknown-field, daat unknown-name",
	} {
		c, problems := NewScope([]*event.Type{wide}).Condition(text)
		var got []string
		runes := []rune(text)
		for _, f := range problems {
			got = append(got, string(runes[min(f.From, len(runes)):min(f.To, len(runes))])+" "+f.Code)
		}
		if c != nil || strings.Join(got, ", ") != want {
			t.Errorf("%s\n got %s\nwant %s", text, strings.Join(got, ", "), want)
		}
	}
}

func TestCheck_foreignSyntaxHasAHint(t *testing.T) {
	for text, want := range map[string]string{
		`data.score is null`:                          "write == nil",
		`data.score IS NOT NULL`:                      "write != nil",
		`data.score is not 70`:                        "write !=",
		`data.score is 70`:                            "write ==",
		`data.score equals 70`:                        "write ==",
		`data.score less than 70`:                     "write <",
		`data.score is greater than 70`:               "write >",
		`data.score between 60 and 70`:                "write 60 <= data.score and data.score <= 70",
		`data.quizName LIKE "%call%"`:                 "write contains, startsWith, endsWith, or matches for a pattern",
		`data.quizName starts with "D"`:               "write startsWith",
		`data.quizName includes "D"`:                  "write contains",
		`data.quizName.startsWith("D")`:               `a function comes before its value: len(data.quizName), lower(data.quizName); contains, startsWith and endsWith are operators: data.quizName contains "x"`,
		`data.quizName.toLowerCase() == "d"`:          `a function comes before its value: len(data.quizName), lower(data.quizName); contains, startsWith and endsWith are operators: data.quizName contains "x"`,
		`data.quizName.length > 3`:                    `a function comes before its value: len(data.quizName), lower(data.quizName); contains, startsWith and endsWith are operators: data.quizName contains "x"`,
		`data.score > 60 and < 70`:                    "name the field again: data.score > 60 and data.score < 70",
		`data.quizType in ("graded", "final")`:        `write data.quizType in ["graded", "final"]`,
		`data.quizType IN ('graded')`:                 "write in",
		`${data.score} < 70`:                          "write data.score, without $ and braces",
		`$json.body.score < 70`:                       "write data.score, without $",
		`ISBLANK(data.score)`:                         "write data.score == nil, or data.score ?? 0 for another value",
		`IF(data.score < 70, true, false)`:            "write condition ? value : otherwise; in when: only the condition",
		`AND(data.score < 70, data.passed == false)`:  "write data.score < 70 and data.passed, or data.score < 70 or data.passed",
		`OR(data.score < 70, NOT(data.passed))`:       "write data.score < 70 and data.passed, or data.score < 70 or data.passed",
		`data.quizId == "a" AND (data.score < 70)`:    "write and",
		`IFNULL(data.score, 0) < 70`:                  "write data.score ?? 0",
		`abs(data.score - 69,5) < 1`:                  "see the functions in the rule language",
		`round(data.score; 1) < 70`:                   "join conditions with and, or with or; between the values in brackets write a comma",
		`abs(min(1,2), 3) < 70`:                       "see the functions in the rule language",
		`if data.score < 70`:                          "write only the condition: data.score < 70",
		`if data.score < 70 then alert`:               "write only the condition: data.score < 70",
		`data.at < TODAY()`:                           `write now, as in now - days(7); a day is a text: format(now, "2006-01-02", "UTC")`,
		`LOWER(data.quizName) == "x"`:                 "did you mean lower?",
		`data.score > 1,000`:                          "write 1000 or 1_000; a decimal has a point: 0.5",
		`data.score < 70 & data.passed`:               "write and",
		`data.score => 70`:                            "write >=",
		`data.score =< 70`:                            "write <=",
		`data.score =! 70`:                            "write !=",
		`data.quizName =~ "x"`:                        "write matches",
		`{{ data.score < 70 }}`:                       "this is an expression already: remove {{ and }}",
		`data.passed == True`:                         "write true",
		`data.score == None`:                          "write == nil or != nil",
		`data.score ≠ 3`:                              "write !=",
		`"data.score" < 70`:                           "write data.score without quotes",
		`event.score < 70`:                            "an event's fields are in data: write data.score",
		`event.data.score < 70`:                       "an event's fields are in data: write data.score",
		`payload.score < 70`:                          "write data.score for a field, event for the type",
		`today - days(7) < data.at`:                   `write now, as in now - days(7); a day is a text: format(now, "2006-01-02", "UTC")`,
		`isEmpty(data.quizName)`:                      "write data.score == nil, or data.score ?? 0 for another value",
		`not (data.quizName)`:                         "put the whole comparison in brackets: not (data.score < 70)",
		`data.passed or "no"`:                         `name the field again, data.quizType == "graded" or data.quizType == "final", or write data.quizType in ["graded", "final"]; for a missing value write data.quizType ?? "none"`,
		`format(data.at, "DD.MM.YYYY") == "x"`:        `write it as the moment 2 January 2006, 15:04:05 would look: "2006-01-02", "2 Jan 15:04"`,
		`format(data.at, "2 Jan", "IST/Delhi") == ""`: "write a region and a city, as in Europe/Berlin, America/New_York or Asia/Kolkata, or UTC",
	} {
		c, problems := NewScope([]*event.Type{wide}).Condition(text)
		if c != nil || len(problems) == 0 || problems[0].Hint != want {
			t.Errorf("%s\n got %+v\nwant %s", text, problems, want)
		}
	}
}

func TestFloat_saysWhichTextIsNoNumber(t *testing.T) {
	for text, want := range map[string]string{
		`float("70.5") == 70.5`:    "",
		`float(" 70") < 1`:         `" 70" is not a number`,
		`float("70,5") < 1`:        `"70,5" is not a number; a decimal has a point`,
		`float(data.quizName) < 1`: `"high" is not a number`,
		`float("NaN") < 1`:         `"NaN" is not a number`,
		`int("70") == 70`:          "",
		`int("70.5") < 1`:          `"70.5" is not a whole number; round(float(…)) makes one`,
		`int(data.score) == 61`:    "",
	} {
		c := condition(t, text)
		if _, reason := c.Eval(env(t, `{"quizName":"high","score":61.5}`)); reason != want {
			t.Errorf("%s: %s, want %s", text, reason, want)
		}
	}
}

// A value of any length can be shown in a reason.
func TestReason_showsValuesOfAnyLength(t *testing.T) {
	c := condition(t, `float(data.quizName) < 70`)
	for length := range 300 {
		for _, letter := range []string{"x", "ü", "語"} {
			name := strings.Repeat(letter, length)
			got, reason := c.Eval(env(t, `{"quizName":"`+name+`"}`))
			start := `"` + strings.Repeat(letter, min(length, 59))
			if got != Undecided || !strings.HasPrefix(reason, start) || len([]rune(reason)) > 80 {
				t.Fatalf("of %d %s: %s, %s", length, letter, got, reason)
			}
		}
	}
}

func TestDate_saysWhichTextIsNoTime(t *testing.T) {
	for text, want := range map[string]string{
		`date("2026-03-02 9:00", "2006-01-02 15:04", "UTC") < now`: "",
		`date(data.quizName, "2006-01-02 15:04", "UTC") < now`:     `"2 March" is not a time as "2006-01-02 15:04"`,
		`date("3" + data.quizName, "2 January", "UTC") < now`:      `"32 March" is not a time as "2 January": day out of range`,
	} {
		c := condition(t, text)
		if _, reason := c.Eval(env(t, `{"quizName":"2 March"}`)); reason != want && want != "" {
			t.Errorf("%s: %s, want %s", text, reason, want)
		}
	}
}

func TestCheck_isFastOnNonsense(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("AND(", 2000), strings.Repeat("AND(", 1000) + "1" + strings.Repeat(",2)", 1000), strings.Repeat("IF(a;", 1600), strings.Repeat("1,1,", 2000),
		strings.Repeat("(", 4000) + strings.Repeat(")", 4000), strings.Repeat("abs(1,1;2)", 800),
		"VLOOKUP(", ")AND(,)", "ISBLANK()", "IF(,,)", "WENN(;;)", "ä AND(ö,ü)", "lookup()", "progress()", "lookups", "lookups.x", "a[1](2)", "VLOOKUP(a,)", "(((;", "f(1,2;3",
	} {
		s := NewScope([]*event.Type{wide})
		s.SetTables(Tables{"m": {}})
		start := time.Now()
		if c, problems := s.Condition(text); c != nil || len(problems) == 0 {
			t.Errorf("%.20s is sound", text)
		}
		if took := time.Since(start); took > 10*time.Second { // runaway, on any machine
			t.Errorf("%.20s took %v", text, took)
		}
	}
}

func TestNewScope_undeclaredTypesAreUnchecked(t *testing.T) {
	c, problems := NewScope([]*event.Type{nil}).Condition(`data.anything.at == 1 and data.name == "x"`)
	if problems != nil {
		t.Fatal(problems)
	}
	e, _ := event.Decode([]byte(`{"event":"other","data":{"anything":{"at":1},"name":5}}`))
	got, reason := c.Eval(NewEnv(&e, nil, noon))
	if got != Undecided || reason != `data.name == "x" compares the number 5 with the text "x"` {
		t.Errorf("%s (%s)", got, reason)
	}
}

func TestCondition_Eval_isBounded(t *testing.T) {
	list := "[" + strings.Repeat(`"aaaaaaaaaaaaaaaa",`, 50_000) + `"b"]`
	data := `{"tags":` + list + `,"quizName":"` + strings.Repeat("x", 100_000) + `","free":"` + strings.Repeat("y", 100_000) + `"}`
	for _, text := range []string{
		`let a = [data.quizName, data.quizName, data.quizName, data.quizName]; let b = [a, a, a, a, a, a, a, a]; let c = [b, b, b, b, b, b, b, b]; len(toJSON(c)) < 0`,
		`len(flatten([data.tags, data.tags, [data.tags, [data.tags, [data.tags, [data.tags]]]]])) < 0`,
		`any(1..200, toJSON(data.tags) == "b")`,
		`any(1..2000, data.free[#] == "b")`,
		`data.quizName matches "^(\\w+\\s?){1,100}$" and data.quizName matches "(a?){300}b"`,
		`len(replace(data.quizName, "x", data.quizName)) > 0`,
		`len(join(data.tags, data.quizName)) > 0`,
		`len(uniq(data.tags)) > 0`,
		`len(1..99999999) > 0`,
		`any(data.tags, len(replace(data.quizName, "x", "yy")) == 0)`,
	} {
		start := time.Now()
		got, reason := condition(t, text).Eval(env(t, data))
		if got == True || reason == "" {
			t.Errorf("%s is %s", text, got)
		}
		if took := time.Since(start); took > 10*time.Second { // runaway, on any machine
			t.Errorf("%s took %v", text, took)
		}
	}
}
