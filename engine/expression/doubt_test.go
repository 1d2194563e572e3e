package expression

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"heed/engine/event"
)

// What is sound stays without a word: a warning that is wrong teaches people
// not to read warnings.
func TestSoundConditionsRaiseNoDoubt(t *testing.T) {
	for _, text := range []string{
		`format(data.at, "04:05", "UTC") == "10:30"`,
		`format(data.at, "2006-01-02T15:04:05-07:00", "UTC") startsWith "2026"`,
		`format(data.at, "2006-01-02T15:04:05Z07:00", "UTC") startsWith "2026"`,
		`format(data.at, "Mon 2 Jan", "UTC") == "Fri 27 Feb"`,
		`format(data.at, "Monday, 15:04", "UTC") == "Tuesday, 09:00"`,
		`format(data.at, "15:04", "UTC") < "24:00"`,
		`format(data.at, "15:04", "UTC") >= "09"`,
		`format(data.at, "2006-01-02", "UTC") startsWith "2026-03"`,
		`format(data.at, "2006-01-02", "UTC") >= "2026-03"`,
		`format(data.at, "2006-01-02", "UTC") endsWith "-01"`,
		`weekday(data.at, "UTC") startsWith "S"`,
		`weekday(data.at, "UTC") endsWith "day"`,
		`weekday(data.at, "UTC") < "N"`,
		`upper(data.quizName) < "a"`,
		`data.at == date("2026-03-02")`,
		`data.quizName in ["Discovery, part 1", "Discovery, part 2"]`,
		`data.quizName matches "^/paths/(a|b)/x$"`,
		`data.quizName matches "/paths/intro"`,
		`data.quizName matches "/a/b"`,
		`data.quizName matches "100%$"`,
		`data.quizName matches "^%d"`,
		`data.quizName contains "100%"`,
		`data.quizName endsWith "50 %"`,
		`data.quizName startsWith "*"`,
		`data.quizName endsWith "**"`,
		`data.quizName == "a * b"`,
		`"ä" != data.quizName and data.quizName != "äöü 1.000"`,
		`len(data) > 0`,
		`"score" in data and data.score < 70`,
		`"score" in data or data.passed`,
		`data.score > 9007199254740992 and data.score < 9007199254740994`,
		`data.score > 0.1 and data.score < 0.10000000000000003`,
		`data.score == 9007199254740993 and data.score != 9007199254740992`,
		`data.score != 9007199254740992 or data.score == 9007199254740993`,
	} {
		if c, faults := NewScope([]*event.Type{wide}).Condition(text); c == nil || len(faults) > 0 {
			t.Errorf("%s\n%+v", text, faults)
		}
	}
	loose := []string{
		`event startsWith "quiz." and event contains "submit"`, `event != "quiz.submitted"`, `event > "m" and event < "q"`, `event == "a" or event == "b"`,
		`len(data) > 0 and data.x == 1`,
	}
	for _, text := range loose {
		if c, faults := NewScope([]*event.Type{nil}).Condition(text); c == nil || len(faults) > 0 {
			t.Errorf("%s, of any type\n%+v", text, faults)
		}
	}
}

// Whether a condition can change is found by trying; that must not take longer
// for conditions that are made to take long.
func TestTryingOutAConditionIsBounded(t *testing.T) {
	fields := []event.Field{{Name: "s", Kind: event.Number}, {Name: "m", Kind: event.Number}}
	for i := range 7 {
		fields = append(fields, event.Field{Name: fmt.Sprintf("b%d", i), Kind: event.Bool})
	}
	scope := NewScope([]*event.Type{{Name: "a", Fields: fields}})
	nested := func(first string, next func(i int) string) string {
		text := first
		for i := 1; i < 90; i++ {
			text = "(" + text + ") " + []string{"or", "and"}[i%2] + " " + next(i)
		}
		return text
	}
	compile := func(text string) time.Duration {
		start := time.Now()
		if c, faults := scope.Condition(text); c == nil {
			t.Fatal(faults)
		}
		return time.Since(start)
	}
	plain := compile(strings.Repeat("data.s + ", 100) + "data.s > 1")
	for name, text := range map[string]string{
		"booleans": nested("data.b0", func(i int) string { return fmt.Sprintf("data.b%d", i%7) }),
		"numbers":  nested("data.s == 0", func(i int) string { return fmt.Sprintf("data.%s != %d", []string{"m", "s"}[i%2], i%15) }),
		"opaque":   nested("data.s > data.m", func(i int) string { return fmt.Sprintf("data.s > data.m + %d", i%10) }),
	} {
		took := min(compile(text), compile(text))
		t.Logf("%s: %v, a sum of as many parts %v", name, took, plain)
		if took > 10*time.Second { // runaway, on any machine
			t.Errorf("%s took %v", name, took)
		}
	}
}

// An expression that can be read and has a fault is told its fault: what only
// looks like another language's habit elsewhere in it is none.
func TestWhatLooksLikeAHabitDoesNotHideAFault(t *testing.T) {
	for text, want := range map[string]string{
		`data.scor < 70 and data.quizName matches "x" and any(data.tags, {# in ["a"]}) and len(data.quizId[0:1]) > 1`: "unknown-field",
		`data.scor < 70 and (data.score - 1 - 1) > 2026-01-31`:                                                        "unknown-field",
		`data.extra.size > 3 and data.scor < 70`:                                                                      "unknown-field",
		`data.extra.length == 3 and data.passed == "x"`:                                                               "type-mismatch",
	} {
		c, faults := NewScope([]*event.Type{wide}).Condition(text)
		if c != nil || len(faults) != 1 || faults[0].Code != want {
			t.Errorf("%s\n got %+v\nwant one %s", text, faults, want)
		}
	}
}
