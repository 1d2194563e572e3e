package slack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/actiontest"
)

func TestABotsMessageArrives(t *testing.T) {
	f := newFake(t, nil)
	a := actiontest.MustCompile(t, f.bot(`
text: "*{{ data.userId }}* & <!here> {{ data.quizName }}"
blocks:
  - {type: section, text: {type: mrkdwn, text: "a > {{ data.quizName }}"}, expand: true}
  - {type: brand_new, what: {heed: [never, heard, of, "{{ data.score }}"]}}`))
	if got := a.Send(t, `{"userId":"u1","quizName":"<!channel>","score":61}`); got.Verdict != actions.Done || got.Error != "" {
		t.Fatalf("%+v", got)
	}
	calls := f.got()
	if len(calls) != 1 || calls[0].Path != "/api/chat.postMessage" {
		t.Fatalf("%+v", calls)
	}
	form := calls[0].Form
	if form.Get("token") != "xoxb-canary-token" && calls[0].Header.Get("Authorization") != "Bearer xoxb-canary-token" {
		t.Error("the token did not arrive")
	}
	if form.Get("channel") != "#coaching" || form.Get("text") != "*u1* & <!here> &lt;!channel&gt;" || form.Get("unfurl_links") != "false" {
		t.Errorf("%v", form)
	}
	var blocks, want any
	_ = json.Unmarshal([]byte(form.Get("blocks")), &blocks)
	_ = json.Unmarshal([]byte(`[{"type":"section","text":{"type":"mrkdwn","text":"a > &lt;!channel&gt;"},"expand":true},{"type":"brand_new","what":{"heed":["never","heard","of","61"]}}]`), &want)
	if diff := cmp.Diff(want, blocks); diff != "" {
		t.Error(diff)
	}
}

func TestARuleChoosesAnotherChannel(t *testing.T) {
	f := newFake(t, nil)
	if got := actiontest.MustCompile(t, f.bot(`{text: a, channel: "C0123"}`)).Send(t, `{}`); got.Verdict != actions.Done {
		t.Fatalf("%+v", got)
	}
	if got := f.got()[0].Form; got.Get("channel") != "C0123" || got.Has("blocks") {
		t.Errorf("%v", got)
	}
}

func TestAWebhooksMessageArrives(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	for step, want := range map[string]string{
		`text: "{{ data.quizName }} & co"`: `{"text":"&lt;!channel&gt; & co"}`,
		`{text: a, blocks: [{type: section, text: {type: mrkdwn, text: "{{ data.score }}"}}]}`: `{"text":"a","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"61"}}]}`,
		`blocks: [{type: divider}]`: `{"blocks":[{"type":"divider"}]}`,
	} {
		if got := actiontest.MustCompile(t, f.hook(step)).Send(t, `{"quizName":"<!channel>","score":61}`); got.Verdict != actions.Done || got.Error != "" {
			t.Fatalf("%+v", got)
		}
		calls := f.got()
		last := calls[len(calls)-1]
		var got, wanted any
		_ = json.Unmarshal([]byte(last.Body), &got)
		_ = json.Unmarshal([]byte(want), &wanted)
		if diff := cmp.Diff(wanted, got); diff != "" || last.Path != "/services/T0/B0/canary-hook" || last.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %+v %s", step, last, diff)
		}
	}
}

