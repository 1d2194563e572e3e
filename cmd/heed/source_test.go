package main

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"heed/engine/record"
	"heed/internal/admin"
	"heed/internal/app"
	"heed/internal/receiver"
)

// signedAt signs a request anew, at another time.
func signedAt(at time.Time, body string) func(*http.Request) {
	return func(r *http.Request) {
		timestamp := strconv.FormatInt(at.Unix(), 10)
		r.Header.Set("x-mt-webhook-timestamp", timestamp)
		r.Header.Set("x-mt-webhook-signature", receiver.Sign(testSecret, timestamp, []byte(body)))
	}
}

// What does not come from the source, or not just now, does not hide that it is
// silent: not in the API, nor in the metric, nor after a restart.
func TestServe_lastGoodEventIsTheLastNewOne(t *testing.T) {
	s := startServer(t, "actions: {console: {log: {}}}\nrules: [{name: r, on: heed.event.quarantined, do: [{action: console, text: x}]}]\n")
	lastGood := func() (string, float64) {
		t.Helper()
		var source admin.Source
		s.get("/api/v1/source", &source)
		var text string
		s.get("/metrics", &text)
		value := regexp.MustCompile(`(?m)^heed_last_good_delivery_timestamp_seconds (.*)$`).FindStringSubmatch(text)
		seconds, err := strconv.ParseFloat(value[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if source.LastGood == nil {
			return "", seconds
		}
		if at := float64(source.LastGoodAt.UnixMilli()) / 1000; at != seconds {
			t.Errorf("the API says %v, the metric %v", at, seconds)
		}
		return source.LastGood.ID, seconds
	}
	if id, at := lastGood(); id != "" || at != 0 {
		t.Errorf("before the first event: %s at %v", id, at)
	}
	now := time.Now()
	post := func(id, body string, at time.Time, want string) {
		t.Helper()
		if got := s.post(id, body, signedAt(at, body)); got.status != 200 || !strings.Contains(got.body, want) {
			t.Fatalf("%s: %v", id, got)
		}
	}
	post("stale", oneQuiz, now.Add(-30*24*time.Hour), "outside_window")
	if id, at := lastGood(); id != "" || at != 0 {
		t.Errorf("after a stale event: %s at %v", id, at)
	}
	post("good", oneQuiz, now, "received")
	id, at := lastGood()
	if id != "good" || at < float64(now.Unix()) {
		t.Errorf("after an event: %s at %v", id, at)
	}
	post("good", oneQuiz, now, "duplicate")
	post("good", oneQuiz, now.Add(-time.Second), "duplicate")
	for _, replay := range []string{"replay-1", "replay-2", "replay-1"} {
		post(replay, oneQuiz, now, "signature_reused")
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) { // polling another goroutine's work
		var page struct{ Events []record.Event }
		if s.get("/api/v1/events?type=heed.event.quarantined", &page); len(page.Events) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("heed's own event did not come")
		}
	}
	if again, sameAt := lastGood(); again != id || sameAt != at {
		t.Errorf("after what shows nothing: %s at %v, not %v", again, sameAt, at)
	}
	if e := s.event("replay-1"); e.Reuses != 3 || e.Original != "good" || string(e.Body) != `""` {
		t.Errorf("the replay is %+v", e)
	}
	var shown strings.Builder
	replayed := s.event("replay-1")
	printEvent(streams{out: &shown, env: noEnv}, &replayed)
	if got := shown.String(); strings.Contains(got, "\nbody\n") || !strings.Contains(got, "signature of good came under other ids, 3 times;") {
		t.Errorf("the replay is shown as\n%s", got)
	}
	s.stop()
	var out strings.Builder
	code := run([]string{"webhooks", "status", "--data", s.app.Data, "--rules", s.app.Rules}, streams{in: strings.NewReader(""), out: &out, err: &out, env: noEnv})
	if want := "last event: quiz.submitted at " + shortTime(time.UnixMilli(int64(at*1000))); code != 0 || !strings.Contains(out.String(), want) {
		t.Errorf("%d, %s\nwant %s", code, out.String(), want)
	}
}

// A short --silent-after is kept to the second, and heed's own events do not
// count.
func TestServe_aSilentSourceIsAnEvent(t *testing.T) {
	s := startServer(t, "actions: {console: {log: {}}}\nrules: [{name: r, on: heed.source.silent, do: [{action: console, text: \"{{ data.message }}\"}]}]\n",
		func(o *app.Options) { o.SilentAfter = 300 * time.Millisecond })
	silences := func() int {
		var page struct{ Events []record.Event }
		s.get("/api/v1/events?type=heed.source.silent", &page)
		return len(page.Events)
	}
	wait := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); silences() != n; time.Sleep(5 * time.Millisecond) { // as above
			if time.Now().After(deadline) {
				t.Fatalf("%d silences, not %d", silences(), n)
			}
		}
	}
	wait(1)
	s.post("e1", oneQuiz)
	var source admin.Source
	if s.get("/api/v1/source", &source); source.LastGood == nil || source.LastGood.ID != "e1" {
		t.Errorf("the last good event is %+v", source.LastGood)
	}
}

// A timestamp in RFC 3339 is one like any other, and the window applies to it.
func TestServe_timestampsInRFC3339(t *testing.T) {
	s := startServer(t, logRule)
	signed := func(at time.Time, layout string) func(*http.Request) {
		return func(r *http.Request) {
			timestamp := at.Format(layout)
			r.Header.Set("x-mt-webhook-timestamp", timestamp)
			r.Header.Set("x-mt-webhook-signature", receiver.Sign(testSecret, timestamp, []byte(oneQuiz)))
		}
	}
	india := time.FixedZone("", 5*3600+1800)
	now := time.Now()
	for id, c := range map[string]struct {
		edit func(*http.Request)
		want reply
	}{
		"utc":       {signed(now.UTC(), time.RFC3339), reply{200, `{"received": true}`}},
		"offset":    {signed(now.In(india), time.RFC3339Nano), reply{200, `{"received": true}`}},
		"too old":   {signed(now.Add(-9*time.Hour).In(india), time.RFC3339), reply{200, `{"received": true, "quarantined": "outside_window"}`}},
		"in future": {signed(now.Add(10*time.Minute).UTC(), time.RFC3339), reply{200, `{"received": true, "quarantined": "outside_window"}`}},
		"no zone":   {signed(now.UTC(), "2006-01-02T15:04:05"), reply{403, `{"error": "Invalid signature"}`}},
	} {
		if got := s.post(strings.ReplaceAll(id, " ", "-"), oneQuiz, c.edit); got != c.want {
			t.Errorf("%s: %v", id, got)
		}
	}
	if e := s.event("offset"); e.SignedAt.Sub(now).Abs() > time.Millisecond {
		t.Errorf("signed at %v, not %v", e.SignedAt, now)
	}
}
