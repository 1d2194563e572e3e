package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"heed/engine/intake"
	"heed/engine/record"
)

var commitTests = map[string]func(*testing.T, Store){
	"an event comes back as it was committed":                   testRoundTrip,
	"bodies and ids may hold any bytes":                         testAnyBytes,
	"seq counts stored events from one":                         testSeq,
	"same signature and id is a duplicate":                      testSameSignatureSameID,
	"a signature with another id is quarantined":                testSignatureReused,
	"same id and body, signed anew, is a duplicate":             testSameIDSameBody,
	"same id with another body is quarantined":                  testIDReused,
	"garbage does not stand in the way of the event":            testGarbageFirst,
	"garbage claims its signature":                              testGarbageClaimsSignature,
	"garbage with an accepted event's id is compared by body":   testGarbageWithAcceptedID,
	"an event that lacks something is refused":                  testRefused,
	"held and dead deliveries are kept and not due":             testHeldAndDead,
	"a caller who gave up has stored nothing":                   testGivenUp,
	"an event that cannot be stored does not harm others":       testPoison,
	"an event that could not be stored can be committed again":  testAgainAfterPoison,
	"a duplicate changes neither the event nor its deliveries":  testDuplicateChangesNothing,
	"many deliveries of one event are stored and kept in order": testManyDeliveries,
}

func testRoundTrip(t *testing.T, s Store) {
	e := accepted("e1", "s1", `{"event":"quiz.submitted"}`)
	e.Decisions = append(e.Decisions, record.Decision{Rule: "other", Outcome: "unknown", Reason: "data.score is missing"})
	ds := []record.Delivery{pending("d1", "slack"), pending("d2", "mail")}
	commit(t, s, e, stored, ds...)
	if e.Seq != 1 || ds[0].EventSeq != 1 || ds[1].EventID != "e1" {
		t.Errorf("Commit left seq %d, deliveries %+v", e.Seq, ds)
	}
	got, found, err := s.Event(t.Context(), "e1")
	if !found || err != nil {
		t.Fatal(found, err)
	}
	equal(t, "event", got, *e)
	bySeq, _, err := s.EventBySeq(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "event by seq", bySeq, *e)
	for _, want := range ds {
		d, attempts := deliveryByID(t, s, want.ID)
		equal(t, "delivery", d, want)
		equal(t, "attempts", attempts, []record.Attempt{})
	}
	if _, found, err := s.Event(t.Context(), "e2"); found || err != nil {
		t.Errorf("an event that was never committed: found %v, error %v", found, err)
	}
	if _, _, found, err := s.Delivery(t.Context(), "d3"); found || err != nil {
		t.Errorf("a delivery that was never committed: found %v, error %v", found, err)
	}
}

func testAnyBytes(t *testing.T, s Store) {
	for i, text := range []string{"", "\x00", "a\x00b", "\xff\xfe", "new\nline", "'; DROP TABLE events --", "日本", string(bytes.Repeat([]byte{'x'}, 1<<20))} {
		e := accepted(fmt.Sprintf("%d-%.99s", i, text), fmt.Sprint(i), text)
		commit(t, s, e, stored)
		got, _, err := s.Event(t.Context(), e.ID)
		if err != nil || got.ID != e.ID || string(got.Body) != text {
			t.Errorf("event %q: error %v, id %q, body of %d bytes", e.ID, err, got.ID, len(got.Body))
		}
		commit(t, s, accepted(e.ID, fmt.Sprint(i), text), duplicate)
		commit(t, s, accepted(e.ID, fmt.Sprint("anew", i), text), duplicate)
		commit(t, s, accepted(e.ID, fmt.Sprint("other", i), text+"?"), idReused)
	}
}

func testSeq(t *testing.T, s Store) {
	for i := range int64(5) {
		e := accepted(fmt.Sprint(i), fmt.Sprint(i), "x")
		commit(t, s, e, stored)
		commit(t, s, accepted(fmt.Sprint(i), fmt.Sprint(i), "x"), duplicate)
		if e.Seq != i+1 {
			t.Errorf("event %d has seq %d", i+1, e.Seq)
		}
	}
}

func testSameSignatureSameID(t *testing.T, s Store) {
	commit(t, s, accepted("e1", "s1", "body"), stored, pending("d1", "slack"))
	commit(t, s, accepted("e1", "s1", "body"), duplicate, pending("d2", "slack"))
	equal(t, "events", len(eventsByID(t, s, "e1")), 1)
	equal(t, "deliveries", ids(deliveries(t, s, record.DeliveryFilter{})), []string{"d1"})
}

