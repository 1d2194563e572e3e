package lint

import "testing"

func TestIdleSubstitute_findsSubstitutesOfLiterals(t *testing.T) {
	expectHints(t, scopeOf(quiz), Condition, map[string]string{
		`data.score < 70 ?? 0`:   "put the substitute after the field",
		`(data.score ?? 0) < 70`: "",
	})
}
