package lint

import "testing"

func TestExactlyNow_hintsAtDays(t *testing.T) {
	expectHints(t, scopeOf(quiz), Condition, map[string]string{
		`data.at == now`:    "compare days as texts",
		`now != receivedAt`: "compare days as texts",
		`data.at < now`:     "",
	})
}
