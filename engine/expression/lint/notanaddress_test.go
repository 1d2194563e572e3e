package lint

import (
	"testing"

	"heed/engine/event"
)

func TestNotAnAddress_findsIdsTitlesAndRoles(t *testing.T) {
	expectHints(t, scopeOf(quiz), Address, map[string]string{
		`data.userId`:                  "write user.email",
		` data.userId `:                "write user.email",
		`user.role`:                    "write user.email",
		`user.teamId`:                  "write user.email",
		`"Nora"`:                       `write one, such as "nora@example.com"`,
		`user.email`:                   "",
		`data.free`:                    "",
		`"nora@example.com"`:           "",
		`data.userId + "@example.com"`: "",
		`user.email ?? data.userId`:    "",
	})
	expectHints(t, scopeOf(event.Standard().Lookup("user.provisioned")), Address, map[string]string{
		`data.userId`: "write data.email", `data.email`: "",
	})
	own := &event.Type{Name: "deal.won", Fields: []event.Field{{Name: "userId", Kind: event.Text}}}
	expectHints(t, scopeOf(own), Address, map[string]string{`data.userId`: ""})
}

func TestTemplate_oneHoleIsAnAddress(t *testing.T) {
	for text, want := range map[string]int{
		" {{ data.userId }} ": 1, "{{ data.userId }}@example.com": 0, "hi {{ mention(data.userId) }}": 1,
	} {
		checked, problems := scopeOf(quiz).CheckMentionTemplate(text)
		if checked == nil {
			t.Fatal(problems)
		}
		problems = Template(checked, true)
		if len(problems) != want || want == 1 && problems[0].To-problems[0].From != len("data.userId") {
			t.Errorf("%s: %+v", text, problems)
		}
	}
}
