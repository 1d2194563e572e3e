package email_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heed/actions"
	"heed/actions/actiontest"
)

// isDone says whether a mail was sent without any remark.
func isDone(o actions.Outcome) bool { return o.Verdict == actions.Done && o.Error == "" }

// headers are a mail's, decoded, without those that differ each time.
func headers(t rapid.TB, m received) map[string][]string {
	decoded := map[string][]string{}
	for name, values := range m.Header {
		if name == "Date" || name == "Content-Type" || name == "Content-Transfer-Encoding" {
			continue
		}
		for _, value := range values {
			text, err := new(mime.WordDecoder).DecodeHeader(value)
			if err != nil {
				t.Fatalf("%s: %q: %v", name, value, err)
			}
			decoded[name] = append(decoded[name], text)
		}
	}
	return decoded
}

// parts are a mail's texts by their media type.
func parts(t rapid.TB, header func(string) string, body io.Reader) map[string]string {
	media, params, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		t.Fatalf("%s: %v", header("Content-Type"), err)
	}
	if !strings.HasPrefix(media, "multipart/") {
		if header("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(body)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatalf("%v", err)
		}
		// The end of the message is a line break in any case.
		return map[string]string{media: strings.TrimSuffix(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")}
	}
	all := map[string]string{}
	for reader := multipart.NewReader(body, params["boundary"]); ; {
		part, err := reader.NextRawPart()
		if err == io.EOF {
			return all
		} else if err != nil {
			t.Fatalf("%v", err)
		}
		maps.Copy(all, parts(t, part.Header.Get, part))
	}
}

func TestAMailArrivesAsItWasRendered(t *testing.T) {
	for name, c := range map[string]struct {
		step    string
		headers map[string][]string
		to      []string
		parts   map[string]string
	}{
		"text": {
			`{to: coach@example.com, subject: "Low score: {{ data.quizName }}", text: "{{ data.userId }} got {{ data.score }}, {{ data.quizType }}\n.\n"}`,
			map[string][]string{"To": {"<coach@example.com>"}, "Subject": {"Low score: <b>Ä</b> & co"}},
			[]string{"coach@example.com"},
			map[string]string{"text/plain": "u1 got 61, n/a\n."},
		},
		"html": {
			`{to: ["Coach <coach@example.com>", "{{ data.userId }}@example.com"], cc: boss@example.com, reply_to: "{{ data.userId }}@example.com", subject: a, html: "<p>{{ data.quizName }}</p>"}`,
			map[string][]string{"To": {`"Coach" <coach@example.com>, <u1@example.com>`}, "Cc": {"<boss@example.com>"}, "Reply-To": {"<u1@example.com>"}, "Subject": {"a"}},
			[]string{"coach@example.com", "u1@example.com", "boss@example.com"},
			map[string]string{"text/html": "<p>&lt;b&gt;Ä&lt;/b&gt; &amp; co</p>"},
		},
		"both": {
			`{to: coach@example.com, subject: a, text: "{{ data.quizName }}", html: "<i>{{ data.quizName }}</i>"}`,
			map[string][]string{"To": {"<coach@example.com>"}, "Subject": {"a"}},
			[]string{"coach@example.com"},
			map[string]string{"text/plain": "<b>Ä</b> & co", "text/html": "<i>&lt;b&gt;Ä&lt;/b&gt; &amp; co</i>"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := (&server{}).start(t)
			if got := actiontest.MustCompile(t, s.rule("", c.step)).Send(t, `{"userId":"u1","score":61,"quizName":"<b>Ä</b> & co"}`); !isDone(got) {
				t.Fatalf("%+v", got)
			}
			m := s.only(t)
			c.headers["From"] = []string{`"Enablement" <enablement@example.com>`}
			c.headers["Message-Id"] = []string{"<" + actiontest.DeliveryID + "@example.com>"}
			c.headers["Auto-Submitted"] = []string{"auto-generated"}
			c.headers["Mime-Version"] = []string{"1.0"}
			if diff := cmp.Diff(c.headers, headers(t, m)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.parts, parts(t, m.Header.Get, m.Body)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.to, m.to); diff != "" || m.from != "enablement@example.com" {
				t.Errorf("from %s: %s", m.from, diff)
			}
			if !s.inTLS {
				t.Error("it was sent unencrypted")
			}
		})
	}
}

// Row 25.
func TestNoEventInjectsAHeaderOrARecipient(t *testing.T) {
	s := (&server{}).start(t)
	a := actiontest.MustCompile(t, s.rule("", `
to: [coach@example.com]
subject: "About {{ data.quizName }}"
text: "{{ data.quizName }}"
html: "<p>{{ data.quizName }}</p>"`))
	check := func(rt rapid.TB, value string) {
		data, _ := json.Marshal(map[string]string{"quizName": value})
		s.mu.Lock()
		s.mails = nil
		s.mu.Unlock()
		if got := a.Send(t, string(data)); !isDone(got) {
			rt.Fatalf("%q: %+v", value, got)
		}
		m := s.got()[0]
		h := headers(rt, m)
		if len(h) != 6 || len(h["Subject"]) != 1 || !strings.HasPrefix(h["Subject"][0], "About") || len(h["To"]) != 1 || len(m.to) != 1 || m.to[0] != "coach@example.com" {
			rt.Fatalf("%q: %v to %q", value, h, m.to)
		}
		if p := parts(rt, m.Header.Get, m.Body); len(p) != 2 && value != "" || strings.Contains(strings.TrimSuffix(strings.TrimPrefix(p["text/html"], "<p>"), "</p>"), "<") {
			rt.Fatalf("%q: %q", value, p)
		}
	}
	for _, value := range []string{
		"\r\nBcc: evil@example.com", "\nBcc: evil@example.com\n\nbody", "\rBcc: x", "a\r\n\r\nbody", "\r\n.\r\nMAIL FROM:<x@y.z>\r\n", ".", "..", "\x00", "=?utf-8?q?a=0D=0ABcc:_x?=",
		"<script>alert(1)</script>", `" onmouseover="x`, strings.Repeat("long ", 10_000), strings.Repeat("x", 50_000), strings.Repeat("ä", 50_000), "\u2028Bcc: x", "\u0085Bcc: x", "😀",
	} {
		check(t, value)
	}
	rapid.Check(t, func(rt *rapid.T) { check(rt, rapid.String().Draw(rt, "value")) })
}

func TestARecipientThatIsMissingOrNoAddressMakesTheMailImpossible(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{`null`, "data.email is missing"},
		{`""`, `"" is not an e-mail address`},
		{`"nobody"`, `"nobody" is not an e-mail address`},
		{`"a@b.c, d@e.f"`, "data.email holds what an e-mail address cannot"},
		{`"a@b.c;d@e.f"`, "data.email holds what an e-mail address cannot"},
		{`"a@b.c\r\nBcc: d@e.f"`, "data.email holds what an e-mail address cannot"},
		{`"a@b.c\u0000"`, "data.email holds what an e-mail address cannot"},
		{`"X <a@b.c>"`, "data.email holds what an e-mail address cannot"},
		{`"a@b.c d@e.f"`, `"a@b.c d@e.f" is not an e-mail address`},
		{`["a@b.c","d@e.f"]`, "data.email holds what an e-mail address cannot"},
	} {
		for _, step := range []string{
			`{to: "{{ data.email }}", subject: a, text: a}`,
			`{to: x@y.z, cc: [x@y.z, "{{ data.email }}"], subject: a, text: a}`,
			`{to: x@y.z, reply_to: "{{ data.email }}", subject: a, text: a}`,
		} {
			got, err := actiontest.MustCompile(t, rule(ok, step)).Render(t, `{"email":`+c.value+`}`)
			if err == nil || err.Error() != c.want {
				t.Errorf("%s: %s, %v", c.value, got, err)
			}
		}
	}
}