func testSignatureReused(t *testing.T, s Store) {
	commit(t, s, accepted("e1", "s1", "body"), stored)
	e := accepted("e2", "s1", "body")
	commit(t, s, e, signatureReuse, pending("d1", "slack"))
	got := eventsByID(t, s, "e2")
	if len(got) != 1 || got[0].Seq != e.Seq || len(got[0].Body) != 0 || got[0].Original != "e1" || got[0].Reuses != 1 {
		t.Fatalf("stored: %+v", got)
	}
	equal(t, "decisions", got[0].Decisions, []record.Decision{})
	equal(t, "rule set", got[0].RuleSet, "")
	equal(t, "facts", string(got[0].Facts), "")
	equal(t, "deliveries", deliveries(t, s, record.DeliveryFilter{}), []record.Delivery{})
	// The id was not claimed.
	commit(t, s, accepted("e2", "s2", "other body"), stored)
	commit(t, s, accepted("e1", "s1", "body"), duplicate)
}

func testSameIDSameBody(t *testing.T, s Store) {
	commit(t, s, accepted("e1", "s1", "body"), stored)
	commit(t, s, accepted("e1", "s2", "body"), duplicate)
	// The new signature is e1's now.
	commit(t, s, accepted("e1", "s2", "body"), duplicate)
	commit(t, s, accepted("e2", "s2", "body"), signatureReuse)
	equal(t, "events", len(eventsByID(t, s, "e1")), 1)
}

func testIDReused(t *testing.T, s Store) {
	commit(t, s, accepted("e1", "s1", "body"), stored)
	commit(t, s, accepted("e1", "s2", "other body"), idReused, pending("d1", "slack"))
	commit(t, s, accepted("e1", "s2", "other body"), duplicate)
	commit(t, s, accepted("e1", "s3", "third body"), idReused)
	var bodies []string
	for _, e := range eventsByID(t, s, "e1") {
		bodies = append(bodies, string(e.Body))
	}
	equal(t, "bodies", bodies, []string{"third body", "other body", "body"})
	equal(t, "deliveries", deliveries(t, s, record.DeliveryFilter{}), []record.Delivery{})
	e, _, err := s.Event(t.Context(), "e1")
	if err != nil || string(e.Body) != "body" {
		t.Errorf("the event by its id: %q, error %v", e.Body, err)
	}
	// The signature of what was set aside is claimed too.
	commit(t, s, accepted("e9", "s2", "other body"), signatureReuse)
}

func testGarbageFirst(t *testing.T, s Store) {
	commit(t, s, quarantined("e1", "s1", "garbage"), setAside)
	commit(t, s, quarantined("e1", "s2", "more"), setAside)
	e, _, err := s.Event(t.Context(), "e1")
	if err != nil || string(e.Body) != "more" {
		t.Errorf("without an accepted event, the newest: %q, error %v", e.Body, err)
	}
	commit(t, s, accepted("e1", "s3", "garbage"), stored, pending("d1", "slack"))
	e, _, err = s.Event(t.Context(), "e1")
	if err != nil || e.Status != record.Accepted {
		t.Errorf("the event by its id: %+v, error %v", e, err)
	}
	equal(t, "events", len(eventsByID(t, s, "e1")), 3)
}

func testGarbageClaimsSignature(t *testing.T, s Store) {
	commit(t, s, quarantined("e1", "s1", "garbage"), setAside)
	commit(t, s, quarantined("e1", "s1", "garbage"), duplicate)
	commit(t, s, quarantined("e2", "s1", "garbage"), signatureReuse)
	commit(t, s, accepted("e3", "s1", "garbage"), counted)
}

func testGarbageWithAcceptedID(t *testing.T, s Store) {
	commit(t, s, accepted("e1", "s1", "body"), stored)
	commit(t, s, quarantined("e1", "s2", "body"), duplicate)
	commit(t, s, quarantined("e1", "s3", "garbage"), idReused)
}

