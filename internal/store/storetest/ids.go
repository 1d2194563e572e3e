package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"heed/engine/intake"
	"heed/engine/record"
)

var idTests = map[string]func(*testing.T, Store){
	"ids of different sources are different ids":               testIDSpaces,
	"a source and an id together are not one id":               testIDSpacesAreApart,
	"an id alone is a duplicate whatever the body":             testIDAlone,
	"an id of its own is not claimed by garbage":               testIDAloneGarbage,
	"events of one commit are stored together or not at all":   testBatchAllOrNothing,
	"a duplicate within one commit is found":                   testBatchDuplicate,
	"copies of one commit at once leave each event once":       testBatchesAtOnce,
	"more events than a statement takes are stored together":   testLargeBatch,
	"known says which ids accepted events have":                testKnownIDs,
	"known finds an id however often it is asked for":          testKnownRepeated,
	"events are found by their ids wherever those count":       testEventsOfAllSpaces,
	"events are chosen by source":                              testEventsBySource,
	"source, ids, detail and silence come back as they were":   testSourceRoundTrip,
	"a replay and a repetition keep the source of their event": testSourceOfRepetition,
}

// from is an accepted event of a source with ids of its own.
func from(source, id, body string) *record.Event {
	e := accepted(id, source+"/"+id+"/"+body, body)
	e.Source, e.IDs, e.IDAlone = source, source, true
	return e
}

func isKnown(t *testing.T, s Store, ids string, wanted ...string) []bool {
	t.Helper()
	known, err := s.Known(t.Context(), ids, wanted)
	if err != nil {
		t.Fatal(err)
	}
	return known
}

func testIDSpaces(t *testing.T, s Store) {
	spaces := []string{"", "report", "connector"}
	for _, ids := range spaces {
		e := from(ids, "e1", "body of "+ids)
		commit(t, s, e, stored, pending("d"+ids, "slack"))
		commit(t, s, from(ids, "e1", "body of "+ids), duplicate, pending("again"+ids, "slack"))
	}
	equal(t, "events", len(eventsByID(t, s, "e1")), len(spaces))
	equal(t, "deliveries", len(deliveries(t, s, record.DeliveryFilter{})), len(spaces))
	// A source that shares the ids of another sees them.
	shared := from("export", "e1", "body of the export")
	shared.IDs = "report"
	commit(t, s, shared, duplicate)
}

func testIDSpacesAreApart(t *testing.T, s Store) {
	commit(t, s, from("a", "b", "x"), stored)
	for _, other := range []*record.Event{from("", "ab", "x"), from("ab", "b", "x"), from("", "a/b", "x"), from("a",
		"ab", "x")} {
		commit(t, s, other, stored)
	}
	equal(t, "events", len(events(t, s, record.EventFilter{})), 5)
}

func testIDAlone(t *testing.T, s Store) {
	commit(t, s, from("report", "r1", "first"), stored, pending("d1", "slack"))
	commit(t, s, from("report", "r1", "second"), duplicate, pending("d2", "slack"))
	strict := from("report", "r1", "third")
	strict.IDAlone = false
	commit(t, s, strict, idReused, pending("d3", "slack"))
	equal(t, "deliveries", ids(deliveries(t, s, record.DeliveryFilter{})), []string{"d1"})
	e, _, err := s.Event(t.Context(), "r1")
	if err != nil || string(e.Body) != "first" {
		t.Errorf("the event has the body %q, error %v", e.Body, err)
	}
}

func testIDAloneGarbage(t *testing.T, s Store) {
	garbage := quarantined("r1", "s1", "garbage")
	garbage.Source, garbage.IDs, garbage.IDAlone, garbage.Detail = "report", "report", true, "data.score: it is no number"
	commit(t, s, garbage, setAside)
	equal(t, "known", isKnown(t, s, "report", "r1"), []bool{false})
	commit(t, s, from("report", "r1", "mended"), stored)
	again := *garbage
	again.Seq, again.Signature = 0, signature("s2")
	commit(t, s, &again, duplicate) // the accepted event has the id by now
}

func testBatchAllOrNothing(t *testing.T, s Store) {
	commit(t, s, accepted("e0", "s0", "x"), stored, pending("taken", "slack"))
	var batches []*intake.Batch
	for i := range 20 {
		b := &intake.Batch{Event: from("report", fmt.Sprint("r", i), "x")}
		b.Deliveries = []record.Delivery{pending(fmt.Sprint("d", i), "slack")}
		batches = append(batches, b)
	}
	batches[13].Deliveries[0].ID = "taken" // two deliveries cannot have one id
	if err := s.Commit(t.Context(), batches...); err == nil {
		t.Fatal("stored")
	}
	equal(t, "events", seqs(events(t, s, record.EventFilter{})), "1 ")
	equal(t, "deliveries", ids(deliveries(t, s, record.DeliveryFilter{})), []string{"taken"})
	equal(t, "known", slices.Contains(isKnown(t, s, "report", "r0", "r13", "r19"), true), false)
	batches[13].Deliveries[0].ID = "free"
	if err := s.Commit(t.Context(), batches...); err != nil {
		t.Fatal(err)
	}
	for i, b := range batches {
		if b.Verdict != intake.Stored || b.Event.Seq != int64(i+2) || b.Deliveries[0].EventSeq != b.Event.Seq {
			t.Errorf("event %d: verdict %v, seq %d, delivery of %d", i, b.Verdict, b.Event.Seq,
				b.Deliveries[0].EventSeq)
		}
	}
	equal(t, "deliveries", len(deliveries(t, s, record.DeliveryFilter{})), 21)
}

