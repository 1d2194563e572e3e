package lint

import "testing"

func TestSameSides_findsAComparisonWithItself(t *testing.T) {
	expectHints(t, scopeOf(quiz), Condition, map[string]string{
		`data.score == data.score`:   "compare with another field",
		`data.score < data.maxScore`: "",
	})
}
