package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"heed/engine/record"
	"heed/internal/admin"
	"heed/internal/app"
	"heed/internal/receiver"
)

const testSecret = "s3cret-of-the-tests"

// server is a real heed on free ports with a real store.
type server struct {
	t    testing.TB
	app  *app.App
	dir  string
	end  context.CancelFunc
	done chan error
}

// startServer runs heed on the rules until the test ends. change adjusts the
// options before the start.
func startServer(t testing.TB, rules string, change ...func(*app.Options)) *server {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "rules.yaml")
	if err := os.WriteFile(path, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := receiver.NewKeyring(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	o := app.Options{
		Rules: path, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Data: filepath.Join(dir, "data"), Keys: keys,
		MaxAge: 8 * time.Hour, MaxAhead: 5 * time.Minute, Retention: 90 * 24 * time.Hour,
		Version: buildVersion(), LookupEnv: os.LookupEnv,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for _, c := range change {
		c(&o)
	}
	s := &server{t: t, dir: dir, done: make(chan error, 1)}
	s.app, err = app.New(t.Context(), o)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	ctx, end := context.WithCancel(context.Background())
	s.end = end
	go func() { s.done <- s.app.Run(ctx) }()
	t.Cleanup(s.stop)
	return s
}

// stop ends the server as SIGTERM does and waits for it.
func (s *server) stop() {
	if s.end == nil {
		return
	}
	s.end()
	s.end = nil
	if err := <-s.done; err != nil {
		s.t.Errorf("the server ended with: %v", err)
	}
}

// reply is a receiver's answer.
type reply struct {
	status int
	body   string
}

// post sends a signed event; edit may spoil it.
func (s *server) post(id, body string, edit ...func(*http.Request)) reply {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.app.WebhookURL(), strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	timestamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("x-mt-webhook-timestamp", timestamp)
	request.Header.Set("x-mt-webhook-signature", receiver.Sign(testSecret, timestamp, []byte(body)))
	if id != "" {
		request.Header.Set("x-mt-event-id", id)
	}
	for _, e := range edit {
		e(request)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Errorf("post: %v", err)
		return reply{}
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Errorf("post: %v", err)
	}
	return reply{response.StatusCode, strings.TrimSpace(string(answer))}
}

// get reads a path of the admin listener into a value.
func (s *server) get(path string, into any) int {
	s.t.Helper()
	response, err := http.Get(s.app.AdminURL() + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if text, ok := into.(*string); ok {
		*text = string(body)
	} else if err := json.Unmarshal(body, into); err != nil {
		s.t.Fatalf("%s: %v in %s", path, err, body)
	}
	return response.StatusCode
}

func (s *server) event(id string) admin.Event {
	s.t.Helper()
	var e admin.Event
	if status := s.get("/api/v1/events/"+id, &e); status != http.StatusOK {
		s.t.Fatalf("event %s: %d", id, status)
	}
	return e
}

// settled waits until an event's deliveries have come to rest.
func (s *server) settled(id string) []admin.Delivery {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		deliveries := s.event(id).Deliveries
		open := false
		for _, d := range deliveries {
			open = open || d.State == record.Pending || d.State == record.Retrying
		}
		if !open {
			return deliveries
		}
		time.Sleep(5 * time.Millisecond) // polling what another process would poll, not synchronisation
	}
	s.t.Fatalf("the deliveries of %s did not settle: %+v", id, s.event(id).Deliveries)
	return nil
}

// call is a request that a sink got.
type call struct {
	method, path, body string
	header             http.Header
}

// sink is an HTTP server that keeps what it gets.
type sink struct {
	*httptest.Server
	mu    sync.Mutex
	calls []call
}

func newSink(t testing.TB, answer http.HandlerFunc) *sink {
	s := &sink{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.calls = append(s.calls, call{r.Method, r.URL.RequestURI(), string(body), r.Header})
		s.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) got() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]call(nil), s.calls...)
}

