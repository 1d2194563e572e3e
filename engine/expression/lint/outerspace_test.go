package lint

import "testing"

func TestOuterSpace_namesTheTextWithoutIt(t *testing.T) {
	expectHints(t, scopeOf(quiz), Condition, map[string]string{
		`data.quizName == " a"`:        `write "a"`,
		`data.quizName in ["a", "b "]`: `write "b"`,
		`data.quizName == " "`:         "",
		`data.quizName contains "a "`:  "",
	})
}
