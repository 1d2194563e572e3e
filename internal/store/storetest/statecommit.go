package storetest

import (
	"fmt"
	"slices"
	"testing"

	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/state"
)

func testStateDuplicate(t *testing.T, s Store) {
	resolved := 0
	batch := func(id, signature, body string) *intake.Batch {
		return &intake.Batch{Event: accepted(id, signature, body), Resolve: func(int64, state.Rows) bool {
			resolved++
			return true
		}}
	}
	commit := func(want intake.Verdict, b *intake.Batch) {
		t.Helper()
		if err := s.Commit(t.Context(), b); err != nil || b.Verdict != want {
			t.Errorf("verdict %v, %v", b.Verdict, err)
		}
	}
	commit(intake.Stored, batch("a", "1", "x"))
	commit(intake.Duplicate, batch("a", "1", "x"))
	commit(intake.Duplicate, batch("a", "2", "x"))
	commit(intake.Stored, batch("a", "3", "another body")) // quarantined
	commit(intake.Stored, batch("b", "1", "x"))            // quarantined
	commit(intake.Counted, batch("c", "1", "x"))
	if resolved != 1 {
		t.Errorf("resolved %d times", resolved)
	}
}

func testStateStale(t *testing.T, s Store) {
	stale := &intake.Batch{Event: accepted("a", "a", "a"), Resolve: func(int64, state.Rows) bool { return false }}
	holds := &intake.Batch{Event: accepted("b", "b", "b"), Resolve: func(int64, state.Rows) bool { return true }}
	if err := s.Commit(t.Context(), stale, holds); err != nil {
		t.Fatal(err)
	}
	if stale.Verdict != intake.Stale || holds.Verdict != intake.Stored {
		t.Errorf("verdicts %v, %v", stale.Verdict, holds.Verdict)
	}
	if _, ok, err := s.Event(t.Context(), "a"); ok || err != nil {
		t.Errorf("the stale event is there, %v", err)
	}
	// Its id is nobody's: the next time it can be stored.
	stale.Resolve = func(int64, state.Rows) bool { return true }
	if err := s.Commit(t.Context(), stale); err != nil || stale.Verdict != intake.Stored {
		t.Errorf("verdict %v, %v", stale.Verdict, err)
	}
}

func testStateTogether(t *testing.T, s Store) {
	at := ref("r", state.BlockCount, "u1")
	good := func(id string) *intake.Batch {
		return &intake.Batch{Event: accepted(id, id, id), Resolve: func(_ int64, rows state.Rows) bool {
			rows.Put(state.Row{Ref: at, Data: []byte(`{}`)})
			return true
		}}
	}
	bad := &intake.Batch{Event: accepted("bad", "bad", "bad")}
	bad.Resolve = func(int64, state.Rows) bool {
		bad.Deliveries = []record.Delivery{{ID: ""}}
		return true
	}
	first := good("a")
	if err := s.Commit(t.Context(), first, bad); err == nil {
		t.Fatal("a delivery without an id was stored")
	}
	if _, ok := stateRow(t, s, at); ok || stateKeys(t, s, at.Scope) != 0 {
		t.Error("half of a commit is there")
	}
	if err := s.Commit(t.Context(), first, good("b")); err != nil || first.Verdict != intake.Stored {
		t.Errorf("%v, %v", first.Verdict, err)
	}
	if n := stateKeys(t, s, at.Scope); n != 1 {
		t.Errorf("%d keys", n)
	}
}

func testStatePanic(t *testing.T, s Store) {
	b := &intake.Batch{Event: accepted("a", "a", "a"), Resolve: func(int64, state.Rows) bool { panic("a damaged row") }}
	if err := s.Commit(t.Context(), b); err == nil {
		t.Error("no error")
	}
	put(t, s, "b", state.Row{Ref: ref("r", state.BlockCount, "u1"), Data: []byte(`{}`)})
}

func testStateSeq(t *testing.T, s Store) {
	for _, id := range []string{"a", "b", "c"} {
		var told int64
		b := &intake.Batch{Event: accepted(id, id, id), Resolve: func(seq int64, _ state.Rows) bool {
			told = seq
			return true
		}}
		if err := s.Commit(t.Context(), b); err != nil || told == 0 || told != b.Event.Seq {
			t.Errorf("told %d, stored as %d, %v", told, b.Event.Seq, err)
		}
		events, err := s.EventsBySeq(t.Context(), []int64{told, 1 << 40})
		if err != nil || len(events) != 1 || events[0].ID != id || string(events[0].Body) != id {
			t.Errorf("%+v, %v", events, err)
		}
	}
}

// Commits at the same time change one row as if they came one after the other.
func testStateRace(t *testing.T, s Store) {
	at, n := ref("r", state.BlockCount, "u1"), 50
	errs := make(chan error, n)
	for i := range n {
		go func() {
			id := fmt.Sprint("e", i)
			errs <- s.Commit(t.Context(), &intake.Batch{Event: accepted(id, id, id), Refs: []state.Ref{at}, Resolve: func(_ int64, rows state.Rows) bool {
				row, _ := rows.Get(at)
				row.Ref, row.Data = at, append(slices.Clone(row.Data), 'x')
				rows.Put(row)
				return true
			}})
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if row, _ := stateRow(t, s, at); len(row.Data) != n {
		t.Errorf("%d changes of %d are there", len(row.Data), n)
	}
}
