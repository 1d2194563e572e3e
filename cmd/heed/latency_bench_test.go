package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkEndToEnd sends 200 events a second and measures from each request to
// the call that follows from it.
func BenchmarkEndToEnd(b *testing.B) {
	b.Setenv("TEST_SLACK_TOKEN", "xoxb-test")
	for _, c := range []struct{ kind, action, step string }{
		{"http", "http: {url: %q, allow_private: true}", `json: {user: "{{ data.userId }}"}`},
		{
			"slack", "slack: {token: {env: TEST_SLACK_TOKEN}, channel: c, api_url: %q, allow_private: true, rate: 1000/s}",
			`text: "{{ data.userId }}"`,
		},
	} {
		b.Run("action="+c.kind, func(b *testing.B) {
			l := newLatencies()
			s := startServer(b, "actions: {sink: {"+fmt.Sprintf(c.action, l.sink(b, nil))+"}}\n"+
				"rules: [{name: r, on: quiz.submitted, do: [{action: sink, "+c.step+"}]}]\n")
			b.ResetTimer()
			l.send(b, s, b.N, 5*time.Millisecond)
			l.wait(b.N)
			b.ReportMetric(millis(l.percentile(50)), "p50-ms")
			b.ReportMetric(millis(l.percentile(99)), "p99-ms")
		})
	}
}

// BenchmarkBesideTrouble sends 50 events a second, each to ten endpoints. It compares
// how late eight of them are called while the other two work, with how late when one
// of those hangs and one fails.
func BenchmarkBesideTrouble(b *testing.B) {
	const events = 1000
	measure := func(ninth, tenth http.HandlerFunc) time.Duration {
		l := newLatencies()
		var actions, steps []string
		for i := range 10 {
			handler := map[int]http.HandlerFunc{8: ninth, 9: tenth}[i]
			actions = append(actions, fmt.Sprintf("a%d: {http: {url: %q, allow_private: true}}", i, l.sink(b, handler)))
			steps = append(steps, fmt.Sprintf(`{action: a%d, json: {user: "{{ data.userId }}"}}`, i))
		}
		s := startServer(b, "actions: {"+strings.Join(actions, ", ")+"}\n"+
			"rules: [{name: r, on: quiz.submitted, do: ["+strings.Join(steps, ", ")+"]}]\n")
		l.send(b, s, events, 20*time.Millisecond)
		l.wait(8 * events)
		return l.percentile(99)
	}
	works := func(http.ResponseWriter, *http.Request) {}
	hangs := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	fails := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
	for b.Loop() {
		without, with := measure(works, works), measure(hangs, fails)
		b.ReportMetric(millis(without), "p99-ms-without")
		b.ReportMetric(millis(with), "p99-ms-with")
		b.ReportMetric(with.Seconds()/without.Seconds(), "ratio")
	}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// latencies are the times from requests to the calls that follow from them.
type latencies struct {
	mu   sync.Mutex
	sent map[string]time.Time
	all  []time.Duration
	more *sync.Cond
}

func newLatencies() *latencies {
	l := &latencies{sent: map[string]time.Time{}}
	l.more = sync.NewCond(&l.mu)
	return l
}

var benchID = regexp.MustCompile(`event-[0-9]+`)

// sink is the address of an endpoint whose calls count, unless it has a handler of its
// own.
func (l *latencies) sink(b *testing.B, own http.HandlerFunc) string {
	count := func(w http.ResponseWriter, r *http.Request) {
		at := time.Now()
		body, _ := io.ReadAll(r.Body)
		id := benchID.FindString(string(body))
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, at.Sub(l.sent[id]))
		l.more.Broadcast()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok": true, "channel": "C1", "ts": "1.2"}`)
	}
	if own == nil {
		own = count
	}
	server := httptest.NewServer(own)
	b.Cleanup(server.CloseClientConnections)
	return server.URL
}

// send sends so many events, one at each tick, and does not wait for the answers.
func (l *latencies) send(b *testing.B, s *server, events int, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var senders sync.WaitGroup
	for n := range events {
		<-ticker.C
		senders.Go(func() {
			id := fmt.Sprint("event-", n)
			l.mu.Lock()
			l.sent[id] = time.Now()
			l.mu.Unlock()
			if _, err := sendQuiz(s, id); err != nil {
				b.Error(err)
			}
		})
	}
	senders.Wait()
}

// wait waits for so many calls.
func (l *latencies) wait(calls int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.all) < calls {
		l.more.Wait()
	}
}

func (l *latencies) percentile(percent int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.all)
	return l.all[len(l.all)*percent/100]
}