func testBatchDuplicate(t *testing.T, s Store) {
	commit(t, s, from("report", "r1", "x"), stored)
	published := accepted("p1", "s1", "x")
	reused := accepted("p2", "s1", "x")
	other := accepted("p1", "s2", "another body")
	batches := []*intake.Batch{
		{Event: from("report", "r2", "x"), Deliveries: []record.Delivery{pending("d1", "slack")}},
		{Event: from("report", "r2", "y"), Deliveries: []record.Delivery{pending("d2", "slack")}},
		{Event: from("report", "r1", "y"), Deliveries: []record.Delivery{pending("d3", "slack")}},
		{Event: from("connector", "r2", "x"), Deliveries: []record.Delivery{pending("d4", "slack")}},
		{Event: published},
		{Event: reused},
		{Event: other},
		{Event: from("report", "r2", "x")},
	}
	if err := s.Commit(t.Context(), batches...); err != nil {
		t.Fatal(err)
	}
	var got []outcome
	for _, b := range batches {
		got = append(got, outcomeOf(b.Verdict, b.Event))
	}
	equal(t, "outcomes", got, []outcome{
		stored, duplicate, duplicate, stored, stored, signatureReuse, idReused,
		duplicate,
	})
	equal(t, "deliveries", ids(deliveries(t, s, record.DeliveryFilter{})), []string{"d4", "d1"})
}

func testBatchesAtOnce(t *testing.T, s Store) {
	var mu sync.Mutex
	verdicts := map[intake.Verdict]int{}
	var wg sync.WaitGroup
	for copies := range 32 {
		wg.Go(func() {
			var batches []*intake.Batch
			for i := range 50 {
				d := pending(fmt.Sprintf("d%d-%d", copies, i), "slack")
				batches = append(batches, &intake.Batch{
					Event: from("connector", fmt.Sprint("r", i), "x"), Deliveries: []record.Delivery{d},
				})
			}
			if err := s.Commit(t.Context(), batches...); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, b := range batches {
				verdicts[b.Verdict]++
			}
		})
	}
	wg.Wait()
	equal(t, "verdicts", verdicts, map[intake.Verdict]int{intake.Stored: 50, intake.Duplicate: 31 * 50})
	equal(t, "events", len(events(t, s, record.EventFilter{})), 50)
	equal(t, "deliveries", len(deliveries(t, s, record.DeliveryFilter{})), 50)
}

func testLargeBatch(t *testing.T, s Store) {
	const n = 3000
	for _, want := range []intake.Verdict{intake.Stored, intake.Duplicate} {
		batches := make([]*intake.Batch, n)
		wanted := make([]string, n)
		for i := range batches {
			wanted[i] = fmt.Sprint("r", i)
			batches[i] = &intake.Batch{Event: from("report", wanted[i], "x")}
		}
		if err := s.Commit(t.Context(), batches...); err != nil {
			t.Fatal(err)
		}
		for i, b := range batches {
			if b.Verdict != want {
				t.Fatalf("event %d: verdict %v", i, b.Verdict)
			}
		}
		if known := isKnown(t, s, "report", wanted...); slices.Contains(known, false) {
			t.Error("stored and not known")
		}
	}
}

func testKnownIDs(t *testing.T, s Store) {
	equal(t, "nothing asked", len(isKnown(t, s, "report")), 0)
	commit(t, s, from("report", "r1", "x"), stored)
	commit(t, s, accepted("p1", "p1", "x"), stored)
	aside := quarantined("q1", "q1", "x")
	aside.Source, aside.IDs = "report", "report"
	commit(t, s, aside, setAside)
	again := from("report", "replayed", "x")
	again.Status = record.Replayed
	if _, err := Commit(t.Context(), s, again, nil); err != nil {
		t.Fatal(err)
	}
	wanted := []string{"none", "r1", "p1", "q1", "replayed", ""}
	equal(t, "of the report", isKnown(t, s, "report", wanted...), []bool{false, true, false, false, false, false})
	equal(t, "of the published contract", isKnown(t, s, "", wanted...), []bool{
		false, false, true, false, false,
		false,
	})
	equal(t, "of a source without events", isKnown(t, s, "other", wanted...), make([]bool, len(wanted)))
	// What is deleted stays known for as long as its key is kept.
	prune(t, s, t0.Add(time.Hour), t0, 4)
	equal(t, "after pruning", isKnown(t, s, "report", "r1"), []bool{true})
}

