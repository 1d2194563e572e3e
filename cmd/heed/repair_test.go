package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"heed/engine/record"
	"heed/internal/app"
)

// change asks the admin listener to change something.
func (s *server) change(path, request string) (int, string) {
	s.t.Helper()
	response, err := http.Post(s.app.AdminURL()+path, "application/json", strings.NewReader(request))
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body := make([]byte, 4096)
	n, _ := response.Body.Read(body)
	return response.StatusCode, string(body[:n])
}

func hookRule(url string) string {
	return fmt.Sprintf(`
actions:
  hook: {http: {url: %q, allow_private: true, retry: {attempts: 2, min: 1ms, max: 2ms}}}
rules:
  - name: every-quiz
    on: quiz.submitted
    do: [{action: hook, json: {user: "{{ data.userId }}"}}]
`, url)
}

const oneQuiz = `{"event":"quiz.submitted","companyId":"c1","data":{"userId":"u1"}}`

// The other side knows a repeat by its key. What a person has sent again is
// none: it may have been refused for what the receiver has mended since.
func TestRetry_carriesItsOwnKey(t *testing.T) {
	var mended atomic.Bool
	api := newSink(t, func(w http.ResponseWriter, _ *http.Request) {
		if !mended.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	s := startServer(t, hookRule(api.URL))
	s.post("evt-1", oneQuiz)
	first := s.settled("evt-1")[0]
	if first.State != record.Dead || first.Attempts != 2 {
		t.Fatalf("%s after %d attempts", first.State, first.Attempts)
	}
	if status, body := s.change("/api/v1/deliveries/"+first.ID+"/retry", ""); status != http.StatusOK {
		t.Fatalf("retry: %d %s", status, body)
	}
	s.settled("evt-1")
	mended.Store(true)
	if status, body := s.change("/api/v1/deliveries/retry", `{"state":"dead"}`); status != http.StatusOK || !strings.Contains(body, `{"changed":1}`) {
		t.Fatalf("retry all: %d %s", status, body)
	}
	last := s.settled("evt-1")[0]
	if last.State != record.Done || last.Attempts != 5 || last.Generation != 2 {
		t.Errorf("%s after %d attempts, generation %d", last.State, last.Attempts, last.Generation)
	}
	var keys []string
	for _, c := range api.got() {
		keys = append(keys, c.header.Get("Idempotency-Key"))
	}
	one, two, three := first.ID, first.ID+"-1", first.ID+"-2"
	if want := []string{one, one, two, two, three}; fmt.Sprint(keys) != fmt.Sprint(want) {
		t.Errorf("the keys are %v, want %v", keys, want)
	}
}

// --no-send sends nothing, whatever an earlier run left or a person retries.
func TestServe_noSendLeavesWaitingDeliveriesAlone(t *testing.T) {
	api := newSink(t, func(w http.ResponseWriter, _ *http.Request) {})
	s := startServer(t, hookRule("http://127.0.0.1:1"))
	s.post("evt-1", oneQuiz)
	dead := s.settled("evt-1")[0]
	s.stop()

	quiet := startServer(t, hookRule(api.URL), held, func(o *app.Options) { o.Data = filepath.Join(s.dir, "data") })
	if status, body := quiet.change("/api/v1/deliveries/"+dead.ID+"/retry", ""); status != http.StatusOK {
		t.Fatalf("retry: %d %s", status, body)
	}
	quiet.post("evt-2", oneQuiz)
	quiet.stop()
	if calls := api.got(); len(calls) > 0 {
		t.Errorf("sent with --no-send: %+v", calls)
	}

	loud := startServer(t, hookRule(api.URL), func(o *app.Options) { o.Data = filepath.Join(s.dir, "data") })
	if d := loud.settled("evt-1")[0]; d.State != record.Done {
		t.Errorf("without --no-send it is %s", d.State)
	}
	if d := loud.settled("evt-2")[0]; d.State != record.Held {
		t.Errorf("what was held is %s", d.State)
	}
}

// What waits for an action that is out of order keeps its attempts, and the
// rest of what its events ask for is sent.
func TestServe_outageUsesUpFewAttempts(t *testing.T) {
	down := newSink(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	up := newSink(t, func(w http.ResponseWriter, _ *http.Request) {})
	s := startServer(t, fmt.Sprintf(`
actions:
  down: {http: {url: %q, allow_private: true, concurrency: 8, retry: {attempts: 30, min: 1ms, max: 2ms}}}
  up: {http: {url: %q, allow_private: true}}
rules:
  - name: both
    on: quiz.submitted
    do: [{action: down, json: {}}, {action: up, json: {}}]
`, down.URL, up.URL))
	for i := range 60 {
		s.post(fmt.Sprint("evt-", i), oneQuiz+strings.Repeat(" ", i))
	}
	for deadline := time.Now().Add(20 * time.Second); len(up.got()) < 60; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("only %d of 60 went out", len(up.got()))
		}
	}
	if n := len(down.got()); n < 5 || n > 5+8 {
		t.Errorf("%d attempts at what is out of order: 5 and those under way beside them, 8 at most", n)
	}
}
