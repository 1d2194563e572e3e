package lint

import "testing"

func TestEmptyChoice_findsWhatHoldsNothing(t *testing.T) {
	expectHints(t, scopeOf(quiz), Condition, map[string]string{
		`data.quizName in []`:       "write the values",
		`data.score in 70..60`:      "the smaller number comes first: 60..70",
		`data.score in 60..70`:      "",
		`data.quizName contains ""`: "write the text to look for",
	})
}
