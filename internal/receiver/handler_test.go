package receiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"heed/engine/intake"
	"heed/engine/source"

	"github.com/google/go-cmp/cmp"
)

func TestVerifiedRequestIsHandedOverAsItCame(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	body := []byte("{\"event\":\t\"x\" , \"data\": {}}\n")
	r, _ := http.NewRequest("POST", g.url+webhookPath, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set(timestampHeader, "1700000000123")
	r.Header.Set(signatureHeader, Sign(testSecret, "1700000000123", body))
	r.Header.Set(eventIDHeader, "evt_42")
	if got := do(t, r); got.Status != 200 {
		t.Fatalf("got %d %s", got.Status, got.Body)
	}
	mac := macOfHex(r.Header.Get(signatureHeader))
	requests, _ := g.take()
	want := []intake.Request{{
		Source:    source.MindtickleSource(),
		ID:        "evt_42",
		SignedAt:  time.Date(2023, 11, 14, 22, 13, 20, 123e6, time.UTC),
		Signature: mac,
		Body:      body,
	}}
	if diff := cmp.Diff(want, requests); diff != "" {
		t.Errorf("handed over (-want +got):\n%s", diff)
	}
	if cap(requests[0].Body) != len(body) {
		t.Errorf("a body of %d bytes keeps %d", len(body), cap(requests[0].Body))
	}
}

func TestAnswersSayWhatBecameOfTheEvent(t *testing.T) {
	for name, c := range map[string]struct {
		answer intake.Answer
		want   string
	}{
		"stored":                 {intake.Answer{}, `{"received": true}`},
		"seen before":            {intake.Answer{Duplicate: true}, `{"duplicate": true}`},
		"quarantined":            {intake.Answer{Quarantined: "not_json"}, `{"received": true, "quarantined": "not_json"}`},
		"quarantined, again":     {intake.Answer{Quarantined: "not_json", Duplicate: true}, `{"duplicate": true}`},
		"a reason to be escaped": {intake.Answer{Quarantined: "a\"\n"}, `{"received": true, "quarantined": "a\"\n"}`},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, fixedKeys(t, testSecret))
			g.accept = func(context.Context, intake.Request) (intake.Answer, error) { return c.answer, nil }
			got := do(t, g.delivery(t, testSecret, testBody))
			if got.Status != 200 || got.Body != c.want || got.Header.Get("Content-Type") != "application/json" {
				t.Errorf("got %d %s %v", got.Status, got.Body, got.Header)
			}
			if diff := cmp.Diff([]intake.Answer{c.answer}, g.answered); diff != "" {
				t.Errorf("observed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStoreThatIsUnavailableMeans503AndComesBack(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	broken := true
	g.accept = func(context.Context, intake.Request) (intake.Answer, error) {
		if broken {
			return intake.Answer{}, errors.New("commit: database or disk is full")
		}
		return intake.Answer{}, nil
	}
	for range 3 {
		got := do(t, g.delivery(t, testSecret, testBody))
		if got.Status != 503 || got.Header.Get("Retry-After") != "30" || strings.Contains(got.Body, "disk") {
			t.Fatalf("got %d %s %v", got.Status, got.Body, got.Header)
		}
	}
	if g.logs.count("disk is full") != 1 || g.logs.count("level=ERROR") != 1 {
		t.Errorf("want one line, got:\n%s", g.logs)
	}
	if _, refused := g.take(); !cmp.Equal(refused, []Reason{Unavailable, Unavailable, Unavailable}) {
		t.Errorf("refused %v", refused)
	}
	broken = false
	if got := do(t, g.delivery(t, testSecret, testBody)); got.Status != 200 {
		t.Errorf("after the repair: %d %s", got.Status, got.Body)
	}
}

func TestPanicIsA503AndTheServerLivesOn(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	g.accept = func(_ context.Context, r intake.Request) (intake.Answer, error) {
		if r.ID == "evt_1" {
			panic("index out of range\nlevel=INFO msg=forged")
		}
		return intake.Answer{}, nil
	}
	for range 2 {
		got := do(t, g.delivery(t, testSecret, testBody))
		if got.Status != 503 || got.Header.Get("Retry-After") == "" || strings.Contains(got.Body, "index") {
			t.Fatalf("got %d %s", got.Status, got.Body)
		}
	}
	if logs := g.logs.String(); strings.Count(logs, "\n") != 1 || !strings.Contains(logs, "handler_test.go") ||
		strings.Contains(logs, "forged") {
		t.Errorf("want one line with the stack, and no value, got:\n%s", logs)
	}
	r := g.delivery(t, testSecret, testBody)
	r.Header.Set(eventIDHeader, "evt_2")
	if got := do(t, r); got.Status != 200 {
		t.Errorf("the next one: %d", got.Status)
	}
}

func TestSenderThatHangsUpEndsTheWait(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	waiting, done := make(chan struct{}), make(chan error)
	g.accept = func(ctx context.Context, _ intake.Request) (intake.Answer, error) {
		close(waiting)
		<-ctx.Done()
		done <- ctx.Err()
		return intake.Answer{}, ctx.Err()
	}
	ctx, hangUp := context.WithCancel(t.Context())
	go func() {
		<-waiting
		hangUp()
	}()
	if _, err := http.DefaultClient.Do(g.delivery(t, testSecret, testBody).WithContext(ctx)); err == nil {
		t.Fatal("got an answer")
	}
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the intake saw %v", err)
	}
	if g.logs.count("level=ERROR") != 0 {
		t.Errorf("blamed the store:\n%s", g.logs)
	}
}

func TestStoreThatHangsIsA503BeforeTheWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, fixedKeys(t, testSecret))
		g.accept = func(ctx context.Context, _ intake.Request) (intake.Answer, error) {
			<-ctx.Done()
			return intake.Answer{}, ctx.Err()
		}
		r := httptest.NewRequest("POST", webhookPath, bytes.NewReader(testBody))
		r.Header = g.delivery(t, testSecret, testBody).Header
		w := httptest.NewRecorder()
		begin := time.Now()
		g.handler.ServeHTTP(w, r)
		if took := time.Since(begin); w.Code != 503 || readTimeout+took >= writeTimeout {
			t.Errorf("got %d after %v", w.Code, took)
		}
		if _, refused := g.take(); !cmp.Equal(refused, []Reason{Unavailable}) {
			t.Errorf("refused %v", refused)
		}
	})
}

