package lint

import "testing"

func TestEmptyCell_isAskedForByNil(t *testing.T) {
	expectHints(t, scopeOf(quiz), Value, map[string]string{
		`lookup("managers", data.userId).email == ""`: `write lookup("managers", data.userId).email == nil`,

		`"" == user.email`:         "write user.email == nil",
		`user.email != ""`:         "",
		`(user.email ?? "") == ""`: "",
		`data.quizName == ""`:      "",
		`user.email == user.role`:  "",
	})
}
