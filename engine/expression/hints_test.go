package expression

import (
	"strings"
	"testing"

	"heed/engine/event"
)

// A hint must not lead to a rule of another meaning.
func TestCondition_hintsKeepTheMeaning(t *testing.T) {
	quiz, deal := []*event.Type{event.Standard().Lookup("quiz.submitted")}, []*event.Type{nil}
	for _, test := range []struct {
		types               []*event.Type
		text, at, code, say string
		hint                string
	}{
		{quiz, `previous.score < data.score`, "previous", "unknown-name", "none that came before it", nothingInstead},
		{quiz, `count(quiz.submitted) > 3`, "quiz.submitted", "unknown-name", "heed counts no events", nothingInstead},
		{quiz, `count("quiz.submitted") > 3`, `"quiz.submitted"`, "unknown-name", "heed counts no events", nothingInstead},
		{quiz, `count(events) > 3`, "events", "unknown-name", "heed counts no events", nothingInstead},
		{quiz, `last.score > 3`, "score", "unknown-field", "a function has no field", "a function is called with brackets"},
		{deal, `data.user.first-name == "x"`, "first-name", "unknown-field", "data.user.first-name is read as", `write data.user["first-name"]`},
		{quiz, `countif(data.score) > 3`, "countif", "unknown-name", "counts no others", nothingInstead},
		{quiz, `not data.passed 3 times`, "times", "syntax", "counts no others", nothingInstead},
		{quiz, `manager.email == "x"`, "manager", "unknown-name", "there is no manager", "known here: event"},
		{quiz, `quiz.score < 70`, "quiz", "unknown-name", "there is no quiz", "write data.score"},
		{quiz, `quiz.submitted == event`, "quiz", "unknown-name", "there is no quiz", `event == "quiz.submitted"`},
		{quiz, `data.score / data.maxScore < 70%`, "%", "syntax", "a percent sign", "0.7 for a share"},
		{quiz, `data.score between 60 and 70`, "between", "syntax", "between does not exist", "write 60 <= data.score and data.score <= 70"},
		{quiz, `now.Before(receivedAt)`, "Before", "forbidden-function", "Before()", "write now < receivedAt"},
		{quiz, `data.score`, "data.score", "not-boolean", "a number", "compare it: data.score == …, or data.score != nil for any value"},
		{quiz, `data.first-name == "x"`, "first-name", "unknown-field", "has no field first-name", "it has userId"},
		{deal, `data.first-name == "x"`, "first-name", "unknown-field", "subtraction", `write data["first-name"]`},
		{quiz, `data.score % 10 == 0`, "%", "type-mismatch", "% is for whole numbers", "write int(data.score) % 10"},
		{quiz, `data.score | float < 70`, "float", "syntax", "no brackets", "write float(data.score)"},
		{quiz, `data.score < 70 # low`, "#", "syntax", "# starts no comment", "on a line of its own above the key"},
		{quiz, `IF(data.score < 70, data.passed)`, "IF", "syntax", "IF(…) is a spreadsheet's", "write condition ? value : otherwise; in when: only the condition"},
	} {
		c, faults := NewScope(test.types).Condition(test.text)
		if c != nil || len(faults) != 1 {
			t.Errorf("%s has the faults %+v, want one", test.text, faults)
			continue
		}
		f := faults[0]
		at := string([]rune(test.text)[f.From:f.To])
		if at != test.at || f.Code != test.code || !strings.Contains(f.Message, test.say) || !strings.Contains(f.Hint, test.hint) {
			t.Errorf("%s\n got %q %s: %s (%s)\nwant %q %s: %s (%s)", test.text, at, f.Code, f.Message, f.Hint, test.at, test.code, test.say, test.hint)
		}
	}
}

func TestCondition_leavesSubtractionsAlone(t *testing.T) {
	loose, quiz := NewScope([]*event.Type{nil}), NewScope([]*event.Type{wide})
	for text, scope := range map[string]*Scope{
		`let x = 1; data.score-x > 2`: loose, `data.at-now < days(1)`: loose, `data.a-len(data.b) > 1`: loose, `data.maxScore-data.score > 2`: quiz, `data.score-1 > 2`: quiz, `data.score < 70 // not data.first-name`: quiz, `data.a < 70 /* data.a-b */`: loose,
	} {
		if c, faults := scope.Condition(text); c == nil {
			t.Errorf("%s: %+v", text, faults)
		}
	}
	if _, faults := quiz.Condition(`data.maxScore-score > 2`); len(faults) != 1 || faults[0].Hint != "an event's fields stand in data: write data.score" {
		t.Errorf("%+v", faults)
	}
}
