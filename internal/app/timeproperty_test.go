package app

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/engine"
	"heed/engine/intake"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/engine/state"
)

// repeating is a store in memory that resolves each batch twice, as a store does
// whose first transaction failed: nothing may be left of the first time.
type repeating struct{ *intake.Memory }

// Commit implements intake.Store.
func (r repeating) Commit(ctx context.Context, batches ...*intake.Batch) error {
	for _, b := range batches {
		own := *b
		if resolve := b.Resolve; resolve != nil {
			own.Resolve = func(seq int64, rows state.Rows) bool {
				undone := state.NewMemory()
				for _, row := range r.State.All() {
					undone.Restore(row)
				}
				resolve(seq+1000, undone)
				holds := resolve(seq, rows)
				own.Deliveries = b.Deliveries
				return holds
			}
		}
		if err := r.Memory.Commit(ctx, &own); err != nil {
			return err
		}
		b.Verdict = own.Verdict
		for i := range b.Deliveries {
			b.Deliveries[i].EventSeq, b.Deliveries[i].EventID = b.Event.Seq, b.Event.ID
		}
	}
	return nil
}

// randomEntries are events and passages of time, some of them late, muted or
// while heed does not run.
func randomEntries(random *rand.Rand, rules *engine.RuleSet) (entries []rulefile.Given) {
	at := monday
	for range 60 {
		at = at.Add(time.Duration(random.IntN(int(8*time.Hour/time.Minute))) * time.Minute)
		entry := rulefile.Given{At: at}
		switch random.IntN(12) {
		case 0: // only time passes
		case 1:
			all := rules.Rules()
			entry.Mute, entry.MuteRule = time.Duration(1+random.IntN(30))*time.Hour, all[random.IntN(len(all))].Name
		case 2:
			entry.Down = time.Duration(random.IntN(20)) * time.Hour
		default:
			entry.Body = fmt.Appendf(nil, `{"event":"quiz.submitted","data":{"userId":"u%d","quizId":"q%d","passed":%v,"score":%d}}`,
				random.IntN(3), random.IntN(2), random.IntN(3) == 0, random.IntN(100))
			if random.IntN(3) == 0 {
				entry.Arrives = time.Duration(random.IntN(8*60)) * time.Minute
			}
		}
		entries = append(entries, entry)
	}
	return entries
}

// happened is what a timeline made of entries, without what differs from store
// to store: the ids of firings.
func happened(t *testing.T, rules *engine.RuleSet, store ruletest.Store, entries []rulefile.Given) []ruletest.Happened {
	t.Helper()
	line, err := ruletest.NewTimeline(rules, monday, store)
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Run(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	if err := line.Advance(t.Context(), monday.AddDate(0, 3, 0)); err != nil {
		t.Fatal(err)
	}
	for i := range line.Happened {
		h := &line.Happened[i]
		if state.IsFiring(h.EventID) {
			h.EventID = ""
		}
		for j := range h.Alerts {
			if state.IsFiring(h.Alerts[j].EventID) {
				h.Alerts[j].EventID = ""
			}
		}
	}
	return line.Happened
}

// The same events at the same times have the same effects in memory as in the
// store, and also where each transaction is repeated.
func TestTimeline_isTheSameInEveryStore(t *testing.T) {
	if underRace {
		t.Skip("slow under the race detector; other tests cover what runs concurrently")
	}
	rules := compileFile(t, "testdata/timeproperty.yaml").Rules
	sent := 0
	for seed := range uint64(10) {
		entries := randomEntries(rand.New(rand.NewPCG(seed, 7)), rules)
		memory := happened(t, rules, intake.NewMemory(), entries)
		if diff := cmp.Diff(memory, happened(t, rules, repeating{intake.NewMemory()}, entries)); diff != "" {
			t.Fatalf("seed %d: repeated transactions (-once +twice)\n%s", seed, diff)
		}
		if diff := cmp.Diff(memory, happened(t, rules, openStore(t), entries)); diff != "" {
			t.Fatalf("seed %d: (-memory +store)\n%s", seed, diff)
		}
		for _, h := range memory {
			sent += len(h.Alerts)
		}
	}
	if sent < 400 {
		t.Errorf("only %d alerts were sent", sent)
	}
}