func TestAMailIsRenderedAsPeopleShouldSeeIt(t *testing.T) {
	a := actiontest.MustCompile(t, rule(ok, `{to: "{{ data.userId }}@example.com", subject: "{{ data.quizType }}\n", text: "a {{ data.quizType }}", html: "{{ data.quizName }}"}`))
	want := `{"from":"<a@example.com>","to":["u1@example.com"],"subject":"n/a","text":"a n/a","html":"&lt;b&gt;"}`
	if got := string(a.MustRender(t, `{"userId":"u1","quizName":"<b>"}`)); got != want {
		t.Errorf("%s", got)
	}
}

// Row 26 and 31: whatever goes wrong, the next attempt carries the same
// Message-ID.
func TestTheServersAnswerDecidesWhatBecomesOfAMail(t *testing.T) {
	temporary := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "try later"}
	permanent := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	drop := func(c *smtp.Conn, _ io.Reader) error { return c.Conn().Close() }
	refuse := func(err error) func(*smtp.Conn, io.Reader) error {
		return func(_ *smtp.Conn, r io.Reader) error { _, _ = io.ReadAll(r); return err }
	}
	for name, c := range map[string]struct {
		server  *server
		verdict actions.Verdict
		err     string
	}{
		"451 to the sender":    {&server{onMail: temporary}, actions.Retry, "4.3.0 try later"},
		"550 to the sender":    {&server{onMail: permanent}, actions.Dead, "5.1.1 no such user"},
		"451 to the recipient": {&server{onRcpt: map[string]error{"coach@example.com": temporary}}, actions.Retry, "4.3.0 try later"},
		"550 to the recipient": {&server{onRcpt: map[string]error{"coach@example.com": permanent}}, actions.Dead, "5.1.1 no such user"},
		"451 to the message":   {&server{onData: refuse(temporary)}, actions.Retry, "4.3.0 try later"},
		"550 to the message":   {&server{onData: refuse(permanent)}, actions.Dead, "5.1.1 no such user"},
		"drop inside DATA":     {&server{onData: drop}, actions.Retry, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.server.start(t)
			got := actiontest.MustCompile(t, s.rule("", simple)).Send(t, `{"userId":"`+strings.Repeat("x", 300_000)+`"}`)
			if got.Verdict != c.verdict || !strings.Contains(got.Error, c.err) || got.Error == "" {
				t.Errorf("%+v", got)
			}
			if len(s.got()) > 0 {
				t.Error("a mail arrived all the same")
			}
		})
	}
}