func testRefused(t *testing.T, s Store) {
	noStatus := accepted("e1", "s1", "x")
	noStatus.Status = ""
	noSignature := accepted("e1", "s1", "x")
	noSignature.Signature = nil
	for _, e := range []*record.Event{accepted("", "s1", "x"), noStatus, noSignature} {
		if _, err := Commit(t.Context(), s, e, nil); err == nil {
			t.Errorf("stored: %+v", e)
		}
	}
	noState := pending("d1", "slack")
	noState.State = ""
	for _, d := range []record.Delivery{pending("", "slack"), noState} {
		if _, err := Commit(t.Context(), s, accepted("e1", "s1", "x"), []record.Delivery{d}); err == nil {
			t.Errorf("stored: %+v", d)
		}
	}
	commit(t, s, accepted("e1", "s1", "x"), stored)
}

func testHeldAndDead(t *testing.T, s Store) {
	held, dead := pending("d1", "slack"), pending("d2", "slack")
	held.State, held.DueAt = record.Held, time.Time{}
	dead.State, dead.DueAt, dead.Request, dead.LastError = record.Dead, time.Time{}, nil, "the template has no text"
	ds := []record.Delivery{held, dead}
	commit(t, s, accepted("e1", "s1", "x"), stored, ds...)
	for _, want := range ds {
		d, _ := deliveryByID(t, s, want.ID)
		equal(t, "delivery", d, want)
	}
	actions, next, err := s.DueActions(t.Context(), t0.Add(time.Hour))
	if err != nil || len(actions) != 0 || !next.IsZero() {
		t.Errorf("due: %v, next %v, error %v", actions, next, err)
	}
	equal(t, "claimed", len(claim(t, s, "slack", 9, t0.Add(time.Hour))), 0)
}

func testGivenUp(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Commit(ctx, s, accepted("e1", "s1", "x"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	commit(t, s, accepted("e1", "s1", "x"), stored)
}

func testPoison(t *testing.T, s Store) {
	commit(t, s, accepted("e0", "s0", "x"), stored, pending("d0", "slack"))
	errs := make([]error, 40)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			d := pending(fmt.Sprint("new", i), "slack")
			if i%8 == 3 {
				d.ID = "d0" // two deliveries cannot have one id
			}
			_, errs[i] = Commit(t.Context(), s, accepted(fmt.Sprint("n", i), fmt.Sprint("n", i), "x"), []record.Delivery{d})
		})
	}
	wg.Wait()
	for i, err := range errs {
		if (err != nil) != (i%8 == 3) {
			t.Errorf("commit %d: error %v", i, err)
		}
		if found := len(eventsByID(t, s, fmt.Sprint("n", i))) == 1; found != (err == nil) {
			t.Errorf("commit %d: found %v, error %v", i, found, err)
		}
	}
	equal(t, "deliveries", len(deliveries(t, s, record.DeliveryFilter{})), 1+35)
}

func testAgainAfterPoison(t *testing.T, s Store) {
	commit(t, s, accepted("e0", "s0", "x"), stored, pending("d0", "slack"))
	e := accepted("e1", "s1", "x")
	if _, err := Commit(t.Context(), s, e, []record.Delivery{pending("d0", "slack")}); err == nil {
		t.Fatal("stored")
	}
	commit(t, s, e, stored, pending("d1", "slack"))
	equal(t, "seq", e.Seq, int64(2))
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func testDuplicateChangesNothing(t *testing.T, s Store) {
	commit(t, s, accepted("e1", "s1", "x"), stored, pending("d1", "slack"))
	e := accepted("e1", "s1", "x")
	e.ReceivedAt, e.RuleSet, e.Seq = t0.Add(time.Hour), "set-2", 77
	before := *e
	commit(t, s, e, duplicate, pending("d1", "slack"))
	equal(t, "the caller's event", *e, before)
	equal(t, "the stored event", eventsByID(t, s, "e1")[0].RuleSet, "set-1")
}

func testManyDeliveries(t *testing.T, s Store) {
	var ds []record.Delivery
	var want []string
	for i := range 300 {
		ds = append(ds, pending(fmt.Sprint("d", i), "slack"))
		want = append([]string{ds[i].ID}, want...)
	}
	commit(t, s, accepted("e1", "s1", "x"), stored, ds...)
	commit(t, s, accepted("e2", "s2", "x"), stored, pending("other", "slack"))
	equal(t, "deliveries", ids(deliveries(t, s, record.DeliveryFilter{EventSeq: 1})), want)
	if v, err := Commit(t.Context(), s, accepted("e3", "s3", "x"), nil); v != intake.Stored || err != nil {
		t.Error(v, err)
	}
}
