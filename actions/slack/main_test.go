package slack_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"heed/actions/actiontest"
	"heed/actions/slack"
)

func TestMain(m *testing.M) { actiontest.VerifyNoLeaks(m) }

// rule is a slack action and a step that uses it.
func rule(config, step string) actiontest.Rule {
	return actiontest.Rule{Kind: slack.Kind{}, Config: config, Step: step, Live: true, Env: map[string]string{
		"TOKEN": "xoxb-canary-token", "HOOK": "https://hooks.slack.com/services/T0/B0/canary-hook",
	}}
}

const bot = `slack: {token: {env: TOKEN}, channel: "#coaching"}`

// fake is Slack: its API and an incoming webhook.
type fake struct {
	URL    string
	mu     sync.Mutex
	calls  []call
	answer func(w http.ResponseWriter, r *http.Request)
}

type call struct {
	Path   string
	Form   url.Values // of the API
	Body   string     // of the webhook
	Header http.Header
}

const fine = `{"ok":true,"channel":"C1","ts":"1.2","message":{"text":"x"}}`

// newFake answers as Slack does, or by the given function.
func newFake(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *fake {
	t.Helper()
	f := &fake{answer: answer}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c := call{Path: r.URL.Path, Body: string(body), Header: r.Header}
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		c.Form, _ = url.ParseQuery(c.Body)
		c.Body = ""
	}
	f.mu.Lock()
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	if f.answer != nil {
		f.answer(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, fine)
}

func (f *fake) got() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// bot is a rule whose action posts to the fake's API.
func (f *fake) bot(step string) actiontest.Rule {
	return rule(fmt.Sprintf(`slack: {token: {env: TOKEN}, channel: "#coaching", api_url: %q, allow_private: true}`, f.URL+"/api"), step)
}

// hook is a rule whose action posts to the fake's webhook.
func (f *fake) hook(step string) actiontest.Rule {
	r := rule(`slack: {webhook_url: {env: HOOK}, allow_private: true}`, step)
	r.Env["HOOK"] = f.URL + "/services/T0/B0/canary-hook"
	return r
}

// request is a rendered request, for comparison.
func request(t testing.TB, raw json.RawMessage) (r slack.Request) {
	t.Helper()
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// tokenFile is a file with a token.
func tokenFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("xoxb-canary-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
