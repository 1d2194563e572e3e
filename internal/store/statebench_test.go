package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/state"
)

// benchKeys is how many rows of state there are.
const benchKeys = 100_000

var benchSettings = map[string]*state.Settings{
	"throttle": {Rule: "r", Location: time.UTC, Throttle: &state.Throttle{Per: "data.userId", AtMost: 1, Every: state.Day}},
	"sends":    {Rule: "r", Location: time.UTC, Throttle: &state.Throttle{Per: "data.userId", AtMost: 1, Within: time.Millisecond}},
	"count":    {Rule: "r", Location: time.UTC, Count: &state.Count{Per: "data.userId", AtLeast: 3, Within: time.Hour}},
}

// BenchmarkCommitState commits events that each touch one of many rows of state,
// beside events that touch none: the cost of a throttle and of a count.
func BenchmarkCommitState(b *testing.B) {
	for _, block := range []string{"none", "throttle", "sends", "count"} {
		b.Run(block, func(b *testing.B) {
			db := openTemp(b)
			var n atomic.Int64
			commit := func(key int) {
				e, ds := benchEvent(n.Add(1), "slack")
				batch := &intake.Batch{Event: e, Deliveries: ds}
				if s := benchSettings[block]; s != nil {
					batch = benchBatch(s, e, ds, fmt.Sprintf("user-%06d", key))
				}
				if err := db.Commit(context.Background(), batch); err != nil {
					b.Error(err)
				}
			}
			var filled atomic.Int64
			atOnce(256, func() {
				for i := filled.Add(1); i <= benchKeys; i = filled.Add(1) {
					commit(int(i) - 1)
				}
			})
			b.ReportAllocs()
			b.ResetTimer()
			var done atomic.Int64
			atOnce(64, func() {
				for done.Add(1) <= int64(b.N) {
					commit(rand.IntN(benchKeys))
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func benchBatch(s *state.Settings, e *record.Event, ds []record.Delivery, key string) *intake.Batch {
	in := state.Input{Kind: state.Match, Key: key, ThrottleKey: key, User: key, Event: state.Mark{At: e.ReceivedAt.UnixMicro(), ID: e.ID}}
	clock := state.Clock{Now: e.ReceivedAt, MaxAge: 8 * time.Hour}
	batch := &intake.Batch{Event: e, Refs: s.Refs(in)}
	batch.Resolve = func(seq int64, rows state.Rows) bool {
		in.Event.Seq = seq
		r := s.Fold(rows, in, clock)
		e.Decisions[0].Effects = r.Effects
		if batch.Deliveries = nil; r.Send {
			batch.Deliveries = ds
		}
		return true
	}
	return batch
}
