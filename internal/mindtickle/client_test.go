package mindtickle

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/outbound"
)

const canary = "canary-token-81"

// standIn is an API that answers as it is told and keeps what it gets.
func standIn(t *testing.T, status int, header, body string) (*Client, *[]string) {
	t.Helper()
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got = append(got,
			r.Method+" "+r.URL.EscapedPath()+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Content-Type")+" "+string(text))
		if header != "" {
			name, value, _ := strings.Cut(header, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return &Client{API: server.URL + "/", Token: actions.NewSecret(canary), HTTP: outbound.Client(true)}, &got
}

func TestARegistrationIsSentAsTheAPITakesIt(t *testing.T) {
	for body, want := range map[string]string{`{"webhookId": "wh_1"}`: "wh_1", `{"webhookId": 12345678901234567890}`: "12345678901234567890"} {
		c, got := standIn(t, 201, "", body)
		id, err := c.Register(t.Context(), Webhook{URL: "https://heed.example.com/webhooks/mindtickle", Events: []string{"quiz.submitted"}, Company: "acme"})
		if err != nil || id != want {
			t.Errorf("id %q, %v", id, err)
		}
		if diff := cmp.Diff([]string{`POST /v2/webhooks Bearer canary-token-81 application/json {"url":"https://heed.example.com/webhooks/mindtickle","events":["quiz.submitted"],"companyId":"acme"}`}, *got); diff != "" {
			t.Error(diff)
		}
	}
	c, got := standIn(t, 204, "", "")
	if err := c.Activate(t.Context(), "a/b", `{"status": "active"}`); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{`PATCH /v2/webhooks/a%2Fb Bearer canary-token-81 application/json {"status": "active"}`}, *got); diff != "" {
		t.Error(diff)
	}
}

func TestEachRefusalIsASentenceWithTheRemedy(t *testing.T) {
	for name, test := range map[string]struct {
		status       int
		header, body string
		want         string
	}{
		"401":       {401, "", `{"error":"bad token canary-token-81"}`, "MindTickle does not accept the API token (401 Unauthorized). Make a new one at MindTickle and put it into MINDTICKLE_API_TOKEN or the --token-file. It said: {\"error\":\"bad token ***\"}"},
		"404":       {404, "", "", "MindTickle's API has nothing that takes registrations at API/v2/webhooks (404 Not Found). Check --api, and that --company is your company's id."},
		"409":       {409, "", "", "MindTickle says that there is such a webhook already (409 Conflict). Look at MindTickle for its id and event types, and have heed take it up: heed webhooks activate --id ID --url URL --events TYPE,TYPE."},
		"429":       {429, "Retry-After: 30", "", "MindTickle asks for patience (429 Too Many Requests). Try again in 30s."},
		"429 plain": {429, "", "", "MindTickle asks for patience (429 Too Many Requests). Try again in a minute."},
		"503":       {503, "", "<html>down</html>", "MindTickle has a problem of its own (503 Service Unavailable). Try again later. It said: <html>down</html>"},
		"302":       {302, "Location: https://elsewhere.example.com", "", "the API has moved (302 Found), and redirects are not followed with a token. Name the new address with --api."},
		"422":       {422, "", `{"error":"unknown event"}`, `MindTickle did not take the request (422 Unprocessable Entity). It said: {"error":"unknown event"}`},
		"no id":     {200, "", `{"ok":true}`, `MindTickle took the registration but its answer names no webhookId: {"ok":true}. Look at MindTickle whether the webhook is there before you register again`},
	} {
		c, got := standIn(t, test.status, test.header, test.body)
		_, err := c.Register(t.Context(), Webhook{})
		want := strings.ReplaceAll(test.want, "API/", c.API)
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", name, err, want)
		}
		if refused, ok := errors.AsType[*RefusedError](err); test.status != 200 && (!ok || refused.Status != test.status) {
			t.Errorf("%s: %#v", name, err)
		}
		if len(*got) != 1 {
			t.Errorf("%s: %d calls", name, len(*got))
		}
	}
}

func TestAWebhookThatIsGoneIsTold(t *testing.T) {
	c, _ := standIn(t, 404, "", `{"error":"gone"}`)
	err := c.Activate(t.Context(), "wh_1", "{}")
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok || refused.Status != 404 || err.Error() != `MindTickle knows no such webhook (404 Not Found): it was probably deleted there. It said: {"error":"gone"}` {
		t.Error(err)
	}
}

func TestAnAPIThatIsNotThereIsASentenceToo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := &Client{API: "http://" + l.Addr().String(), Token: actions.NewSecret(canary), HTTP: outbound.Client(true)}
	if _, err := c.Register(t.Context(), Webhook{}); err == nil || !strings.Contains(err.Error(), "cannot be reached") || strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
	guarded := &Client{API: "http://" + l.Addr().String(), Token: actions.NewSecret(canary), HTTP: outbound.Client(false)}
	if err := guarded.Activate(t.Context(), "x", "{}"); err == nil || !strings.Contains(err.Error(), "private") {
		t.Errorf("a private address: %v", err)
	}
}

func TestWhatWasRegisteredIsRemembered(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	m, err := Remember(dir)
	if err != nil || len(m.Subscriptions) != 0 {
		t.Fatal(m, err)
	}
	m.Subscriptions = append(m.Subscriptions, Subscription{ID: "wh_1", Events: []string{"b", "a"}}, Subscription{ID: "wh_2", Events: []string{"a", "c"}})
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	again, err := Remember(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, again); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, again.Events()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"d"}, again.Missing([]string{"a", "d"})); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(filepath.Join(dir, memoryFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(filepath.Join(dir, memoryFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Remember(dir); err == nil || !strings.Contains(err.Error(), "fix it, or remove it") {
		t.Error(err)
	}
}

func TestMemoryKnowsWhatIsMissingWhere(t *testing.T) {
	m := Memory{[]Subscription{
		{ID: "old", URL: "https://old.example.com/x", Events: []string{"a", "b"}, ReplacedBy: "new"},
		{ID: "new", URL: "https://new.example.com/x", Events: []string{"a"}},
		{ID: "before heed kept addresses", Events: []string{"c"}},
	}}
	if diff := cmp.Diff([]string{"b"}, m.Missing([]string{"a", "b", "c"})); diff != "" {
		t.Error(diff)
	}
	for address, want := range map[string][]string{
		"https://new.example.com/x":     {"b"},
		"https://NEW.example.com:443/x": {"b"},
		"https://new.example.com/y":     {"a", "b"},
	} {
		if diff := cmp.Diff(want, m.At(address).Missing([]string{"a", "b", "c"})); diff != "" {
			t.Errorf("%s: %s", address, diff)
		}
	}
	m.Subscriptions = append(m.Subscriptions, Subscription{ID: "by hand"})
	if missing := m.Missing([]string{"z"}); len(missing) > 0 {
		t.Errorf("%v is said to be missing, though nobody knows what one webhook has", missing)
	}
	m.Forget("by hand")
	if m.Find("by hand") != nil || m.Find("new") == nil {
		t.Errorf("after forgetting: %+v", m)
	}
}
