package slack_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/actiontest"
	"heed/actions/slack"
)

const direct = `{text: "Well done", to: "{{ data.email }}"}`

func TestADirectMessageFindsItsPersonByAddress(t *testing.T) {
	w := newWorkspace(t)
	w.people["ada@example.com"] = "U1"
	sendAll(t, w.bot(nil, direct), `{"email":"ada@example.com"}`)
	if diff := cmp.Diff([]post{{"U1", "Well done", "", "1.0"}}, w.posted()); diff != "" {
		t.Error(diff)
	}
	if c := w.got()[0]; c.Path != "/api/users.lookupByEmail" || c.Form.Get("token") != "xoxb-canary-token" && c.Header.Get("Authorization") != "Bearer xoxb-canary-token" {
		t.Errorf("%+v", c)
	}
}

func TestADirectMessageCanBeAThread(t *testing.T) {
	w := newWorkspace(t)
	w.people["ada@example.com"], w.people["bob@example.com"] = "U1", "U2"
	r := w.bot(slack.NewMemory(newThreads(), time.Now), `{text: a, to: "{{ data.email }}", thread_per: data.quizId}`)
	sendAll(t, r, `{"email":"ada@example.com","quizId":"q1"}`, `{"email":"bob@example.com","quizId":"q1"}`, `{"email":"ada@example.com","quizId":"q1"}`)
	if diff := cmp.Diff([]post{{"U1", "a", "", "1.0"}, {"U2", "a", "", "2.0"}, {"U1", "a", "1.0", "3.0"}}, w.posted()); diff != "" {
		t.Error(diff)
	}
}

func TestADirectMessageToNobodyIsDead(t *testing.T) {
	w := newWorkspace(t)
	w.people["left@example.com"] = "X1" // deactivated
	for _, address := range []string{"nobody@example.com", "left@example.com"} {
		want := actions.Outcome{Verdict: actions.Dead, Error: "nobody in Slack has the address " + address + ": correct it where it comes from, or invite the person to Slack, then retry this delivery"}
		if diff := cmp.Diff(want, send(t, w.bot(nil, direct), fmt.Sprintf(`{"email":%q}`, address))); diff != "" {
			t.Error(diff)
		}
	}
	if got := w.posted(); len(got) != 0 {
		t.Errorf("%+v was posted", got)
	}
}

// What Slack says of a look-up decides as what it says of a message does.
func TestALookUpThatFailsDecidesWhatBecomesOfAMessage(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   actions.Outcome
	}{
		"no scope":       {200, `{"ok":false,"error":"missing_scope","needed":"users:read.email","provided":"chat:write"}`, actions.Outcome{Verdict: actions.Dead, Error: "Slack: missing_scope: the app lacks the scope users:read.email: add it and install the app again"}},
		"no scope, bare": {200, `{"ok":false,"error":"missing_scope"}`, actions.Outcome{Verdict: actions.Dead, Error: "Slack: missing_scope: the app lacks the scope users:read.email: add it and install the app again"}},
		"slow down":      {429, ``, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "Slack asks to slow down", After: 30 * time.Second}},
		"bad token":      {200, `{"ok":false,"error":"invalid_auth"}`, actions.Outcome{Verdict: actions.Dead, Error: "Slack: invalid_auth: the token is not valid: put a new one where the action's token is configured"}},
		"out of order":   {500, `oops`, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "Slack answered 500 Internal Server Error"}},
		"no id":          {200, `{"ok":true,"user":{}}`, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "the answer is none of Slack's: is something else between heed and Slack?"}},
	} {
		for what, step := range map[string]string{"to": direct, "mention": `text: "{{ mention(data.email) }}"`} {
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.status == 429 {
					w.Header().Set("Retry-After", "30")
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			want := c.want
			if want.Error != "the answer is none of Slack's: is something else between heed and Slack?" {
				want.Response = c.body
			}
			if diff := cmp.Diff(want, send(t, f.bot(step), `{"email":"ada@example.com"}`)); diff != "" || len(f.got()) != 1 {
				t.Errorf("%s, %s, after %d calls: %s", name, what, len(f.got()), diff)
			}
		}
	}
}