func TestADropAfterTheFinalDotIsRepeatedWithTheSameMessageID(t *testing.T) {
	drops := 1
	s := &server{}
	s.onData = func(c *smtp.Conn, r io.Reader) error {
		if drops--; drops < 0 {
			return nil
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		m, err := mail.ReadMessage(strings.NewReader(string(raw)))
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.mails = append(s.mails, received{raw: string(raw), Message: m})
		s.mu.Unlock()
		return c.Conn().Close()
	}
	a := actiontest.MustCompile(t, s.start(t).rule("", simple))
	first := a.Send(t, `{}`)
	second := a.Send(t, `{}`)
	if first.Verdict != actions.Retry || !isDone(second) {
		t.Errorf("%+v, then %+v", first, second)
	}
	got := s.got()
	if len(got) != 2 || got[0].Header.Get("Message-Id") != got[1].Header.Get("Message-Id") || got[0].Header.Get("Message-Id") == "" {
		t.Errorf("%d mails", len(got))
	}
}

// An edit of the configuration between two attempts does not change the
// Message-ID either.
func TestTheMessageIDHangsOnTheRecordedSender(t *testing.T) {
	s := (&server{}).start(t)
	before := actiontest.MustCompile(t, s.rule("", simple))
	edited := s.rule("", simple)
	edited.Config = strings.Replace(edited.Config, "enablement@example.com", `\"a@b\"@example.org`, 1)
	after := actiontest.MustCompile(t, edited)
	raw := before.MustRender(t, `{}`)
	for _, a := range []*actiontest.Compiled{before, after} {
		if got := a.SendRequest(t.Context(), raw); !isDone(got) {
			t.Fatalf("%+v", got)
		}
	}
	after.Send(t, `{}`)
	got := s.got()
	for i, want := range []string{"@example.com>", "@example.com>", "@example.org>"} {
		if id := got[i].Header.Get("Message-Id"); id != "<"+actiontest.DeliveryID+want {
			t.Errorf("mail %d has %s", i, id)
		}
	}
}

// Answers of a server that takes the mail and then misbehaves.
func TestWhatComesAfterTheServerTookTheMailDoesNotCount(t *testing.T) {
	for name, goodbye := range map[string]string{"hangs up": "hang up", "complains": "500 what?\r\n", "says nothing": ""} {
		inData := false
		addr, _ := scripted(t, "220 mail.test\r\n", func(line string) string {
			switch {
			case line == ".":
				inData = false
				return "250 taken\r\n"
			case inData:
				return ""
			case line == "DATA":
				inData = true
				return "354 go\r\n"
			case line == "QUIT", line == "RSET":
				return goodbye
			default:
				return "250 mail.test\r\n"
			}
		})
		a := actiontest.MustCompile(t,
			rule(`email: {smtp: "`+addr+`", from: a@b.c, tls: none, allow_private: true, timeout: 1h}`, simple))
		if got := a.Send(t, `{}`); !isDone(got) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAGreetingCanRefuseForNowOrForGood(t *testing.T) {
	for greeting, want := range map[string]actions.Verdict{
		"421 too busy\r\n": actions.Retry, "554 go away\r\n": actions.Dead, "nonsense\r\n": actions.Retry,
	} {
		addr, _ := scripted(t, greeting, func(string) string { return "hang up" })
		a := actiontest.MustCompile(t, rule(`email: {smtp: "`+addr+`", from: a@b.c, allow_private: true}`, simple))
		if got := a.Send(t, `{}`); got.Verdict != want || got.Error == "" {
			t.Errorf("%q: %+v", greeting, got)
		}
	}
}

func TestAMailWaitsForAServerThatCannotBeReached(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	for smtp, want := range map[string]string{
		listener.Addr().String(): "nothing accepts connections at " + listener.Addr().String() + " (connection refused)",
		"no-such-host.invalid":   "the host no-such-host.invalid cannot be found",
	} {
		for _, mode := range []string{"starttls", "implicit", "none"} {
			a := actiontest.MustCompile(t,
				rule(`email: {smtp: "`+smtp+`", from: a@b.c, allow_private: true, tls: `+mode+`}`, simple))
			if got := a.Send(t, `{}`); got.Verdict != actions.Retry || !strings.Contains(got.Error, want) {
				t.Errorf("%s, %s: %+v", smtp, mode, got)
			}
		}
	}
}

func TestAPrivateMailServerIsRefusedUnlessAllowed(t *testing.T) {
	for _, s := range []*server{(&server{}).start(t), (&server{implicit: true}).start(t)} {
		r := s.rule("", simple)
		r.Config = strings.Replace(r.Config, "allow_private: true", "allow_private: false", 1)
		if got := actiontest.Compile(t, r).Send(t, `{}`); got.Verdict != actions.Dead || !strings.Contains(got.Error, "private address") || len(s.got()) > 0 {
			t.Errorf("%+v", got)
		}
	}
}

func TestNothingIsSentUnencryptedUnlessTheRuleFileSaysSo(t *testing.T) {
	s := (&server{noTLS: true, login: true}).start(t)
	got := actiontest.MustCompile(t, s.rule("", simple)).Send(t, `{}`)
	want := "the mail server offers no STARTTLS, so nothing was sent; write tls: implicit if it has TLS on a port of its own"
	if !reflect.DeepEqual(got, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: want}) || s.rcpts+s.logins > 0 {
		t.Errorf("%+v after %d recipients and %d logins", got, s.rcpts, s.logins)
	}
	if got := actiontest.MustCompile(t, s.rule(", tls: none", simple)).Send(t, `{}`); !isDone(got) || s.inTLS {
		t.Errorf("%+v", got)
	}
}

func TestAServerWithACertificateNobodyKnowsGetsNothing(t *testing.T) {
	for _, s := range []*server{(&server{login: true}).start(t), (&server{login: true, implicit: true}).start(t)} {
		for _, change := range []func(*actiontest.Rule){
			func(r *actiontest.Rule) { r.Kind = kindWithoutCA },
			func(r *actiontest.Rule) { r.Config = strings.Replace(r.Config, "127.0.0.1", "127.0.0.2", 1) }, // not in the certificate
		} {
			r := s.rule(", username: heed, password: {env: PASSWORD}", simple)
			change(&r)
			got := actiontest.MustCompile(t, r).Send(t, `{}`)
			if got.Verdict != actions.Retry || got.Error == "" || s.rcpts+s.logins > 0 {
				t.Errorf("%+v", got)
			}
		}
	}
}

func TestALoginWorksOverBothKindsOfTLS(t *testing.T) {
	for _, s := range []*server{(&server{login: true}).start(t), (&server{login: true, implicit: true}).start(t)} {
		for _, username := range []string{"heed", "{env: USER}"} {
			got := actiontest.MustCompile(t, s.rule(", username: "+username+", password: {env: PASSWORD}", simple)).Send(t, `{}`)
			if !isDone(got) || s.logins == 0 || !s.inTLS {
				t.Errorf("%+v after %d logins", got, s.logins)
			}
		}
	}
}

func TestAFailedLoginSaysSoWithoutThePassword(t *testing.T) {
	for name, c := range map[string]struct {
		server  *server
		verdict actions.Verdict
		want    string
	}{
		"wrong password": {&server{login: true}, actions.Dead, "; check username and password in the action's configuration"},
		"for now":        {&server{login: true, onAuth: &smtp.SMTPError{Code: 454, Message: "busy, " + "canary-wrong"}}, actions.Retry, "454"},
		"it echoes": {
			&server{login: true, onAuth: &smtp.SMTPError{Code: 535, Message: base64.StdEncoding.EncodeToString([]byte("\x00heed\x00canary-wrong"))}},
			actions.Dead, "; check username and password in the action's configuration",
		},
		"no logins": {&server{}, actions.Retry, "the mail server takes no username and password; leave them out, or correct the port"},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.server.start(t)
			a := actiontest.MustCompile(t, s.rule(", username: heed, password: {env: WRONG}", simple))
			got := a.Send(t, `{}`)
			if got.Verdict != c.verdict || !strings.Contains(got.Error, c.want) || s.rcpts > 0 {
				t.Errorf("%+v", got)
			}
			for _, text := range []string{got.Error, got.Response, fmt.Sprintf("%+v %#v", a.Configured, a.Action), string(a.MustRender(t, `{}`))} {
				if strings.Contains(text, "canary") ||
					strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("canary-wrong"))) ||
					strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("\x00heed\x00canary-wrong"))) {
					t.Errorf("the password is in %s", text)
				}
			}
		})
	}
}

