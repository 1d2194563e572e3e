package email_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/actions/actiontest"
)

const ok = `email: {smtp: "smtp://mail.example.com:587", from: a@example.com}`

func TestEachMistakeIsReportedAtItsPlace(t *testing.T) {
	server := func(smtp, more string) string { return `email: {from: a@b.c, smtp: "` + smtp + `"` + more + `}` }
	noServer := `config:1:28: error: smtp of the email action act is not a server [bad-url] (write smtp: smtp://mail.example.com:587; username and password have keys of their own)`
	private := func(host string) string {
		return `config:1:28: error: smtp of the email action act: ` + host + ` is a loopback, link-local or private address; set allow_private: true for the action if it really lives there [private-address] (add allow_private: true)`
	}
	for name, c := range map[string]struct{ config, step, want string }{
		"nothing":            {`email: {}`, ``, "config:1:8: error: the email action act has no smtp [missing-key]\nconfig:1:8: error: the email action act has no from [missing-key]"},
		"no scheme":          {server("mail.example.com:587", ""), ``, ``},
		"no port":            {server("smtps://mail.example.com/", ""), ``, ``},
		"IPv6":               {server("smtp://[2606:4700::1111]:25", ""), ``, ``},
		"other scheme":       {server("http://mail.example.com", ""), ``, noServer},
		"no host":            {server("smtp://:587", ""), ``, noServer},
		"port a word":        {server("smtp://mail.example.com:smtp", ""), ``, noServer},
		"port 0":             {server("smtp://mail.example.com:0", ""), ``, noServer},
		"port too high":      {server("smtp://mail.example.com:65536", ""), ``, noServer},
		"a path":             {server("smtp://mail.example.com/x", ""), ``, noServer},
		"a query":            {server("smtp://mail.example.com?x=1", ""), ``, noServer},
		"a password":         {server("smtp://user:password@mail.example.com", ""), ``, noServer},
		"a template":         {server("smtp://{{ data.userId }}.example.com", ""), ``, noServer},
		"a space":            {server("smtp://mail example.com", ""), ``, noServer},
		"an object":          {`email: {from: a@b.c, smtp: {env: X}}`, ``, noServer},
		"loopback":           {server("smtp://127.0.0.1:25", ""), ``, private("127.0.0.1")},
		"localhost":          {server("smtp://localhost", ""), ``, private("localhost")},
		"loopback IPv6":      {server("smtp://[::1]:25", ""), ``, private("::1")},
		"loopback allowed":   {server("smtp://127.0.0.1:25", ", allow_private: true"), ``, ``},
		"odd tls":            {server("smtp://mail.example.com", ", tls: yes"), ``, `config:1:60: error: tls of the email action act cannot be yes [wrong-type] (write starttls (the usual), implicit (port 465) or none)`},
		"smtps and starttls": {server("smtps://mail.example.com", ", tls: starttls"), ``, `config:1:61: error: tls of the email action act is starttls, but smtps:// means TLS from the first byte [wrong-type] (leave tls out, or write smtp:// in front of the server)`},
		"smtps and implicit": {server("smtps://mail.example.com", ", tls: implicit"), ``, ``},
		"username alone":     {server("mail.example.com", ", username: a"), ``, `config:1:8: error: the email action act needs both username and password, or neither [missing-key] (write username: {env: SMTP_USERNAME} and password: {env: SMTP_PASSWORD})`},
		"password alone":     {server("mail.example.com", ", password: {env: PASSWORD}"), ``, `config:1:8: error: the email action act needs both username and password, or neither [missing-key] (write username: {env: SMTP_USERNAME} and password: {env: SMTP_PASSWORD})`},
		"plain password":     {server("mail.example.com", ", username: a, password: b"), ``, `config:1:71: warning: password of the email action act stands in the rule file as plain text [plain-secret] (write password: {env: NAME} or {file: PATH})`},
		"unencrypted":        {server("mail.example.com", ", tls: none, username: a, password: {env: PASSWORD}"), ``, `config:1:53: error: the email action act would send its password unencrypted [plain-password] (write tls: starttls)`},
		"from nobody":        {`email: {smtp: mail.example.com, from: Enablement}`, ``, `config:1:39: error: from of the email action act is not an e-mail address [bad-address] (write from: "Enablement <enablement@example.com>")`},
		"from two":           {`email: {smtp: mail.example.com, from: "a@b.c, d@e.f"}`, ``, `config:1:39: error: from of the email action act is not an e-mail address [bad-address] (write from: "Enablement <enablement@example.com>")`},
		"unknown key":        {`email: {smtp: mail.example.com, from: a@b.c, user: a}`, ``, `config:1:46: error: the email action act has no key user [unknown-key]`},

		"step: nothing":         {ok, `{}`, "step:1:1: error: the email action act has neither text nor html [missing-key]\nstep:1:1: error: the email action act has no to [missing-key]\nstep:1:1: error: the email action act has no subject [missing-key] (write subject: and what the e-mail is about)"},
		"step: to nobody":       {ok, `{to: [], subject: a, text: a}`, `step:1:6: error: to of the email action act must be an address or a list of them, not an empty list [wrong-type]`},
		"step: to an object":    {ok, `{to: {a: b}, subject: a, text: a}`, `step:1:6: error: to of the email action act must be an address or a list of them, not an object [wrong-type]`},
		"step: bad address":     {ok, `{to: [a@b.c, nobody], subject: a, text: a}`, `step:1:14: error: to of the email action act: "nobody" is not an e-mail address [bad-address] (write one address for each entry, such as coach@example.com)`},
		"step: two in one":      {ok, `{to: "a@b.c, d@e.f", subject: a, text: a}`, `step:1:6: error: to of the email action act: "a@b.c, d@e.f" is not an e-mail address [bad-address] (write a list: [a@example.com, b@example.com])`},
		"step: bad cc":          {ok, `{to: a@b.c, cc: x, subject: a, text: a}`, `step:1:17: error: cc of the email action act: "x" is not an e-mail address [bad-address] (write one address for each entry, such as coach@example.com)`},
		"step: reply to two":    {ok, `{to: a@b.c, reply_to: [a@b.c, d@e.f], subject: a, text: a}`, `step:1:23: error: reply_to of the email action act takes one address [wrong-type]`},
		"step: unknown field":   {ok, "to: a@b.c\nsubject: a\ntext: |\n  Hello\n  {{ data.scor }}", `step:5:11: error: quiz.submitted has no field scor [unknown-field]`},
		"step: unknown in html": {ok, `{to: a@b.c, subject: a, html: "<b>{{ data.scor }}</b>"}`, `step:1:43: error: quiz.submitted has no field scor [unknown-field]`},
		"step: unknown key":     {ok, `{to: a@b.c, subjet: a, text: a}`, "step:1:13: error: the email action act has no key subjet [unknown-key] (did you mean subject?)"},
		"step: everything":      {ok, `{to: ["{{ data.userId }}@example.com", "A B <a@b.c>"], cc: "{{ data.email }}", reply_to: a@b.c, subject: a, text: a, html: a}`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Split(strings.TrimSuffix(actiontest.Lines(actiontest.Compile(t, rule(c.config, c.step)).Problems),
				"\n"), "\n")
			want := strings.Split(c.want, "\n")
			for i := range min(len(got), len(want)) { // hints of suggestions are theirs
				if !strings.HasSuffix(want[i], ")") {
					got[i], _, _ = strings.Cut(got[i], " (")
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
