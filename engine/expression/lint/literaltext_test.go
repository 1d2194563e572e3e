package lint

import "testing"

func TestLiteralText_findsHolesOfOtherLanguages(t *testing.T) {
	for text, want := range map[string]string{
		"Hi { data.userId }!":           "{ data.userId }",
		"Hi ${userId}!":                 "${userId}",
		"/users/:userId/x":              ":userId",
		"{% if x %}data.score{% end %}": "{% if x %}",
		"ä data.score":                  "data.score",
		"{{ data.score }}":              "",
		"{x} :y data.nothing":           "",
	} {
		checked, problems := scopeOf(quiz).CheckTemplate(text)
		if checked == nil {
			t.Fatalf("%s: %+v", text, problems)
		}
		problems = Template(checked, false)
		if want == "" && len(problems) == 0 {
			continue
		}
		if len(problems) == 0 || string([]rune(text)[problems[0].From:problems[0].To]) != want {
			t.Errorf("%s: %+v, want %s", text, problems, want)
		}
	}
}
