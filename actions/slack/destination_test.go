package slack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"heed/actions"
	"heed/actions/actiontest"
	"heed/actions/slack"
)

func destination(t *testing.T, r actiontest.Rule) string {
	t.Helper()
	c := actiontest.MustCompile(t, r)
	request := slack.Request{Channel: "#coaching"}
	if strings.Contains(r.Step, "to:") {
		request = slack.Request{To: "Ada@example.com"}
	}
	return c.Step.(actions.Destined).Destination(request)
}

func TestDestination_isTheTokenAndTheChannel(t *testing.T) {
	first := rule(bot, `text: a`)
	same := rule(strings.Replace(bot, "{env: TOKEN}", "{env: ALIAS}", 1), `text: b`)
	same.Env["ALIAS"] = same.Env["TOKEN"]
	other := rule(bot, `text: a`)
	other.Env["TOKEN"] = "xoxb-of-another"
	direct := rule(bot, `{text: a, to: "ada@example.com"}`)
	hook := rule(`slack: {webhook_url: {env: HOOK}}`, `text: a`)
	if a, b := destination(t, first), destination(t, same); a != b || !strings.HasPrefix(a, "slack ") || !strings.HasSuffix(a, " coaching") {
		t.Errorf("%q and %q", a, b)
	}
	seen := map[string]bool{}
	for _, r := range []actiontest.Rule{first, other, direct, hook} {
		seen[destination(t, r)] = true
	}
	if len(seen) != 4 {
		t.Errorf("%v", seen)
	}
	for d := range seen {
		if strings.Contains(d, "canary") || strings.Contains(d, "xoxb") || strings.Contains(strings.ToLower(d), "ada@") {
			t.Errorf("%q gives a secret or a person away", d)
		}
	}
	missing := rule(bot, `text: a`)
	missing.Live = false
	delete(missing.Env, "TOKEN")
	if d := actiontest.Compile(t, missing).Step.(actions.Destined).Destination(slack.Request{Channel: "#coaching"}); d != "" {
		t.Errorf("without a token: %q", d)
	}
}

func TestSend_anImageThatSlackCannotFetchDoesNotLoseTheMessage(t *testing.T) {
	var f *fake
	f = newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls := f.got(); strings.Contains(calls[len(calls)-1].Form.Get("blocks"), "image_url") {
			_, _ = io.WriteString(w, `{"ok":false,"error":"invalid_blocks","errors":["downloading image failed [json-pointer:/blocks/0/image_url]"]}`)
			return
		}
		_, _ = io.WriteString(w, fine)
	})
	image := `blocks: [{type: image, alt_text: a, image_url: "https://example.com/a.png"}]`
	got := actiontest.MustCompile(t, f.bot(`{text: a low score, `+image+`}`)).Send(t, `{}`)
	if got.Verdict != actions.Done || got.Error != "sent as text, without its blocks: Slack could not fetch an image of them" {
		t.Errorf("%+v", got)
	}
	if calls := f.got(); len(calls) != 2 || calls[1].Form.Get("text") != "a low score" || calls[1].Form.Get("blocks") != "" {
		t.Errorf("%+v", calls)
	}
	if got := actiontest.MustCompile(t, f.bot(image)).Send(t, `{}`); got.Verdict != actions.Dead {
		t.Errorf("without a text: %+v", got)
	}
}

func TestSend_aTokenThatCanBeRenewedIsTriedAgain(t *testing.T) {
	for _, code := range []string{"token_revoked", "token_expired", "invalid_auth", "not_authed"} {
		f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"ok":false,"error":"`+code+`"}`)
		})
		if got := actiontest.MustCompile(t, f.bot(`text: a`)).Send(t, `{}`); got.Verdict != actions.Dead {
			t.Errorf("%s of a token that cannot change: %+v", code, got)
		}
		r := f.bot(`text: a`)
		r.Config = strings.Replace(r.Config, "{env: TOKEN}", "{file: "+tokenFile(t)+"}", 1)
		if got := actiontest.MustCompile(t, r).Send(t, `{}`); got.Verdict != actions.Retry || got.Attempts == 0 {
			t.Errorf("%s: %+v", code, got)
		}
	}
}

func TestRender_addressesOfPeopleAreTrimmed(t *testing.T) {
	var r slack.Request
	c := actiontest.MustCompile(t, rule(bot, `{to: "{{ data.email }}", text: "hello {{ mention(data.email) }}"}`))
	if err := json.Unmarshal(c.MustRender(t, `{"email":" ada@example.com\n"}`), &r); err != nil {
		t.Fatal(err)
	}
	if r.To != "ada@example.com" || r.Text != "hello <@ada@example.com>" {
		t.Errorf("%+v", r)
	}
}