func slackOK(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"ok":true,"channel":"C1","ts":"1.2"}`)
}

// mailbox is an SMTP server that keeps what it gets.
type mailbox struct {
	mu    sync.Mutex
	mails []string
	addr  string
	// refuse, if not nil, says why a mail with the text is not taken.
	refuse func(text string) error
}

func newMailbox(t testing.TB) *mailbox {
	m := &mailbox{}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{box: m}, nil }))
	srv.AllowInsecureAuth = true
	l := listen(t)
	m.addr = l.Addr().String()
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return m
}

func (m *mailbox) got() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.mails...)
}

type mailSession struct {
	box *mailbox
	to  []string
}

func (s *mailSession) Reset()                               { s.to = nil }
func (s *mailSession) Logout() error                        { return nil }
func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	if s.box.refuse != nil {
		if err := s.box.refuse(string(text)); err != nil {
			return err
		}
	}
	s.box.mails = append(s.box.mails, "RCPT "+strings.Join(s.to, ",")+"\n"+string(text))
	return err
}

// The main job, on real input: a signed event comes in over HTTP, and the
// Slack alert, the HTTP call and the e-mail arrive.
func TestServe_signedWebhookBecomesSlackMessageCallAndEmail(t *testing.T) {
	slack := newSink(t, slackOK)
	api := newSink(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	mail := newMailbox(t)
	t.Setenv("TEST_SLACK_TOKEN", "xoxb-canary-token")
	t.Setenv("TEST_API_AUTH", "Bearer canary-bearer")
	s := startServer(t, fmt.Sprintf(`
actions:
  coaching:
    slack: {token: {env: TEST_SLACK_TOKEN}, channel: "#coaching", api_url: %q, allow_private: true}
  lms:
    http: {url: %q, headers: {Authorization: {env: TEST_API_AUTH}}, allow_private: true}
  mail:
    email: {smtp: "smtp://%s", from: heed@example.com, tls: none, allow_private: true}
rules:
  - name: low-quiz-score
    on: quiz.submitted
    when: data.score < 70
    do:
      - {action: coaching, text: "{{ data.userId }} scored {{ data.score }} on {{ data.quizName }}"}
      - {action: lms, method: PUT, path: "/users/{{ data.userId }}/flag", json: {score: "{{ data.score }}"}}
      - {action: mail, to: coach@example.com, subject: "Low score of {{ data.userId }}", text: "{{ data.score }} points"}
  - name: high-quiz-score
    on: quiz.submitted
    when: data.score > 90
    do: [{action: coaching, text: wow}]
`, slack.URL, api.URL, mail.addr))

	got := s.post("evt-1", `{"event":"quiz.submitted","companyId":"c1","data":{"userId":"u/1","score":61,"quizName":"<!channel> & co"}}`)
	if want := (reply{200, `{"received": true}`}); !sameJSON(got, want) {
		t.Fatalf("answered %v, want %v", got, want)
	}
	for _, d := range s.settled("evt-1") {
		if d.State != record.Done || d.Attempts != 1 {
			t.Errorf("%s is %s after %d attempts: %s", d.Action, d.State, d.Attempts, d.LastError)
		}
	}
	calls := slack.got()
	if len(calls) != 1 || !strings.HasSuffix(calls[0].path, "/chat.postMessage") || !strings.Contains(calls[0].body, "token=xoxb-canary-token") {
		t.Errorf("Slack got %+v", calls)
	}
	if body := calls[0].body; !strings.Contains(body, "u%2F1+scored+61+on+%26lt%3B%21channel%26gt%3B+%26amp%3B+co") || !strings.Contains(body, "channel=%23coaching") {
		t.Errorf("Slack's message is %s", body)
	}
	calls = api.got()
	if len(calls) != 1 || calls[0].method != "PUT" || calls[0].path != "/users/u%2F1/flag" ||
		calls[0].body != `{"score":61}` ||
		calls[0].header.Get("Authorization") != "Bearer canary-bearer" || len(calls[0].header.Get("Idempotency-Key")) < 16 {
		t.Errorf("the API got %+v", calls)
	}
	mails := mail.got()
	if len(mails) != 1 || !strings.Contains(mails[0], "RCPT coach@example.com") || !strings.Contains(mails[0], "Subject: Low score of u/1") || !strings.Contains(mails[0], "61 points") {
		t.Errorf("the mail server got %q", mails)
	}

	e := s.event("evt-1")
	if len(e.Decisions) != 2 || e.Decisions[0].Outcome != "matched" || e.Decisions[1].Outcome != "not_matched" || e.Decisions[1].Explain == nil {
		t.Errorf("decisions %+v", e.Decisions)
	}
	var metrics string
	s.get("/metrics", &metrics)
	for _, want := range []string{
		`heed_events_total{event="quiz.submitted",result="accepted"} 1`,
		`heed_decisions_total{outcome="matched",rule="low-quiz-score"} 1`,
		`heed_decisions_total{outcome="not_matched",rule="high-quiz-score"} 1`,
		`heed_deliveries_total{action="coaching",outcome="done"} 1`,
		`heed_rules_last_reload_successful 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	s.stop()
	s.noSecretIn("xoxb-canary-token", "canary-bearer", testSecret)
}