func TestOtherPathsAndMethodsAreRefused(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"POST", "/", 404, ""},
		{"POST", webhookPath + "//", 404, ""},
		{"POST", "/" + webhookPath, 404, ""},
		{"GET", "/metrics", 404, ""},
		{"GET", "/debug/pprof/", 404, ""},
		{"GET", webhookPath, 405, "POST"},
		{"HEAD", webhookPath, 405, "POST"},
		{"PUT", webhookPath, 405, "POST"},
		{"OPTIONS", webhookPath, 405, "POST"},
		{"post", webhookPath, 405, "POST"},
		{"POST", healthyPath, 405, "GET, HEAD"},
		{"DELETE", readyPath, 405, "GET, HEAD"},
	} {
		r, err := http.NewRequest(c.method, g.url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := do(t, r); got.Status != c.status || got.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: got %d, Allow %q", c.method, c.path, got.Status, got.Header.Get("Allow"))
		}
	}
	if got := raw(t, g.addr, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"); got.Status != 404 {
		t.Errorf("OPTIONS *: got %d", got.Status)
	}
	if requests, _ := g.take(); len(requests) != 0 {
		t.Errorf("%d were handed over", len(requests))
	}
	if logs := g.logs.String(); logs != "" {
		t.Errorf("a scanner leaves log lines:\n%s", logs)
	}
}

func TestDeliveryToAnotherPathIsWarnedOf(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	r := g.delivery(t, testSecret, testBody)
	r.URL.Path = "/webhook"
	if got := do(t, r); got.Status != 404 || g.logs.count("must end in "+webhookPath) != 1 {
		t.Errorf("got %d, logged:\n%s", got.Status, g.logs)
	}
}

func TestHealthSaysOKAndReadySaysWhetherItIs(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	probe := func(method, path string) string {
		r, _ := http.NewRequest(method, g.url+path, nil)
		got := do(t, r)
		return fmt.Sprint(got.Status, " ", got.Body)
	}
	for _, path := range []string{healthyPath, readyPath} {
		if got := probe("GET", path); got != "200 ok" {
			t.Errorf("GET %s: %s", path, got)
		}
		if got := probe("HEAD", path); got != "200 " {
			t.Errorf("HEAD %s: %s", path, got)
		}
	}
	g.ready = func() error { return errors.New("store locked by pid 17") }
	if got := probe("GET", readyPath); got != "503 not ready" {
		t.Errorf("GET %s: %s", readyPath, got)
	}
	if got := probe("GET", healthyPath); got != "200 ok" {
		t.Errorf("GET %s: %s", healthyPath, got)
	}
}

func TestNewNamesEveryMissingOption(t *testing.T) {
	_, err := New(Options{})
	for _, name := range []string{"Sources", "LookupEnv", "Intake", "Ready", "Observe", "Log", "Now"} {
		if err == nil || !strings.Contains(err.Error(), "option "+name+" is missing") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHandler_observerGetsTheContextOfTheRequest(t *testing.T) {
	type key struct{}
	g := newRig(t, fixedKeys(t, testSecret))
	for i, secret := range []string{testSecret, "another secret"} {
		r := httptest.NewRequest("POST", webhookPath, bytes.NewReader(testBody))
		r.Header = g.delivery(t, secret, testBody).Header
		g.handler.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithValue(r.Context(), key{}, i)))
		if len(g.observedBy) != i+1 || g.observedBy[i].Value(key{}) != i {
			t.Errorf("signed with %q: observed by %v", secret, g.observedBy)
		}
	}
}

// A flood of refusals is one line a minute, which counts the others.
func TestRefusalsAreLoggedOncePerReasonAndMinute(t *testing.T) {
	g := newRig(t, fixedKeys(t, testSecret))
	now := time.Unix(1700000000, 0)
	g.handler.warnings.now = func() time.Time { return now }
	send := func(change func(http.Header)) {
		r := httptest.NewRequest("POST", webhookPath, bytes.NewReader(testBody))
		r.Header = g.delivery(t, "another secret", testBody).Header
		change(r.Header)
		w := httptest.NewRecorder()
		g.handler.ServeHTTP(w, r)
		if w.Code == 200 {
			t.Fatal("accepted")
		}
	}
	wrong := func(http.Header) {}
	unsigned := func(h http.Header) { h.Del(signatureHeader) }
	for range 100 {
		send(wrong)
		send(unsigned)
	}
	if n := g.logs.count("\n"); n != 2 || g.logs.count("was the secret rotated at MindTickle?") != 1 {
		t.Fatalf("%d lines after 200 refusals:\n%s", n, g.logs)
	}
	now = now.Add(warnEvery)
	send(wrong)
	if g.logs.count("\n") != 3 || g.logs.count("count=100") != 1 {
		t.Errorf("a minute later:\n%s", g.logs)
	}
	now = now.Add(-time.Hour)
	send(wrong)
	if g.logs.count("\n") != 4 {
		t.Errorf("after the clock was set back:\n%s", g.logs)
	}
	if g.logs.count("level=INFO") != 0 {
		t.Errorf("logged at info:\n%s", g.logs)
	}
}
