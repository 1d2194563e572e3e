package storetest

import (
	"fmt"
	"testing"
	"time"

	"heed/actions/delivery"
	"heed/engine/people"
	"heed/engine/record"
)

var pruneTests = map[string]func(*testing.T, Store){
	"old events go, with all that hangs on them":        testPrune,
	"an event that has something to send stays":         testPruneWaiting,
	"a key outlives its event":                          testKeysOutlive,
	"a key goes once it is old and its event gone":      testKeysGo,
	"old events go although the clock was once wrong":   testPruneWrongClock,
	"a number is never given twice":                     testSeqAfterPrune,
	"many events go in parts":                           testPruneMany,
	"what was set aside goes and can still be compared": testPruneQuarantined,
}

const day = 24 * time.Hour

// commitAt commits an event received at a time, with one delivery in the state.
func commitAt(t *testing.T, s Store, id string, at time.Time, state record.State) {
	t.Helper()
	e := accepted(id, "of "+id, id)
	e.ReceivedAt = at
	d := pending(id+"-slack", "slack")
	d.State = state
	commit(t, s, e, stored, d)
}

// prune deletes old events after all of them were learnt.
func prune(t *testing.T, s Store, before, keysBefore time.Time, want int) {
	t.Helper()
	save(t, s, &people.Rows{}, newest(t, s))
	n, err := s.Prune(t.Context(), time.Now(), before, keysBefore)
	if err != nil {
		t.Fatal(err)
	}
	if n != want {
		t.Errorf("pruned %d events, want %d", n, want)
	}
}

func remaining(t *testing.T, s Store, want ...string) {
	t.Helper()
	var ids []string
	for _, e := range events(t, s, record.EventFilter{}) {
		ids = append(ids, e.ID)
	}
	equal(t, "events that stayed", ids, want)
	equal(t, "their deliveries", len(deliveries(t, s, record.DeliveryFilter{})), len(want))
}

func testPrune(t *testing.T, s Store) {
	commitAt(t, s, "e1", t0, record.Pending)
	claim(t, s, "slack", 1, t0)
	finish(t, s, "e1-slack", delivery.End{At: t0, State: record.Done})
	commitAt(t, s, "e2", t0.Add(day), record.Held)
	commitAt(t, s, "e3", t0.Add(2*day), record.Dead)
	prune(t, s, t0, t0, 0)
	remaining(t, s, "e3", "e2", "e1")
	prune(t, s, t0.Add(day), t0, 1)
	remaining(t, s, "e3", "e2")
	if _, found, err := s.Event(t.Context(), "e1"); found || err != nil {
		t.Errorf("the event by its id: found %v, error %v", found, err)
	}
	if _, _, found, err := s.Delivery(t.Context(), "e1-slack"); found || err != nil {
		t.Errorf("its delivery: found %v, error %v", found, err)
	}
	prune(t, s, t0.Add(day+time.Microsecond), t0, 1)
	prune(t, s, t0.Add(9*day), t0, 1)
	prune(t, s, t0.Add(9*day), t0, 0)
	remaining(t, s)
}

func testPruneWaiting(t *testing.T, s Store) {
	commitAt(t, s, "e1", t0, record.Pending)
	commitAt(t, s, "e2", t0, record.Held)
	commitAt(t, s, "e3", t0, record.Retrying)
	prune(t, s, t0.Add(day), t0.Add(day), 1)
	remaining(t, s, "e3", "e1")
	commit(t, s, accepted("e1", "of e1", "e1"), duplicate)

	claim(t, s, "slack", 1, t0)
	prune(t, s, t0.Add(day), t0.Add(day), 0)
	finish(t, s, "e1-slack", delivery.End{At: t0, State: record.Done})
	prune(t, s, t0.Add(day), t0.Add(day), 1)
	remaining(t, s, "e3")
}

func testKeysOutlive(t *testing.T, s Store) {
	commitAt(t, s, "e1", t0, record.Held)
	prune(t, s, t0.Add(day), t0, 1)
	commit(t, s, accepted("e1", "of e1", "e1"), duplicate)
	commit(t, s, accepted("e1", "signed anew", "e1"), duplicate)
	commit(t, s, accepted("e1", "and again", "other body"), idReused)
	commit(t, s, accepted("e2", "of e1", "e1"), signatureReuse)
}

func testKeysGo(t *testing.T, s Store) {
	commitAt(t, s, "e1", t0, record.Held)
	prune(t, s, t0.Add(day), t0, 1)
	prune(t, s, t0.Add(day), t0.Add(time.Microsecond), 0)
	commit(t, s, accepted("e1", "of e1", "other body"), stored)
	// The keys of an event that is there never go.
	prune(t, s, t0, t0.Add(9*day), 0)
	commit(t, s, accepted("e1", "of e1", "other body"), duplicate)
}

func testPruneWrongClock(t *testing.T, s Store) {
	for i, at := range []time.Time{t0, t0.Add(9000 * day), t0.Add(time.Minute), t0.Add(-9000 * day), t0.Add(2 * time.Minute), {}, t0.Add(day)} {
		commitAt(t, s, fmt.Sprint("e", i), at, record.Held)
	}
	prune(t, s, t0.Add(day), t0, 5)
	remaining(t, s, "e6", "e1")
	prune(t, s, t0.Add(9001*day), t0, 2)
	remaining(t, s)
}

func testSeqAfterPrune(t *testing.T, s Store) {
	commitAt(t, s, "e1", t0, record.Held)
	commitAt(t, s, "e2", t0, record.Held)
	prune(t, s, t0.Add(day), t0, 2)
	e := accepted("e3", "s3", "x")
	commit(t, s, e, stored)
	equal(t, "seq", e.Seq, int64(3))
}

func testPruneMany(t *testing.T, s Store) {
	for i := range 450 {
		commitAt(t, s, fmt.Sprint("e", i), t0.Add(time.Duration(i)*time.Minute), record.Held)
	}
	prune(t, s, t0.Add(440*time.Minute), t0.Add(430*time.Minute), 440)
	equal(t, "events that stayed", len(events(t, s, record.EventFilter{})), 10)
	commit(t, s, accepted("e429", "of e429", "new body"), stored)
	commit(t, s, accepted("e430", "of e430", "e430"), duplicate)
}

func testPruneQuarantined(t *testing.T, s Store) {
	commit(t, s, quarantined("e1", "s1", "garbage"), setAside)
	prune(t, s, t0.Add(day), t0, 1)
	commit(t, s, quarantined("e1", "s1", "garbage"), duplicate)
	commit(t, s, accepted("e1", "s2", "body"), stored)
	equal(t, "events", len(eventsByID(t, s, "e1")), 1)
}
