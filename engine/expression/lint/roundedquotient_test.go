package lint

import "testing"

func TestRoundedQuotient_multipliesFirst(t *testing.T) {
	expectHints(t, scopeOf(quiz), Condition, map[string]string{
		`data.score / data.maxScore * 100 >= 57`:   "multiply first",
		`57 <= 100 * (data.score / data.maxScore)`: "multiply first",
		`data.score * 100 / data.maxScore >= 57`:   "",
		`percent(data.score, data.maxScore) >= 57`: "",
		`data.score / data.maxScore >= 0.57`:       "",
	})
}