// noSecretIn searches the data directory for secrets.
func (s *server) noSecretIn(secrets ...string) {
	s.t.Helper()
	_ = filepath.WalkDir(s.app.Data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) {
				s.t.Errorf("%s holds the secret %s", path, secret)
			}
		}
		return err
	})
}

func sameJSON(got, want reply) bool {
	var a, b any
	return got.status == want.status && json.Unmarshal([]byte(got.body), &a) == nil &&
		json.Unmarshal([]byte(want.body), &b) == nil && fmt.Sprint(a) == fmt.Sprint(b)
}

const logRule = `
actions: {console: {log: {}}}
rules:
  - name: every-quiz
    on: quiz.submitted
    do: [{action: console, text: "{{ data.userId }}"}]
`

func held(o *app.Options) { o.NoSend = true }

func TestServe_answersAsTheReceiverDoes(t *testing.T) {
	s := startServer(t, logRule, held, func(o *app.Options) { o.Company = "c1" })
	quiz := func(user string) string {
		return `{"event":"quiz.submitted","companyId":"c1","data":{"userId":"` + user + `"}}`
	}
	var signature, timestamp string
	keep := func(r *http.Request) {
		signature, timestamp = r.Header.Get("x-mt-webhook-signature"), r.Header.Get("x-mt-webhook-timestamp")
	}
	again := func(r *http.Request) {
		r.Header.Set("x-mt-webhook-signature", signature)
		r.Header.Set("x-mt-webhook-timestamp", timestamp)
	}
	signedAt := func(at time.Time, body string) func(*http.Request) {
		return func(r *http.Request) {
			stamp := strconv.FormatInt(at.Unix(), 10)
			r.Header.Set("x-mt-webhook-timestamp", stamp)
			r.Header.Set("x-mt-webhook-signature", receiver.Sign(testSecret, stamp, []byte(body)))
		}
	}
	deep := `{"event":"quiz.submitted","companyId":"c1","data":` + strings.Repeat(`{"a":`, 70) + "1" +
		strings.Repeat("}", 71)
	quarantined := func(reason string) string { return `{"received": true, "quarantined": "` + reason + `"}` }
	for _, c := range []struct {
		what string
		got  reply
		want string
	}{
		{"a new event", s.post("a", quiz("u1"), keep), `{"received": true}`},
		{"the same once more", s.post("a", quiz("u1"), again), `{"duplicate": true}`},
		{"the same, signed anew", s.post("a", quiz("u1"), signedAt(time.Now().Add(-time.Minute), quiz("u1"))), `{"duplicate": true}`},
		{"the same signature, another id", s.post("b", quiz("u1"), again), quarantined("signature_reused")},
		{"the same id, another body", s.post("a", quiz("u2")), quarantined("id_reused")},
		{"no id", s.post("", quiz("u3")), `{"received": true}`},
		{"no id, once more", s.post("", quiz("u3"), signedAt(time.Now().Add(-time.Minute), quiz("u3"))), `{"duplicate": true}`},
		{"an unknown type", s.post("c", `{"event":"deal.won","companyId":"c1","data":{}}`), `{"received": true}`},
		{"no JSON", s.post("d", `{"event":`), quarantined("not_json")},
		{"no UTF-8", s.post("e", "{\"event\":\"\xff\"}"), quarantined("invalid_utf8")},
		{"a key twice", s.post("f", `{"event":"x","companyId":"c1","data":{"a":1,"a":2}}`), quarantined("duplicate_key")},
		{"too deep", s.post("g", deep), quarantined("too_deep")},
		{"no event", s.post("h", `{"companyId":"c1"}`), quarantined("no_event")},
		{"another company", s.post("i", `{"event":"quiz.submitted","companyId":"c2","data":{}}`), quarantined("other_company")},
		{"too old", s.post("j", quiz("u4"), signedAt(time.Now().Add(-9*time.Hour), quiz("u4"))), quarantined("outside_window")},
		{"too far ahead", s.post("k", quiz("u5"), signedAt(time.Now().Add(10*time.Minute), quiz("u5"))), quarantined("outside_window")},
		{"seven hours old", s.post("l", quiz("u6"), signedAt(time.Now().Add(-7*time.Hour), quiz("u6"))), `{"received": true}`},
		{"the real event behind the garbage's id", s.post("d", quiz("u7")), `{"received": true}`},
	} {
		if !sameJSON(c.got, reply{200, c.want}) {
			t.Errorf("%s: answered %v, want 200 %s", c.what, c.got, c.want)
		}
	}
	var page struct {
		Events []record.Event `json:"events"`
		Next   string         `json:"next_cursor"`
	}
	s.get("/api/v1/events?status=quarantined", &page)
	if len(page.Events) != 10 {
		t.Errorf("%d events are quarantined, want 10", len(page.Events))
	}
	if e := s.event("a"); e.Status != record.Accepted || len(e.Also) != 1 || e.Also[0].Reason != "id_reused" {
		t.Errorf("the event whose id was reused: %+v", e)
	}
	s.get("/api/v1/events?limit=4", &page)
	if len(page.Events) != 4 || page.Next == "" || page.Events[0].ID != "d" {
		t.Errorf("the first page: %+v", page)
	}
	var deliveries struct {
		Deliveries []record.Delivery `json:"deliveries"`
	}
	s.get("/api/v1/deliveries?state=held", &deliveries)
	if len(deliveries.Deliveries) != 4 {
		t.Errorf("%d deliveries are held, want 4: a, the one without id, l and d", len(deliveries.Deliveries))
	}
}

func TestServe_concurrentCopiesLeaveOneEvent(t *testing.T) {
	s := startServer(t, logRule, held)
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 64
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	for round := range rounds {
		id := fmt.Sprintf("copy-%d", round)
		body := fmt.Sprintf(`{"event":"quiz.submitted","companyId":"c1","data":{"userId":"u%d"}}`, round)
		var received, duplicate, other int
		var mu sync.Mutex
		var copies sync.WaitGroup
		for range 64 {
			copies.Go(func() {
				got := s.post(id, body)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case sameJSON(got, reply{200, `{"received": true}`}):
					received++
				case sameJSON(got, reply{200, `{"duplicate": true}`}):
					duplicate++
				default:
					other++
				}
			})
		}
		copies.Wait()
		if received != 1 || duplicate != 63 {
			t.Fatalf("round %d: %d received, %d duplicates, %d others", round, received, duplicate, other)
		}
		if e := s.event(id); len(e.Deliveries) != 1 || len(e.Also) != 0 {
			t.Fatalf("round %d left %d deliveries and %d other events", round, len(e.Deliveries), len(e.Also))
		}
	}
}