func TestSlacksAnswerDecidesWhatBecomesOfAMessage(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		after  string
		body   string
		want   actions.Outcome
	}{
		"fine":              {200, "", fine, actions.Outcome{Verdict: actions.Done}},
		"fine, bare":        {200, "", `{"ok":true}`, actions.Outcome{Verdict: actions.Done}},
		"fine, with advice": {200, "", `{"ok":true,"channel":"C1","ts":"1.2","warning":"missing_charset","response_metadata":{"warnings":["missing_charset"]}}`, actions.Outcome{Verdict: actions.Done}},
		"no channel": {200, "", `{"ok":false,"error":"channel_not_found"}`, actions.Outcome{
			Verdict: actions.Dead, Error: "Slack: channel_not_found: there is no channel #coaching that the app can see: correct the name, or invite the app to the private channel",
		}},
		"not invited":    {200, "", `{"ok":false,"error":"not_in_channel"}`, actions.Outcome{Verdict: actions.Dead, Error: "Slack: not_in_channel: the app is not in #coaching: invite it there with /invite"}},
		"bad token":      {200, "", `{"ok":false,"error":"invalid_auth"}`, actions.Outcome{Verdict: actions.Dead, Error: "Slack: invalid_auth: the token is not valid: put a new one where the action's token is configured"}},
		"an echo":        {200, "", `{"ok":false,"error":"no xoxb-canary-token"}`, actions.Outcome{Verdict: actions.Dead, Error: "Slack: no ***", Response: `{"ok":false,"error":"no ***"}`}},
		"moving":         {200, "", `{"ok":false,"error":"org_login_required"}`, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "Slack: org_login_required: the workspace is moving into an organisation, which passes by itself"}},
		"org-wide token": {200, "", `{"ok":false,"error":"team_not_found"}`, actions.Outcome{Verdict: actions.Dead, Error: "Slack: team_not_found: the token is for a whole organisation, in which a channel's name is not enough: write the channel's id instead of #coaching"}},
		"no permission":  {200, "", `{"ok":false,"error":"no_permission"}`, actions.Outcome{Verdict: actions.Dead, Error: "Slack: no_permission: the app may not do this in #coaching: add the scope chat:write, install the app again, and invite it"}},
		"unknown error":  {200, "", `{"ok":false,"error":"brand_new"}`, actions.Outcome{Verdict: actions.Dead, Error: "Slack: brand_new"}},
		"bad blocks":     {200, "", `{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] too long"]}}`, actions.Outcome{Verdict: actions.Dead, Error: "Slack: invalid_blocks: Slack does not accept the blocks: check them in Slack's Block Kit Builder"}},
		"passing error":  {200, "", `{"ok":false,"error":"internal_error"}`, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "Slack: internal_error"}},
		"limited inside": {200, "30", `{"ok":false,"error":"ratelimited"}`, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "Slack: ratelimited", After: 30 * time.Second}},
		"ok without ok":  {200, "", `{}`, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "the answer is none of Slack's: is something else between heed and Slack?"}},
		"not ok":         {200, "", `{"ok":false}`, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "the answer is none of Slack's: is something else between heed and Slack?"}},
		"a login page":   {200, "", `<html>Wi-Fi</html>`, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "the answer is none of Slack's: is something else between heed and Slack?"}},
		"empty":          {200, "", ``, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "the answer is none of Slack's: is something else between heed and Slack?"}},

		// Row 21.
		"429":               {429, "", `{"ok":false,"error":"ratelimited"}`, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "Slack asks to slow down"}},
		"429, 30 s":         {429, "30", ``, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "Slack asks to slow down", After: 30 * time.Second}},
		"429, very long":    {429, "9999999", ``, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "Slack asks to slow down", After: 9999999 * time.Second}},
		"429, for ever":     {429, "99999999999999999999", ``, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "Slack asks to slow down", After: (1 << 31) * time.Second}},
		"429, garbage":      {429, "soon", ``, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "Slack asks to slow down"}},
		"500":               {500, "", `<html>oops</html>`, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "Slack answered 500 Internal Server Error"}},
		"503 with a wait":   {503, "7", ``, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "Slack answered 503 Service Unavailable", After: 7 * time.Second}},
		"408":               {408, "", ``, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "Slack answered 408 Request Timeout"}},
		"404":               {404, "", `no such page`, actions.Outcome{Verdict: actions.Dead, Error: "Slack answered 404 Not Found"}},
		"302":               {302, "", ``, actions.Outcome{Verdict: actions.Dead, Error: "Slack answered 302 Found"}},
		"201 is no answer":  {201, "", fine, actions.Outcome{Verdict: actions.Dead, Error: "Slack answered 201 Created"}},
		"it echoes a token": {403, "", `token xoxb-canary-token`, actions.Outcome{Verdict: actions.Dead, Error: "Slack answered 403 Forbidden", Response: "token ***"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.after != "" {
					w.Header().Set("Retry-After", c.after)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			switch {
			case c.want.Response != "":
			case c.want.Verdict != actions.Done:
				c.want.Response = c.body
			case strings.Contains(c.body, "1.2"):
				c.want.Response = `{"channel":"C1","ts":"1.2"}`
			default:
				c.want.Response = `{"channel":"","ts":""}`
			}
			if diff := cmp.Diff(c.want, actiontest.MustCompile(t, f.bot(`text: a`)).Send(t, `{}`)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAWebhooksAnswerDecidesWhatBecomesOfAMessage(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		after  string
		body   string
		want   actions.Outcome
	}{
		"gone":     {404, "", "no_service", actions.Outcome{Verdict: actions.Dead, Error: "HOST: answered 404 Not Found (no_service: the webhook was removed: make a new one and put its address in place)", Response: "no_service"}},
		"archived": {410, "", "channel_is_archived", actions.Outcome{Verdict: actions.Dead, Error: "HOST: answered 410 Gone (channel_is_archived: the webhook's channel is archived: name another channel)", Response: "channel_is_archived"}},
		"payload":  {400, "", "invalid_payload", actions.Outcome{Verdict: actions.Dead, Error: "HOST: answered 400 Bad Request (invalid_payload)", Response: "invalid_payload"}},
		"limited":  {429, "30", "", actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "HOST: answered 429 Too Many Requests", After: 30 * time.Second}},
		"long":     {500, "", strings.Repeat("x", 200), actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "HOST: answered 500 Internal Server Error", Response: strings.Repeat("x", 200)}},
		"echo":     {404, "", "Cannot POST /services/T0/B0/canary-hook", actions.Outcome{Verdict: actions.Dead, Error: "HOST: answered 404 Not Found (Cannot POST ***)", Response: "Cannot POST ***"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", c.after)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			c.want.Error = strings.Replace(c.want.Error, "HOST", strings.TrimPrefix(f.URL, "http://"), 1)
			if diff := cmp.Diff(c.want, actiontest.MustCompile(t, f.hook(`text: a`)).Send(t, `{}`)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAFailureNeverShowsTokenOrWebhook(t *testing.T) {
	var f *fake
	f = newFake(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		calls := f.got()
		fmt.Fprintf(w, "%s %s %+v", f.URL+r.RequestURI, r.Header, calls[len(calls)-1])
	})
	unreachable := func(key, value string) actiontest.Rule {
		r := rule(map[string]string{
			"HOOK":  `slack: {webhook_url: {env: HOOK}, allow_private: true}`,
			"TOKEN": `slack: {token: {env: TOKEN}, channel: a, api_url: "http://no-such-host.invalid/api"}`,
		}[key], `text: a`)
		r.Env[key] = value
		return r
	}
	for name, r := range map[string]actiontest.Rule{
		"api echo": f.bot(`text: a`), "hook echo": f.hook(`text: a`),
		"api unreachable":  unreachable("TOKEN", "xoxb-canary-token"),
		"hook unreachable": unreachable("HOOK", "http://no-such-host.invalid/services/T0/B0/canary-hook"),
		"hook refused":     unreachable("HOOK", "http://127.0.0.1:1/services/T0/B0/canary-hook"),
		"hook no http":     unreachable("HOOK", "https://"+strings.TrimPrefix(f.URL, "http://")+"/services/T0/B0/canary-hook"),
	} {
		a := actiontest.MustCompile(t, r)
		o := a.Send(t, `{}`)
		if o.Verdict != actions.Retry || o.Error == "" {
			t.Errorf("%s: %+v", name, o)
		}
		for what, text := range map[string]string{"error": o.Error, "response": o.Response, "action": fmt.Sprintf("%+v %#v", a.Configured, a.Action), "request": string(a.MustRender(t, `{}`))} {
			if strings.Contains(text, "canary") {
				t.Errorf("%s: the %s is %s", name, what, text)
			}
		}
	}
}

func TestAnEndlessAnswerOfSlackEnds(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true,"x":"`)
		for chunk := strings.Repeat("x", 32<<10); ; {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	})
	if got := actiontest.MustCompile(t, f.bot(`text: a`)).Send(t, `{}`); got.Verdict != actions.Retry || len(got.Response) > actions.MaxResponse {
		t.Errorf("%s: %d bytes", got.Verdict, len(got.Response))
	}
}

func TestAnAttemptEndsInTimeAndWhenCutOff(t *testing.T) {
	f := newFake(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for name, r := range map[string]actiontest.Rule{"bot": f.bot(`text: a`), "hook": f.hook(`text: a`)} {
		r.Config = strings.Replace(r.Config, "allow_private", "timeout: 50ms, allow_private", 1)
		a := actiontest.MustCompile(t, r)
		if got := a.Send(t, `{}`); got.Verdict != actions.Retry || !strings.HasSuffix(got.Error, "no answer in time") {
			t.Errorf("%s: %+v", name, got)
		}
		ctx, cut := context.WithCancel(t.Context())
		cut()
		if got := a.SendRequest(ctx, a.MustRender(t, `{}`)); got.Verdict != actions.Retry || !strings.HasSuffix(got.Error, "interrupted") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAPrivateAddressIsRefusedUnlessAllowed(t *testing.T) {
	f := newFake(t, nil)
	for name, r := range map[string]actiontest.Rule{"bot": f.bot(`text: a`), "hook": f.hook(`text: a`)} {
		r.Config = strings.Replace(r.Config, "allow_private: true", "allow_private: false", 1)
		if got := actiontest.Compile(t, r).Send(t, `{}`); got.Verdict != actions.Dead || !strings.Contains(got.Error, "private address") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if len(f.got()) > 0 {
		t.Error("it was called all the same")
	}
}

func TestATokenThatIsRotatedIsUsedByTheNextAttempt(t *testing.T) {
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "token")
	r := f.bot(`text: a`)
	r.Config = strings.Replace(r.Config, "{env: TOKEN}", fmt.Sprintf("{file: %q}", file), 1)
	for _, token := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		actiontest.MustCompile(t, r).Send(t, `{}`)
	}
	for i, token := range []string{"one", "two"} {
		if c := f.got()[i]; c.Form.Get("token") != token && c.Header.Get("Authorization") != "Bearer "+token {
			t.Errorf("call %d: %+v", i, c)
		}
	}
	a := actiontest.MustCompile(t, r)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got := a.Send(t, `{}`); got.Verdict != actions.Retry || !strings.HasPrefix(got.Error, "token: read secret: ") {
		t.Errorf("without its file: %+v", got)
	}
}

func TestARecordedMessageThatCannotBeUsedIsDead(t *testing.T) {
	a := actiontest.MustCompile(t, rule(bot, `text: a`))
	for _, raw := range []string{``, `x`, `[]`, `{"blocks": 5}`} {
		if got := a.SendRequest(t.Context(), json.RawMessage(raw)); got.Verdict != actions.Dead || got.Error == "" {
			t.Errorf("%s: %+v", raw, got)
		}
	}
}

func TestTheDefaultsSuitSlack(t *testing.T) {
	d := actiontest.MustCompile(t, rule(bot, `text: a`)).Settings
	if d.Retry != actions.DefaultRetry || d.Timeout != 15*time.Second || d.Concurrency != 4 || d.Rate != 1 || d.RatePer != time.Second || d.AllowPrivate {
		t.Errorf("%+v", d)
	}
}