func TestAPersonIsLookedUpOnceAnHour(t *testing.T) {
	w := newWorkspace(t)
	w.people["ada@example.com"] = "U1"
	at := &clock{actiontest.Noon}
	memory := slack.NewMemory(nil, at.now)
	r := w.bot(memory, direct)
	sendAll(t, r, `{"email":"ada@example.com"}`, `{"email":"ada@example.com"}`)
	other := w.bot(memory, direct)
	other.Env["TOKEN"] = "xoxb-of-another-workspace"
	sendAll(t, other, `{"email":"ada@example.com"}`)
	at.Time = at.Add(time.Hour)
	w.mu.Lock()
	w.people["ada@example.com"] = "U9"
	w.mu.Unlock()
	sendAll(t, r, `{"email":"ada@example.com"}`)
	var channels []string
	for _, p := range w.posted() {
		channels = append(channels, p.Channel)
	}
	if diff := cmp.Diff([]string{"U1", "U1", "U1", "U9"}, channels); diff != "" || len(w.lookups) != 3 {
		t.Errorf("%d look-ups: %s", len(w.lookups), diff)
	}
	// One that was not found is looked for again.
	for range 2 {
		send(t, r, `{"email":"new@example.com"}`)
	}
	if len(w.lookups) != 5 {
		t.Errorf("%v", w.lookups)
	}
}

func TestAMentionNamesThePersonOrShowsTheAddress(t *testing.T) {
	w := newWorkspace(t)
	w.people["ada@example.com"] = "U1"
	a := actiontest.MustCompile(t, w.bot(nil, `
text: "{{ mention(data.email) }} and {{ mention('no_body_@example.com') }}: {{ data.quizName }}"
blocks: [{type: section, n: 9007199254740993, text: {type: mrkdwn, text: "{{ mention(data.email) }} & {{ data.quizName }}"}}, {type: divider}]`))
	if got := a.Send(t, `{"email":"ada@example.com","quizName":"<@ada@example.com> <@U7> @ada@example.com"}`); got.Verdict != actions.Done {
		t.Fatalf("%+v", got)
	}
	const shown = "&lt;@ada@example.com&gt; &lt;@U7&gt; @ada@example.com"
	calls := w.got()
	form := calls[len(calls)-1].Form
	if want := "<@U1> and no_bodyˍ@example.com: " + shown; form.Get("text") != want {
		t.Errorf("%s\nwant\n%s", form.Get("text"), want)
	}
	if !strings.Contains(form.Get("blocks"), "9007199254740993") {
		t.Errorf("a number was rounded: %s", form.Get("blocks"))
	}
	var blocks []struct{ Text struct{ Text string } }
	if err := json.Unmarshal([]byte(form.Get("blocks")), &blocks); err != nil || len(blocks) != 2 || blocks[0].Text.Text != "<@U1> & "+shown {
		t.Errorf("%+v %v", blocks, err)
	}
}

// A message's answer repeats it, with every character that is not ASCII written
// as an escape.
func TestALongAnswerIsStillUnderstood(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"ok":true,"ts":"1.2","message":{"text":"%s"}}`, strings.Repeat(`\u00e4`, 150_000))
	})
	if got := send(t, f.bot(`text: a`), `{}`); got.Verdict != actions.Done {
		t.Errorf("%s: %s", got.Verdict, got.Error)
	}
}

func TestWhatKeepsADirectMessageAwayIsExplained(t *testing.T) {
	w := newWorkspace(t)
	w.people["ada@example.com"] = "U1"
	w.refuse = func(method string, _ url.Values) string {
		if method == "chat.postMessage" {
			return "messages_tab_disabled"
		}
		return ""
	}
	got := send(t, w.bot(nil, direct), `{"email":"ada@example.com"}`)
	if want := "Slack: messages_tab_disabled: the app takes no direct messages: switch the Messages Tab on under App Home in its settings"; got.Verdict != actions.Dead || got.Error != want {
		t.Errorf("%+v", got)
	}
	w.refuse = func(method string, _ url.Values) string {
		if method == "chat.postMessage" {
			return "channel_not_found"
		}
		return ""
	}
	if got := send(t, w.bot(nil, direct), `{"email":"ada@example.com"}`); !strings.Contains(got.Error, "no channel ada@example.com") {
		t.Errorf("%+v", got)
	}
}
