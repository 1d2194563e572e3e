package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"heed/engine/intake"
	"heed/engine/record"
)

var sourceTests = map[string]func(*testing.T, Store){
	"a signature reused again is only counted":              testReuseIsCounted,
	"a reused signature is counted in the same transaction": testReusesAtOnce,
	"a pruned reuse is stored once more":                    testReuseAfterPrune,
	"the last good event is the last new one":               testLastGood,
	"events are awaited since the first time":               testWatchedSince,
}

func testReuseIsCounted(t *testing.T, s Store) {
	commit(t, s, accepted("e1", "s1", "body"), stored)
	commit(t, s, accepted("e2", "s1", "body"), signatureReuse)
	for i := range 5 {
		commit(t, s, accepted(fmt.Sprint("r", i), "s1", "body"), counted)
	}
	commit(t, s, accepted("e2", "s1", "body"), counted)
	commit(t, s, accepted("e1", "s1", "body"), duplicate)
	all, err := s.Events(t.Context(), record.EventFilter{})
	if err != nil || len(all) != 2 || all[0].ID != "e2" || all[0].Reuses != 7 || all[0].Original != "e1" {
		t.Errorf("%+v, %v", all, err)
	}
	commit(t, s, quarantined("g1", "s2", "garbage"), setAside)
	commit(t, s, quarantined("g2", "s2", "garbage"), signatureReuse)
	commit(t, s, quarantined("g3", "s2", "garbage"), counted)
	// The number of the next event is the next one.
	e := accepted("e3", "s3", "body")
	commit(t, s, e, stored)
	equal(t, "seq", e.Seq, int64(5))
}

func testReusesAtOnce(t *testing.T, s Store) {
	verdicts := make([]intake.Verdict, 64)
	var wg sync.WaitGroup
	for i := range verdicts {
		wg.Go(func() {
			var err error
			if verdicts[i], err = Commit(t.Context(), s, accepted(fmt.Sprint("e", i), "s1", "body"), nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n := map[intake.Verdict]int{}
	for _, v := range verdicts {
		n[v]++
	}
	equal(t, "verdicts", n, map[intake.Verdict]int{intake.Stored: 2, intake.Counted: 62})
	all, err := s.Events(t.Context(), record.EventFilter{Status: record.Quarantined})
	if err != nil || len(all) != 1 || all[0].Reuses != 63 {
		t.Errorf("%+v, %v", all, err)
	}
}

func testReuseAfterPrune(t *testing.T, s Store) {
	commit(t, s, accepted("e1", "s1", "body"), stored)
	commit(t, s, accepted("e2", "s1", "body"), signatureReuse)
	prune(t, s, t0.Add(time.Hour), t0, 2)
	commit(t, s, accepted("e3", "s1", "body"), signatureReuse)
	commit(t, s, accepted("e4", "s1", "body"), counted)
	all, err := s.Events(t.Context(), record.EventFilter{})
	if err != nil || len(all) != 1 || all[0].ID != "e3" || all[0].Reuses != 2 || all[0].Original != "" {
		t.Errorf("%+v, %v", all, err)
	}
}

func testLastGood(t *testing.T, s Store) {
	equal(t, "before the first", s.LastGood(), record.LastGood{})
	at := t0
	good := func(id, sig, body string, want outcome) {
		t.Helper()
		at = at.Add(time.Minute)
		e := accepted(id, sig, body)
		e.Good, e.ReceivedAt = true, at
		commit(t, s, e, want)
	}
	good("e1", "s1", "body", stored)
	want := record.LastGood{Seq: 1, At: at}
	equal(t, "the first", s.LastGood(), want)
	good("e1", "s1", "body", duplicate)
	good("e1", "s2", "body", duplicate)
	good("e2", "s1", "body", signatureReuse)
	good("e3", "s1", "body", counted)
	commit(t, s, accepted("e4", "s4", "body"), stored) // not said to be good
	equal(t, "after what shows nothing", s.LastGood(), want)
	good("e1", "s5", "other body", idReused) // newly signed, so the source works
	equal(t, "after another", s.LastGood(), record.LastGood{Seq: 4, At: at})
}

func testWatchedSince(t *testing.T, s Store) {
	for i := range 3 {
		since, err := s.WatchedSince(t.Context(), t0.Add(time.Duration(i)*time.Hour))
		if err != nil || !since.Equal(t0) {
			t.Errorf("since %v, error %v", since, err)
		}
	}
}
