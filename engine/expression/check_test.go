package expression

import (
	"strings"
	"testing"

	"heed/engine/event"
)

// A hint must not lead to a rule of another meaning.
func TestCheck_hintsKeepTheMeaning(t *testing.T) {
	quiz, deal := []*event.Type{event.Standard().Lookup("quiz.submitted")}, []*event.Type{nil}
	for _, test := range []struct {
		types               []*event.Type
		text, at, code, say string
		hint                string
	}{
		{quiz, `previous.score < data.score`, "previous", "unknown-name", "not those before it", nothingInstead},
		{quiz, `count("quiz.submitted") > 3`, `"`, "type-mismatch", "count takes a list", "give the rule a count: {at_least: 3"},
		{quiz, `count(events) > 3`, "events", "unknown-name", "not those before it", severalEvents},
		{quiz, `last.score > 3`, "score", "unknown-field", "a function has no field", "a function is called with brackets"},
		{deal, `data.user.first-name == "x"`, "name", "unknown-name", "unknown name name", `write data["first-name"] for a field with a dash`},
		{quiz, `countif(data.score) > 3`, "countif", "unknown-name", "not those before it", severalEvents},
		{quiz, `manager.email == "x"`, "manager", "unknown-name", "unknown name manager", "known here: event"},
		{quiz, `quiz.score < 70`, "quiz", "unknown-name", "unknown name quiz", "write data.score"},
		{quiz, `quiz.submitted == event`, "quiz", "unknown-name", "unknown name quiz", `event == "quiz.submitted"`},
		{quiz, `data.score / data.maxScore < 70%`, "%", "syntax", "a percent sign", "0.7 for a share"},
		{quiz, `data.score between 60 and 70`, "between", "syntax", "between does not exist", "write 60 <= data.score and data.score <= 70"},
		{quiz, `now.Before(receivedAt)`, "Before", "forbidden-function", "Before()", "times are compared with < and >"},
		{quiz, `data.score`, "data.score", "not-boolean", "a number", "compare it: data.score == …, or data.score != nil for any value"},
		{quiz, `data.score % 10 == 0`, "%", "type-mismatch", "% is for whole numbers", "write int(data.score) % 10"},
		{quiz, `data.score < 70 # low`, "#", "syntax", "# starts no comment", "on a line of its own above the key"},
		{quiz, `data.score &lt; 70`, "&lt;", "syntax", "HTML", "write the sign itself"},
	} {
		c, problems := NewScope(test.types).Condition(test.text)
		if c != nil || len(problems) != 1 {
			t.Errorf("%s has the problems %+v, want one", test.text, problems)
			continue
		}
		f := problems[0]
		at := string([]rune(test.text)[f.From:f.To])
		if at != test.at || f.Code != test.code || !strings.Contains(f.Message, test.say) || !strings.Contains(f.Hint, test.hint) {
			t.Errorf("%s\n got %q %s: %s (%s)\nwant %q %s: %s (%s)", test.text, at, f.Code, f.Message, f.Hint, test.at,
				test.code, test.say, test.hint)
		}
	}
}

func TestCheck_leavesSubtractionsAlone(t *testing.T) {
	loose, quiz := NewScope([]*event.Type{nil}), NewScope([]*event.Type{wide})
	for text, scope := range map[string]*Scope{
		`let x = 1; data.score-x > 2`: loose, `data.at-now < days(1)`: loose, `data.a-len(data.b) > 1`: loose, `data.maxScore-data.score > 2`: quiz, `data.score-1 > 2`: quiz, `data.score < 70 // not data.first-name`: quiz, `data.a < 70 /* data.a-b */`: loose,
	} {
		if c, problems := scope.Condition(text); c == nil {
			t.Errorf("%s: %+v", text, problems)
		}
	}
	if _, problems := quiz.Condition(`data.maxScore-score > 2`); len(problems) != 1 || problems[0].Hint != "an event's fields are in data: write data.score" {
		t.Errorf("%+v", problems)
	}
}

// An expression that can be parsed has its own mistakes: what looks foreign
// elsewhere in it is none.
func TestCheck_whatLooksForeignDoesNotHideAMistake(t *testing.T) {
	for text, want := range map[string]string{
		`data.scor < 70 and data.quizName matches "x" and any(data.tags, {# in ["a"]}) and len(data.quizId[0:1]) > 1`: "unknown-field",
		`data.scor < 70 and (data.score - 1 - 1) > 2026-01-31`:                                                        "unknown-field",
		`data.extra.size > 3 and data.scor < 70`:                                                                      "unknown-field",
		`data.extra.length == 3 and data.passed == "x"`:                                                               "type-mismatch",
	} {
		c, problems := NewScope([]*event.Type{wide}).Condition(text)
		if c != nil || len(problems) != 1 || problems[0].Code != want {
			t.Errorf("%s\n got %+v\nwant one %s", text, problems, want)
		}
	}
}

func TestCheck_unknownTimeZoneIsAnError(t *testing.T) {
	for _, call := range []string{`hour(now, ZONE) > 2`, `weekday(now, ZONE) == "Monday"`, `format(now, "15:04", ZONE) > "17:00"`} {
		for zone, known := range map[string]bool{
			"Berlin": false, "europe/berlinn": false, "CET+1": false, "": false, "Local": false,
			"UTC": true, "Europe/Berlin": true, "Asia/Kolkata": true, "CET": true, "Etc/GMT+1": true,
		} {
			text := strings.ReplaceAll(call, "ZONE", `"`+zone+`"`)
			c, problems := NewScope([]*event.Type{wide}).Condition(text)
			if known != (c != nil) || !known && (len(problems) != 1 || problems[0].Code != "bad-zone" || problems[0].Hint != badZone.Hint) {
				t.Errorf("%s: %+v", text, problems)
			}
		}
	}
}

func TestScope_TakeClockUse_resetsIt(t *testing.T) {
	for text, want := range map[string][2]bool{
		`data.at > now - days(1)`: {true, false}, `receivedAt > data.at`: {false, true}, `data.quizName == "now"`: {}, `data.score < 70`: {},
	} {
		s := NewScope([]*event.Type{wide})
		s.Condition(text)
		if now, receivedAt := s.TakeClockUse(); [2]bool{now, receivedAt} != want {
			t.Errorf("%s uses now: %v, receivedAt: %v, want %v", text, now, receivedAt, want)
		}
		if now, receivedAt := s.TakeClockUse(); now || receivedAt {
			t.Errorf("%s says so twice", text)
		}
	}
}
