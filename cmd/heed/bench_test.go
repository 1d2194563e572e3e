package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heed/engine"
	"heed/engine/intake"
	"heed/engine/people"
	"heed/internal/receiver"
	"heed/internal/store"
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

// BenchmarkAcceptanceWithPeople compares durable acceptance by an intake that
// keeps 100,000 people, of whom the events tell, with that by one that keeps
// none, 64 callers at once: rounds of each, in turn, until the one with people has
// taken half a minute. It saves as a server does, after each 15 seconds. The ratio
// is that of the times of all rounds; 1 is no difference.
func BenchmarkAcceptanceWithPeople(b *testing.B) {
	const perRound, saveEvery = 10_000, 15 * time.Second
	kinds := [2]*acceptance{newAcceptance(b, true), newAcceptance(b, false)}
	var took [2]time.Duration
	events := 0
	for b.Loop() {
		for until, save := took[0]+30*time.Second, took[0]+saveEvery; took[0] < until; {
			for range 2 * 2 {
				i := (events/perRound + events/perRound/2) % 2 // with, without, without, with: what grows is fair to both
				saves := i == 0 && took[0] >= save
				if saves {
					save += saveEvery
				}
				start := time.Now()
				kinds[i].round(b, perRound, saves)
				took[i] += time.Since(start)
				events += perRound
			}
		}
	}
	b.ReportMetric(float64(events)/2/took[0].Seconds(), "events/s")
	b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "ratio")
}

// acceptance is an intake over a store of its own.
type acceptance struct {
	intake *intake.Intake
	keeper *people.Keeper // nil if it keeps nobody
	sent   atomic.Int64
}

func newAcceptance(b *testing.B, keeps bool) *acceptance {
	b.Helper()
	db, err := store.Open(b.Context(), store.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	path := filepath.Join(b.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(logRule), 0o600); err != nil {
		b.Fatal(err)
	}
	loaded, err := loadRules(streams{env: os.LookupEnv}, path)
	if err != nil {
		b.Fatal(err)
	}
	a := &acceptance{}
	o := intake.Options{
		Store: db, Rules: func() *engine.RuleSet { return loaded.Rules }, MaxAge: time.Hour, MaxAhead: time.Hour,
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	if keeps {
		if a.keeper, err = people.OpenKeeper(b.Context(), db, o.Log); err != nil {
			b.Fatal(err)
		}
		records := make([]people.Record, 100_000)
		for i := range records {
			records[i] = people.Record{ID: fmt.Sprint("user-", i), Email: fmt.Sprintf("user.%d@example.com", i), Team: fmt.Sprint("team-", i%100)}
		}
		if _, err := a.keeper.Import(b.Context(), records, time.Now()); err != nil {
			b.Fatal(err)
		}
		o.Learn = a.keeper.Learn
	}
	if a.intake, err = intake.New(o); err != nil {
		b.Fatal(err)
	}
	return a
}

func (a *acceptance) round(b *testing.B, events int64, save bool) {
	var wg sync.WaitGroup
	until := a.sent.Load() + events
	for range 64 {
		wg.Go(func() {
			for n := a.sent.Add(1); n <= until; n = a.sent.Add(1) {
				user := n * 7919 % 100_000
				signature := sha256.Sum256(fmt.Append(nil, n))
				_, err := a.intake.Accept(context.Background(), intake.Request{
					ID: fmt.Sprint("evt-", n), SignedAt: time.Now(), Signature: signature[:],
					Body: fmt.Appendf(nil, `{"event":"module.progress","companyId":"acme","data":{"userId":"user-%d","moduleId":"module-%d","moduleName":"Discovery calls","progressPct":%d,"timeSpentSec":%d}}`,
						user, n%50, n%101, n%5000),
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	if a.keeper != nil && save {
		wg.Go(func() {
			for a.sent.Load() < until-events/2 {
				time.Sleep(time.Millisecond)
			}
			if err := a.keeper.Save(context.Background()); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}
