package lint

import "testing"

func TestWildcard_saysWhatToWriteInstead(t *testing.T) {
	expectHints(t, scopeOf(quiz), Condition, map[string]string{
		`data.quizName == "call*"`:        `write contains "call"`,
		`data.quizName contains "%call%"`: `write contains "call"`,
		`data.quizName matches "%call%"`:  "remove it",
		`data.quizName matches "/call/i"`: `write matches "call"`,
		`data.quizName in ["a, b"]`:       "each text of a list",
		`data.quizName == "100%"`:         "",
	})
}
