package storetest

import (
	"fmt"
	"maps"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"heed/engine/intake"
	"heed/engine/record"
)

var raceTests = map[string]func(*testing.T, Store){
	"64 copies at once leave one event":         testCopiesAtOnce,
	"commits at once are as if one by one":      testSerializable,
	"commits one by one follow the simple rule": testOneByOne,
}

func testCopiesAtOnce(t *testing.T, s Store) {
	for round := range 200 {
		id := fmt.Sprint("e", round)
		verdicts := make([]intake.Verdict, 64)
		var wg sync.WaitGroup
		for i := range verdicts {
			wg.Go(func() {
				var err error
				verdicts[i], err = Commit(t.Context(), s, accepted(id, id, "body"), []record.Delivery{pending(fmt.Sprint(id, "-", i), "slack")})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		originals := 0
		for _, v := range verdicts {
			if v == intake.Stored {
				originals++
			}
		}
		if n := len(eventsByID(t, s, id)); originals != 1 || n != 1 {
			t.Fatalf("round %d: %d stored by their verdict, %d found", round, originals, n)
		}
	}
	equal(t, "deliveries", len(deliveries(t, s, record.DeliveryFilter{})), 200)
}

// Model is the rules of intake.Store at their simplest: one event after the
// other, in memory.
type Model struct {
	first  map[string]string // the id that a signature came with first
	reused map[string]bool   // the signatures that came with another id
	owners map[string]string // the body of the accepted event with an id
}

// NewModel returns the model of an empty store.
func NewModel() *Model {
	return &Model{first: map[string]string{}, reused: map[string]bool{}, owners: map[string]string{}}
}

// Commit says what becomes of the event: its verdict and, if it is stored, the
// status and reason it is stored with.
func (m *Model) Commit(e *record.Event) (intake.Verdict, record.Status, string) {
	sig := string(e.Signature)
	first, seen := m.first[sig]
	switch {
	case seen && first == e.ID:
		return intake.Duplicate, "", ""
	case m.reused[sig]:
		return intake.Counted, "", ""
	case seen:
		m.reused[sig] = true
		return intake.Stored, record.Quarantined, intake.SignatureReused
	}
	m.first[sig] = e.ID
	switch body, taken := m.owners[e.ID]; {
	case taken && body == string(e.Body):
		return intake.Duplicate, "", ""
	case taken:
		return intake.Stored, record.Quarantined, intake.IDReused
	}
	if e.Status == record.Accepted {
		m.owners[e.ID] = string(e.Body)
	}
	return intake.Stored, e.Status, e.Reason
}

func (m *Model) outcome(e *record.Event) outcome {
	v, status, reason := m.Commit(e)
	return outcome{v, status, reason}
}

func (m *Model) clone() *Model {
	c := NewModel()
	c.first, c.reused, c.owners = maps.Clone(m.first), maps.Clone(m.reused), maps.Clone(m.owners)
	return c
}

// Event draws an event from so few ids, signatures and bodies that they often
// meet. Events of different spaces never do.
func Event(space string) *rapid.Generator[*record.Event] {
	return rapid.Custom(func(t *rapid.T) *record.Event {
		id := space + rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")
		sig := space + rapid.SampledFrom([]string{"1", "2", "3", "4", "5"}).Draw(t, "signature")
		body := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "body")
		if rapid.IntRange(0, 3).Draw(t, "garbage") == 0 {
			return quarantined(id, sig, body)
		}
		return accepted(id, sig, body)
	})
}

func testOneByOne(t *testing.T, s Store) {
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		model := NewModel()
		for _, e := range rapid.SliceOfN(Event(fmt.Sprint(runs, "-")), 1, 30).Draw(rt, "events") {
			want := model.outcome(e)
			v, err := Commit(t.Context(), s, e, nil)
			if got := outcomeOf(v, e); err != nil || got != want {
				rt.Fatalf("%q: %+v, error %v, want %+v", e.ID, got, err, want)
			}
		}
	})
}

// testSerializable commits a few events at once, many times, and looks for an
// order in which the model comes to the same results. The seqs must agree with
// that order too.
func testSerializable(t *testing.T, s Store) {
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		model := NewModel()
		for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
			events := rapid.SliceOfN(Event(fmt.Sprint(runs, "-")), 1, 5).Draw(rt, "events")
			draft := make([]*record.Event, len(events))
			got := make([]outcome, len(events))
			var wg sync.WaitGroup
			for i, e := range events {
				copied := *e
				draft[i] = &copied
				wg.Go(func() {
					v, err := Commit(t.Context(), s, e, nil)
					if err != nil {
						t.Error(err)
					}
					got[i] = outcomeOf(v, e)
				})
			}
			wg.Wait()
			next := explain(model, draft, events, got, 0, make([]bool, len(events)))
			if next == nil {
				rt.Fatalf("no order of these commits gives what they gave: %+v", got)
			}
			model = next
		}
	})
}

// explain returns the model after an order of the commits that gives the
// outcomes, nil if there is none.
func explain(m *Model, draft, events []*record.Event, got []outcome, lastSeq int64, used []bool) *Model {
	done := true
	for i := range events {
		if used[i] {
			continue
		}
		done = false
		seq := lastSeq
		if got[i].Verdict == intake.Stored {
			if seq = events[i].Seq; seq < lastSeq {
				continue
			}
		}
		next := m.clone()
		if next.outcome(draft[i]) != got[i] {
			continue
		}
		used[i] = true
		if after := explain(next, draft, events, got, seq, used); after != nil {
			return after
		}
		used[i] = false
	}
	if done {
		return m
	}
	return nil
}
