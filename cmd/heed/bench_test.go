package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heed/internal/receiver"
)

const benchRules = `
actions: {sink: {http: {url: %q, allow_private: true, concurrency: 32}}}
rules: [{name: r, on: quiz.submitted, when: data.score < 70, do: [{action: sink, json: {user: "{{ data.userId }}", score: "{{ data.score }}"}}]}]
`

// BenchmarkDeliveries sends deliveries to a sink on this machine, each with its
// records: how many a second from the first to the last, while the events come
// in as fast as they can.
func BenchmarkDeliveries(b *testing.B) {
	var arrived atomic.Int64
	done := make(chan struct{})
	sink := newBareSink(b, func() {
		if arrived.Add(1) == int64(b.N) {
			close(done)
		}
	})
	s := startServer(b, fmt.Sprintf(benchRules, sink))
	b.ResetTimer()
	start := time.Now()
	var senders sync.WaitGroup
	var next atomic.Int64
	for range 16 {
		senders.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if _, err := sendQuiz(s, fmt.Sprint("b", n)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	senders.Wait()
	<-done
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "deliveries/s")
}

// BenchmarkEndToEnd sends 200 events a second and measures from each request to
// the call that follows from it.
func BenchmarkEndToEnd(b *testing.B) {
	var mu sync.Mutex
	var sent, latencies []time.Duration
	start := time.Now()
	done := make(chan struct{})
	sink := newBareSink(b, func() {
		mu.Lock()
		defer mu.Unlock()
		latencies = append(latencies, time.Since(start)-sent[len(latencies)]) // in the order of the requests, near enough
		if len(latencies) == b.N {
			close(done)
		}
	})
	s := startServer(b, fmt.Sprintf(benchRules, sink))
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	b.ResetTimer()
	for n := range b.N {
		<-ticker.C
		mu.Lock()
		sent = append(sent, time.Since(start))
		mu.Unlock()
		if _, err := sendQuiz(s, fmt.Sprint("e", n)); err != nil {
			b.Fatal(err)
		}
	}
	<-done
	slices.Sort(latencies)
	b.ReportMetric(float64(latencies[len(latencies)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(latencies[len(latencies)*99/100].Microseconds())/1000, "p99-ms")
}

// newBareSink is an HTTP server that only tells of each call.
func newBareSink(b *testing.B, arrived func()) string {
	l := listen(b)
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived() })}
	go func() { _ = server.Serve(l) }()
	b.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String()
}

func sendQuiz(s *server, id string) (int, error) {
	return sendSigned(strings.TrimSuffix(strings.TrimPrefix(s.app.webhookURL(), "http://"), receiver.WebhookPath), id)
}