func testKnownRepeated(t *testing.T, s Store) {
	for i := range 10 { // with few keys in memory, some are in the table by then
		commit(t, s, from("report", fmt.Sprint("r", i), "x"), stored)
	}
	equal(t, "known", isKnown(t, s, "report", "r0", "none", "r0", "r9", "r0", "r9"), []bool{
		true, false, true, true,
		true, true,
	})
}

func testEventsOfAllSpaces(t *testing.T, s Store) {
	var want []string
	for _, ids := range []string{"", "zebra", "report", "connector"} {
		e := from(ids, "e1", "body of "+ids)
		commit(t, s, e, stored)
		want = append([]string{e.Source}, want...)
		commit(t, s, from(ids, "other"+ids, "x"), stored)
	}
	var got []string
	for _, e := range eventsByID(t, s, "e1") {
		got = append(got, e.Source)
	}
	equal(t, "sources, the newest first", got, want)
	e, found, err := s.Event(t.Context(), "e1")
	if !found || err != nil || e.IDs != "" {
		t.Errorf("the event: found %v, error %v, ids %q instead of those of the published contract", found, err, e.IDs)
	}
	e, found, err = s.Event(t.Context(), "otherzebra")
	if !found || err != nil || e.Source != "zebra" || string(e.Body) != "x" {
		t.Errorf("the event of another source: found %v, error %v, %+v", found, err, e)
	}
}

func testEventsBySource(t *testing.T, s Store) {
	for i, source := range []string{"mindtickle", "report", "connector", "report", "heed"} {
		e := from(source, fmt.Sprint("e", i), "x")
		if source == "heed" {
			e.Type = "heed.source.silent"
		}
		commit(t, s, e, stored)
	}
	aside := quarantined("q", "q", "x")
	aside.Source, aside.IDs = "report", "report"
	commit(t, s, aside, setAside)
	for _, c := range []struct {
		filter record.EventFilter
		want   string
	}{
		{record.EventFilter{Source: "mindtickle"}, "1 "},
		{record.EventFilter{Source: "report"}, "6 4 2 "},
		{record.EventFilter{Source: "report", Status: record.Accepted}, "4 2 "},
		{record.EventFilter{Source: "report", Type: "quiz.submitted", Before: 4, Limit: 5}, "2 "},
		{record.EventFilter{Source: "report", Rule: "low-score"}, "4 2 "},
		{record.EventFilter{Source: "heed"}, "5 "},
		{record.EventFilter{Source: "none"}, ""},
		{record.EventFilter{}, "6 5 4 3 2 1 "},
	} {
		equal(t, fmt.Sprintf("%+v", c.filter), seqs(events(t, s, c.filter)), c.want)
	}
}

func testSourceRoundTrip(t *testing.T, s Store) {
	silent := from("report", "r1", "x")
	silent.Inert = true
	aside := quarantined("r2", "s2", "y")
	aside.Source, aside.IDs, aside.Detail = "report", "shared", "results.csv:7: data.score: \"n/a\" is no number\x00"
	commit(t, s, silent, stored)
	commit(t, s, aside, setAside)
	for _, want := range []*record.Event{silent, aside} {
		got, _, err := s.EventBySeq(t.Context(), want.Seq)
		if err != nil {
			t.Fatal(err)
		}
		expected := *want
		expected.IDAlone = false // it is for the commit alone
		equal(t, "event "+want.ID, got, expected)
		bySeq, err := s.EventsBySeq(t.Context(), []int64{want.Seq})
		if err != nil || len(bySeq) != 1 {
			t.Fatal(len(bySeq), err)
		}
		equal(t, "source of "+want.ID, []any{bySeq[0].Source, bySeq[0].IDs, bySeq[0].Inert}, []any{
			want.Source,
			want.IDs, want.Inert,
		})
		paged := events(t, s, record.EventFilter{Before: want.Seq + 1, Limit: 1})[0]
		equal(t, "in a list", []any{paged.Source, paged.Detail, paged.Inert}, []any{
			want.Source, want.Detail,
			want.Inert,
		})
	}
}

func testSourceOfRepetition(t *testing.T, s Store) {
	first := from("connector", "e1", "body")
	commit(t, s, first, stored)
	repeated := from("connector", "e2", "body")
	repeated.Signature = first.Signature
	commit(t, s, repeated, signatureReuse)
	replayed := from("connector", "e1", "body")
	replayed.Status = record.Replayed
	if _, err := Commit(t.Context(), s, replayed, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, "of the source", seqs(events(t, s, record.EventFilter{Source: "connector"})), "3 2 1 ")
	equal(t, "by its id", seqs(eventsByID(t, s, "e1")), "3 1 ")
	equal(t, "not known", isKnown(t, s, "connector", "e2"), []bool{false})
}
