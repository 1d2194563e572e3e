package lint

import "testing"

func TestLookupKey_isAValueOfTheColumn(t *testing.T) {
	expectHints(t, scopeOf(quiz), Value, map[string]string{
		`lookup("managers", "userId").email`:    "write data.userId, without quotes",
		`lookup("managers", "email").email`:     "",
		`lookup("managers", data.userId).email`: "",
	})
}
