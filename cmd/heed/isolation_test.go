package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"heed/actions/delivery"
	"heed/engine/record"
	"heed/internal/admin"
)

// eventually waits for what another process would poll for.
func eventually(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about within %s", what, limit)
		}
	}
}

func quizOf(user string) string {
	return fmt.Sprintf(`{"event":"quiz.submitted","companyId":"acme","data":{"userId":%q,"score":61}}`, user)
}

// Twelve deliveries that always fail come first; three good ones to the same
// endpoint follow.
func TestServe_badDeliveriesDoNotBlockGoodOnes(t *testing.T) {
	api := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "bad") {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	mail := newMailbox(t)
	mail.refuse = func(text string) error {
		if strings.Contains(text, "bad") {
			return &smtp.SMTPError{Code: 451, Message: "cannot process it"}
		}
		return nil
	}
	s := startServer(t, fmt.Sprintf(`
actions:
  api: {http: {url: %q, allow_private: true, concurrency: 2}}
  mail: {email: {smtp: "smtp://%s", from: heed@example.com, tls: none, allow_private: true}}
rules:
  - name: both
    on: quiz.submitted
    do:
      - {action: api, json: "{{ data.userId }}"}
      - {action: mail, to: a@example.com, subject: a, text: "{{ data.userId }}"}
`, api.URL, mail.addr))
	for i := range 12 {
		s.post(fmt.Sprint("bad-", i), quizOf(fmt.Sprint("bad-", i)))
	}
	for i := range 3 {
		s.post(fmt.Sprint("good-", i), quizOf(fmt.Sprint("good-", i)))
	}
	good := func() (calls int) {
		for _, c := range api.got() {
			if strings.Contains(c.body, "good") {
				calls++
			}
		}
		return calls
	}
	eventually(t, 5*time.Second, "the delivery of three good calls and mails", func() bool { return good() == 3 && len(mail.got()) == 3 })
}

func TestServe_orderPerKeepsTheOrderOfEvents(t *testing.T) {
	refused := false
	lms := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/grant" && !refused {
			refused = true
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	s := startServer(t, fmt.Sprintf(`
actions: {lms: {http: {url: %q, allow_private: true, retry: {min: 500ms, max: 500ms}}}}
rules:
  - {name: grant, on: user.provisioned, do: [{action: lms, path: /grant, json: 1, order_per: data.userId}]}
  - {name: revoke, on: user.deprovisioned, do: [{action: lms, path: /revoke, json: 1, order_per: data.userId}]}
`, lms.URL))
	s.post("g", `{"event":"user.provisioned","companyId":"acme","data":{"userId":"u1"}}`)
	eventually(t, 5*time.Second, "the first call", func() bool { return len(lms.got()) == 1 })
	s.post("r", `{"event":"user.deprovisioned","companyId":"acme","data":{"userId":"u1"}}`)
	s.settled("r")
	var paths []string
	for _, c := range lms.got() {
		paths = append(paths, c.path)
	}
	if got := strings.Join(paths, " "); got != "/grant /grant /revoke" {
		t.Errorf("the calls were %s", got)
	}
}

func TestServe_saysWhatADeliveryWaitsForAndReconsidersAChangedAction(t *testing.T) {
	api := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	rules := `
actions: {api: {http: {url: %q, allow_private: true}}}
rules: [{name: r, on: quiz.submitted, do: [{action: api, json: 1}]}]
`
	s := startServer(t, fmt.Sprintf(rules, api.URL+"/old"))
	s.post("a", quizOf("u1"))
	eventually(t, 5*time.Second, "the first answer", func() bool { return s.event("a").Deliveries[0].State == record.Retrying })
	s.post("b", quizOf("u2"))
	waits := s.event("b").Deliveries[0].Waits
	if waits == nil || waits.For != delivery.WaitRetryAfter || waits.Until.Before(time.Now().Add(9*time.Minute)) {
		t.Errorf("it waits for %+v", waits)
	}
	var page struct{ Deliveries []admin.Delivery }
	s.get("/api/v1/deliveries?state=pending", &page)
	if len(page.Deliveries) != 1 || page.Deliveries[0].Waits == nil {
		t.Errorf("the list says %+v", page)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "rules.yaml"), fmt.Appendf(nil, rules, api.URL+"/new"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		if d := s.settled(id)[0]; d.State != record.Done {
			t.Errorf("%s: %+v", id, d)
		}
	}
}

// A renamed action must not use up the attempts of what waits for it.
func TestServe_keepsDeliveriesOfAnActionThatIsGone(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	api := newSink(t, func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	other := newSink(t, func(http.ResponseWriter, *http.Request) {})
	rules := `
actions: {%s: {http: {url: %q, allow_private: true, retry: {min: 10ms, max: 10ms}}}}
rules: [{name: r, on: quiz.submitted, do: [{action: %[1]s, json: 1}]}]
`
	s := startServer(t, fmt.Sprintf(rules, "api", api.URL))
	configure := func(name, url string) {
		t.Helper()
		if err := os.WriteFile(s.app.Rules, fmt.Appendf(nil, rules, name, url), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.app.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.post("a", quizOf("u1"))
	eventually(t, 5*time.Second, "the first answer", func() bool { return s.event("a").Deliveries[0].State == record.Retrying })
	configure("other", other.URL)
	eventually(t, 5*time.Second, "the end of the attempts", func() bool {
		waits := s.event("a").Deliveries[0].Waits
		return waits != nil && waits.For == delivery.WaitAction
	})
	s.post("b", quizOf("u2"))
	s.settled("b")
	if d := s.event("a").Deliveries[0]; d.State != record.Retrying {
		t.Errorf("without its action: %+v", d)
	}
	down.Store(false) // not before: an attempt may be in flight when the action goes
	configure("api", api.URL)
	if d := s.settled("a")[0]; d.State != record.Done {
		t.Errorf("with its action again: %+v", d)
	}
}

// An API takes 20 calls a second and answers 429 to the others, without saying
// how long to wait.
func TestServe_findsThePaceOfAnAPI(t *testing.T) {
	var mu sync.Mutex
	tokens, last, taken, calls := 20.0, time.Now(), 0, 0
	api := newSink(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		tokens, last = min(20, tokens+20*time.Since(last).Seconds()), time.Now()
		if tokens < 1 {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		tokens--
		taken++
	})
	s := startServer(t, fmt.Sprintf(`
actions: {api: {http: {url: %q, allow_private: true}}}
rules: [{name: r, on: quiz.submitted, do: [{action: api, json: 1}]}]
`, api.URL))
	const events = 100
	for i := range events {
		s.post(fmt.Sprint("e", i), quizOf(fmt.Sprint("u", i)))
	}
	eventually(t, 2*time.Minute, "the delivery of all", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return taken == events
	})
	mu.Lock()
	defer mu.Unlock()
	if calls > events*3/2 {
		t.Errorf("%d calls for %d deliveries", calls, events)
	}
}
