package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heed/actions/httpcall"
	"heed/engine"
	"heed/engine/intake"
	"heed/engine/people"
	"heed/internal/app"
	"heed/internal/store"
	"heed/internal/store/pgtest"
)

const benchRules = `
actions: {sink: {http: {url: %q, allow_private: true, timeout: 10m}}}
rules: [{name: r, on: quiz.submitted, when: data.score < 70, do: [{action: sink, json: {user: "{{ data.userId }}", score: "{{ data.score }}"}}]}]
`

// BenchmarkDeliveries sends deliveries that wait to a sink on this machine, at
// the default concurrency, each with all its records: how many a second, and for
// a sink that takes 50 ms, how much of what the concurrency allows.
func BenchmarkDeliveries(b *testing.B) {
	for _, c := range []struct {
		name string
		took time.Duration
		n    int
	}{{"instant", 0, 40_000}, {"50ms", 50 * time.Millisecond, 4_000}} {
		b.Run("sink="+c.name, func(b *testing.B) {
			for b.Loop() {
				rate := deliver(b, c.n, c.took, func(*app.Options) {})
				b.ReportMetric(rate, "deliveries/s")
				if c.took > 0 {
					possible := float64(httpcall.Kind{}.Defaults().Concurrency) / c.took.Seconds()
					b.ReportMetric(100*rate/possible, "%-of-possible")
				}
			}
		})
	}
}

// BenchmarkDeliveriesPostgres is BenchmarkDeliveries with the store on PostgreSQL.
func BenchmarkDeliveriesPostgres(b *testing.B) {
	pgtest.Skip(b)
	for b.Loop() {
		shared := func(o *app.Options) { o.Store = pgtest.New(b) }
		b.ReportMetric(deliver(b, 20_000, 0, shared), "deliveries/s")
	}
}

// deliver has n events accepted while the sink answers nobody, then lets it
// answer, and gives how many it got a second from then on.
func deliver(b *testing.B, n int, took time.Duration, change func(*app.Options)) float64 {
	var arrived atomic.Int64
	open, done := make(chan struct{}), make(chan struct{})
	sink := newBareSink(b, func() {
		<-open
		time.Sleep(took)
		if arrived.Add(1) == int64(n) {
			close(done)
		}
	})
	s := startServer(b, fmt.Sprintf(benchRules, sink), change)
	var senders sync.WaitGroup
	var next atomic.Int64
	for range 64 {
		senders.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if _, err := sendQuiz(s, fmt.Sprint("b", i)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	senders.Wait()
	start := time.Now()
	close(open)
	<-done
	rate := float64(n) / time.Since(start).Seconds()
	s.stop()
	return rate
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
	return sendSigned(strings.TrimSuffix(strings.TrimPrefix(s.app.WebhookURL(), "http://"), webhookPath), id)
}

// BenchmarkAcceptanceWithPeople compares durable acceptance by an intake that
// keeps 100,000 people, of whom the events tell, with that by one that keeps
// none, 64 callers at once. Each run has a store of its own, and takes about as
// long as a server waits between two saves; in the midst of it there is one. The
// ratio is that of the medians of three runs each, since a disk that writes back
// what an earlier run left can slow one down by half; 1 is no difference.
func BenchmarkAcceptanceWithPeople(b *testing.B) {
	const events = 400_000
	var took [2][]time.Duration
	for b.Loop() {
		for _, i := range []int{0, 1, 1, 0, 0, 1} { // 0 is with people
			a := newAcceptance(b, i == 0)
			runtime.GC() // of what the last one left
			start := time.Now()
			a.run(b, events)
			took[i] = append(took[i], time.Since(start))
			a.close(b)
		}
	}
	median := func(times []time.Duration) float64 {
		return slices.Sorted(slices.Values(times))[len(times)/2].Seconds()
	}
	b.ReportMetric(events/median(took[0]), "events/s")
	b.ReportMetric(median(took[1])/median(took[0]), "ratio")
}

// acceptance is an intake over a store of its own.
type acceptance struct {
	intake *intake.Intake
	people *people.Projection // nil without
	db     *store.DB
	sent   atomic.Int64
}

func newAcceptance(b *testing.B, keeps bool) *acceptance {
	b.Helper()
	db, err := store.Open(b.Context(), store.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(logRule), 0o600); err != nil {
		b.Fatal(err)
	}
	loaded, err := loadRules(streams{env: os.LookupEnv}, path)
	if err != nil {
		b.Fatal(err)
	}
	a := &acceptance{db: db}
	o := intake.Options{
		Store: db, Rules: func() *engine.RuleSet { return loaded.Rules }, MaxAge: time.Hour, MaxAhead: time.Hour,
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	if keeps {
		if a.people, err = people.OpenProjection(b.Context(), db, o.Log); err != nil {
			b.Fatal(err)
		}
		records := make([]people.Record, 100_000)
		for i := range records {
			records[i] = people.Record{ID: fmt.Sprint("user-", i), Email: fmt.Sprintf("user.%d@example.com", i), Team: fmt.Sprint("team-", i%100)}
		}
		if _, err := a.people.Import(b.Context(), records, time.Now()); err != nil {
			b.Fatal(err)
		}
		o.Learn = a.people.Learn
	}
	if a.intake, err = intake.New(o); err != nil {
		b.Fatal(err)
	}
	return a
}

func (a *acceptance) close(b *testing.B) {
	if err := a.db.Close(); err != nil {
		b.Fatal(err)
	}
}

func (a *acceptance) run(b *testing.B, events int64) {
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for n := a.sent.Add(1); n <= events; n = a.sent.Add(1) {
				if a.people != nil && n == events/2 {
					wg.Go(func() {
						if err := a.people.Save(context.Background()); err != nil {
							b.Error(err)
						}
					})
				}
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
	wg.Wait()
}
