package lint

import "testing"

func TestPercentScale_multipliesTheShare(t *testing.T) {
	expectHints(t, scopeOf(quiz), Condition, map[string]string{
		`percent(data.score, data.maxScore) < 0.7`: "write 70",
		`percent(data.score, data.maxScore) < 70`:  "",
		`data.score / data.maxScore < 0.7`:         "",
	})
}
