package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"heed/engine/record"
)

func BenchmarkCommit(b *testing.B) {
	for _, callers := range []int{64, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			var groups, events atomic.Int64
			db, err := Open(b.Context(), Options{Dir: b.TempDir(), ObserveBatch: func(n int) { groups.Add(1); events.Add(int64(n)) }})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			body := []byte(`{"event":"quiz.submitted","companyId":"acme","data":{` + strings.Repeat(`"x":"y",`, 20) + `"score":61}}`)
			req := []byte(`{"channel":"#coaching","text":"` + strings.Repeat("a low score ", 20) + `"}`)
			var ctr atomic.Int64
			b.SetParallelism(callers / 2)
			b.ReportAllocs()
			var r0, r1 syscall.Rusage
			syscall.Getrusage(0, &r0)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					now := time.Now()
					sig := make([]byte, 48)
					rand.Read(sig)
					e := record.Event{ID: hex.EncodeToString(sig[32:]), Type: "quiz.submitted", CompanyID: "acme", Status: record.Accepted, ReceivedAt: now, SignedAt: now,
						RuleSet: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", Decisions: []record.Decision{{Rule: "low-score", Outcome: "matched"}}, Signature: sig[:32], Body: body}
					d := []record.Delivery{{ID: fmt.Sprintf("%016x", ctr.Add(1)), Rule: "low-score", Action: "slack", Kind: "slack", State: record.Pending, Request: req, CreatedAt: now, DueAt: now}}
					if _, err := db.Commit(context.Background(), &e, d); err != nil {
						b.Error(err)
					}
				}
			})
			b.StopTimer()
			syscall.Getrusage(0, &r1)
			b.ReportMetric(float64(r1.Utime.Nano()+r1.Stime.Nano()-r0.Utime.Nano()-r0.Stime.Nano())/1e3/float64(b.N), "cpu_us/ev")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(events.Load())/float64(groups.Load()), "events/group")
		})
	}
}
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		db, err := Open(context.Background(), Options{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		db.Close()
		b.StartTimer()
	}
}
