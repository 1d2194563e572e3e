package lint

import "testing"

func TestNeverEqual_findsTextsThatAFunctionNeverGives(t *testing.T) {
	expectHints(t, scopeOf(quiz), Condition, map[string]string{
		`upper(data.quizName) == "Call"`:                   `write "CALL"`,
		`lower(data.quizName) contains "Call"`:             `write "call"`,
		`weekday(now, "UTC") == "Mon"`:                     "write the whole name",
		`weekday(now, "UTC") in ["Monday", "sunday"]`:      "write the whole name",
		`weekday(now, "UTC") == ""`:                        "write the whole name",
		`format(now, "2 Jan 2006", "UTC") == "2026-01-31"`: `it gives texts such as "7 Mar 2026"`,
		`format(now, "15:04", "UTC") > "9:00"`:             `it gives texts such as "09:05"`,
		`format(now, "15:04", "UTC") > "09:00"`:            "",
		`lower(data.quizName) == "call"`:                   "",
	})
}
