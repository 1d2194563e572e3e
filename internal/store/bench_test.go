package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heed/actions/delivery"
	"heed/engine/people"
	"heed/engine/record"
	"heed/internal/store/pgtest"
	"heed/internal/store/storetest"
)

var (
	benchBody    = []byte(`{"event":"quiz.submitted","companyId":"acme","data":{` + strings.Repeat(`"field":"value",`, 12) + `"score":61}}`)
	benchRequest = json.RawMessage(`{"channel":"#coaching","text":"` + strings.Repeat("a low score ", 20) + `"}`)
)

// benchEvent is an event with a random id and signature and one delivery, with
// an id that grows as those of the intake do.
func benchEvent(n int64, action string) (*record.Event, []record.Delivery) {
	random := make([]byte, 48)
	rand.Read(random)
	now := time.Now()
	e := &record.Event{
		ID: hex.EncodeToString(random[:16]), Type: "quiz.submitted", CompanyID: "acme", Status: record.Accepted,
		ReceivedAt: now, SignedAt: now, RuleSet: strings.Repeat("0123456789abcdef", 4),
		Decisions: []record.Decision{{Rule: "low-score", Outcome: "matched"}},
		Signature: random[16:], Body: benchBody,
	}
	d := record.Delivery{
		ID: fmt.Sprintf("%032x", n), Rule: "low-score", Action: action, Kind: "slack", State: record.Pending,
		Request: benchRequest, CreatedAt: now, DueAt: now,
	}
	return e, []record.Delivery{d}
}

// BenchmarkCommit commits events of about 250 bytes with one delivery each, each
// caller waiting for its answer before it commits the next.
func BenchmarkCommit(b *testing.B) {
	eachStore(b, func(b *testing.B, options func() Options) {
		for _, callers := range []int{1, 64, 256} {
			b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { benchCommit(b, callers, options()) })
		}
	})
}

// eachStore runs a benchmark on SQLite, and on PostgreSQL where there is a server.
func eachStore(b *testing.B, run func(b *testing.B, options func() Options)) {
	b.Run("sqlite", func(b *testing.B) { run(b, func() Options { return Options{Dir: b.TempDir()} }) })
	b.Run("postgres", func(b *testing.B) {
		pgtest.Skip(b)
		run(b, func() Options { return Options{URL: pgtest.New(b)} })
	})
}

func benchCommit(b *testing.B, callers int, o Options) {
	var groups, n atomic.Int64
	o.ObserveBatch = func(int) { groups.Add(1) }
	db, err := Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	b.ReportAllocs()
	b.ResetTimer()
	atOnce(callers, func() {
		for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
			e, ds := benchEvent(i, "slack")
			if _, err := storetest.Commit(context.Background(), db, e, ds); err != nil {
				b.Error(err)
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/float64(groups.Load()), "events/group")
}

// BenchmarkDeliver claims deliveries by 32 and finishes those before in the same
// exchange, as the delivery loop does.
func BenchmarkDeliver(b *testing.B) {
	eachStore(b, func(b *testing.B, options func() Options) { benchDeliver(b, options()) })
}

func benchDeliver(b *testing.B, o Options) {
	db, err := Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	fill(b, db, b.N, "slack")
	b.ReportAllocs()
	b.ResetTimer()
	var ends []delivery.End
	for {
		now := time.Now()
		claimed, err := db.Exchange(context.Background(), "run", now, ends, []delivery.Take{{Action: "slack", N: 32, Lease: time.Hour}})
		if err != nil {
			b.Fatal(err)
		}
		if len(claimed.Deliveries) == 0 {
			break
		}
		ends = ends[:0]
		for _, d := range claimed.Deliveries {
			ends = append(ends, delivery.End{ID: d.ID, StartedAt: now, At: now, State: record.Done})
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// BenchmarkDueActions asks while one action has many deliveries waiting.
func BenchmarkDueActions(b *testing.B) {
	for _, waiting := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			db := openTemp(b)
			fill(b, db, waiting, "dead")
			for b.Loop() {
				if _, _, err := db.DueActions(context.Background(), time.Now(), []string{"dead"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpenNew(b *testing.B) {
	for b.Loop() {
		db, err := Open(b.Context(), Options{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func fill(b *testing.B, db *DB, events int, action string) {
	var n atomic.Int64
	atOnce(256, func() {
		for i := n.Add(1); i <= int64(events); i = n.Add(1) {
			e, ds := benchEvent(i, action)
			if _, err := storetest.Commit(context.Background(), db, e, ds); err != nil {
				b.Error(err)
			}
		}
	})
}

func atOnce(callers int, do func()) {
	var wg sync.WaitGroup
	for range callers {
		wg.Go(do)
	}
	wg.Wait()
}

// BenchmarkSavePeople saves progress of anybody in anything, as events tell it, into a
// store that knows of ten times 100,000 people: what each event would cost if its
// progress were saved with it, or at its pace.
func BenchmarkSavePeople(b *testing.B) {
	const crowd, things, part = 100_000, 10, 256
	rowOf := func(n int) people.ProgressRow {
		at := int64(n)
		return people.ProgressRow{
			ProgressKey: people.ProgressKey{
				User: fmt.Sprintf("u-%06d", n/things), Kind: people.Quiz, Item: fmt.Sprintf("quiz-%d", n%things),
			},
			Progress: -1, Seconds: -1, Best: at, Last: at, ScoredAt: at, FirstAt: 1, LastAt: at,
		}
	}
	eachStore(b, func(b *testing.B, options func() Options) {
		db, err := Open(b.Context(), options())
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		save := func(numbers []int) {
			slices.Sort(numbers)
			var rows people.Rows
			for _, n := range slices.Compact(numbers) {
				rows.Progress = append(rows.Progress, rowOf(n))
			}
			if err := db.SavePeople(b.Context(), &rows, 0); err != nil {
				b.Fatal(err)
			}
		}
		for n := 0; n < crowd*things; n += 1000 {
			numbers := make([]int, 1000)
			for i := range numbers {
				numbers[i] = n + i
			}
			save(numbers)
		}
		b.ResetTimer()
		for range b.N {
			numbers := make([]int, part)
			for i := range numbers {
				numbers[i] = mathrand.IntN(crowd * things)
			}
			save(numbers)
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*part), "µs/row")
	})
}