func TestAnAttemptEndsInTimeAndWhenCutOff(t *testing.T) {
	for _, greeting := range []string{"", "220 mail.test\r\n"} { // before and after the greeting
		addr, _ := scripted(t, greeting, func(string) string { return "" })
		a := actiontest.MustCompile(t,
			rule(`email: {smtp: "`+addr+`", from: a@b.c, allow_private: true, timeout: 50ms}`, simple))
		if got := a.Send(t, `{}`); !reflect.DeepEqual(got, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "no answer in time"}) {
			t.Errorf("%+v", got)
		}
	}
	said := make(chan struct{}, 1)
	addr, _ := scripted(t, "220 mail.test\r\n", func(string) string {
		said <- struct{}{}
		return ""
	})
	a := actiontest.MustCompile(t,
		rule(`email: {smtp: "`+addr+`", from: a@b.c, allow_private: true, timeout: 1h}`, simple))
	ctx, cut := context.WithCancel(t.Context())
	go func() { <-said; cut() }()
	if got := a.SendRequest(ctx, a.MustRender(t, `{}`)); !reflect.DeepEqual(got, actions.Outcome{Verdict: actions.Retry, Error: "interrupted"}) {
		t.Errorf("%+v", got)
	}
}

func TestNoConnectionIsLeftOpen(t *testing.T) {
	for name, answer := range map[string]string{"no STARTTLS": "250 mail.test\r\n", "refusal": "554 no\r\n"} {
		addr, ended := scripted(t, "220 mail.test\r\n", func(string) string { return answer })
		a := actiontest.MustCompile(t, rule(`email: {smtp: "`+addr+`", from: a@b.c, allow_private: true}`, simple))
		if got := a.Send(t, `{}`); got.Verdict == actions.Done {
			t.Errorf("%s: %+v", name, got)
		}
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Errorf("%s: the connection stayed open", name)
		}
	}
}

func TestARecordedMailThatCannotBeUsedIsDead(t *testing.T) {
	a := actiontest.MustCompile(t, rule(ok, simple))
	for _, raw := range []string{``, `x`, `[]`, `{}`, `{"from":"a@b.c","to":["x"]}`, `{"from":"a@b.c","to":["a@b.c"],"cc":["x"]}`, `{"from":"a@b.c","to":["a@b.c"],"reply_to":"x"}`} {
		if got := a.SendRequest(t.Context(), json.RawMessage(raw)); got.Verdict != actions.Dead || got.Error == "" {
			t.Errorf("%s: %+v", raw, got)
		}
	}
}

func TestASecretThatCannotBeReadWaits(t *testing.T) {
	r := rule(`email: {smtp: "mail.example.com", from: a@b.c, username: heed, password: {file: no/such/file}}`, simple)
	if got := actiontest.Compile(t, r).Send(t, `{}`); got.Verdict != actions.Retry || !strings.HasPrefix(got.Error, "password: read secret: ") {
		t.Errorf("%+v", got)
	}
}
