package email_test

import (
	"strings"
	"testing"

	"heed/actions/actiontest"
)

func TestHeaders_areThoseOfTheConfiguration(t *testing.T) {
	s := (&server{}).start(t)
	a := actiontest.MustCompile(t,
		s.rule(`, headers: {x-team: Förderung, Auto-Submitted: "no", Precedence: list}`, simple))
	if got := a.Send(t, `{}`); !isDone(got) {
		t.Fatalf("%+v", got)
	}
	got := headers(t, s.only(t))
	for name, want := range map[string]string{"X-Team": "Förderung", "Auto-Submitted": "no", "Precedence": "list"} {
		if len(got[name]) != 1 || got[name][0] != want {
			t.Errorf("%s is %q", name, got[name])
		}
	}
}

func TestHeaders_eachMistakeIsReported(t *testing.T) {
	for more, want := range map[string]string{
		`{X-Team: a}`:                `"no problems"`,
		`{"a b": x}`:                 `"a b" is not a name for a header [bad-header] (write letters, digits and hyphens, such as X-Team)`,
		`{bcc: a@example.com}`:       `the header Bcc is set by heed itself [bad-header] (leave it out)`,
		`{content-type: text/plain}`: `the header Content-Type is set by heed itself [bad-header] (leave it out)`,
		`{X-Team: }`:                 `the header X-Team of the email action act must be a text, not empty [wrong-type]`,
		`{X-Team: "{{ x }}"}`:        `the header X-Team of the email action act is fixed: it cannot hold a template [template-not-allowed]`,
		`{X-Team: "a\r\nBcc: b"}`:    `the header X-Team of the email action act holds a line break or control character [bad-header]`,
		`{x-team: a, X-Team: b}`:     `the header X-Team is given twice [duplicate-key]`,
	} {
		got := actiontest.Lines(actiontest.Compile(t,
			rule(`email: {smtp: "mail.example.com:587", from: heed@example.com, headers: `+more+`}`, ``)).Problems)
		if got == "" {
			got = `"no problems"`
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s:\n%s", more, got)
		}
	}
}
