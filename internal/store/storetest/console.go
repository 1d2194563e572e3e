package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"heed/engine/record"
	"heed/internal/admin/access"
)

// consoleStore is what the pages for people ask beyond the rest.
type consoleStore interface {
	AddAudit(context.Context, record.Audit) error
	Audit(ctx context.Context, before int64, limit int) ([]record.Audit, error)
	SaveSession(ctx context.Context, s access.Session, before time.Time) error
	Session(ctx context.Context, id access.Digest) (s access.Session, found bool, err error)
	RevealSession(ctx context.Context, id access.Digest, until time.Time) error
	EndSession(ctx context.Context, id access.Digest) error
	AddTallies(context.Context, []record.Tally) error
	EventsByHour(ctx context.Context, since time.Time) ([]record.HourCount, error)
	CountChanging(ctx context.Context, f record.DeliveryFilter, retry bool, most int) (int, error)
	DeadDeliveries(ctx context.Context, action, cursor string, limit int) (dead []record.DeadDelivery, next string, err error)
}

var consoleTests = map[string]func(*testing.T, Store){
	"what people did is kept, the newest first":       testAudit,
	"a session is kept until it ends or is old":       testSessions,
	"events are counted by the hour":                  testEventsByHour,
	"dead deliveries are read in pages":               testDeadDeliveries,
	"a retry takes the deliveries that are named":     testRetryNamed,
	"a page of events ends after the number it names": testEventsAfter,
	"a page of a rule looks at so many deliveries":    testDeliveriesLook,
}

func testAudit(t *testing.T, s Store) {
	var want []record.Audit
	for i := range 3 {
		a := record.Audit{
			At: t0.Add(time.Duration(i) * time.Minute), Who: "nora", Role: "operator", What: "retry",
			Target: fmt.Sprintf("action=lms&n=%d", i), N: i, Result: "ok",
		}
		if err := s.AddAudit(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		a.ID = int64(i + 1)
		want = append([]record.Audit{a}, want...)
	}
	got, err := s.Audit(t.Context(), 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the first page", got, want[:2])
	if got, err = s.Audit(t.Context(), got[1].ID, 2); err != nil {
		t.Fatal(err)
	}
	equal(t, "the second page", got, want[2:])
}

func testSessions(t *testing.T, s Store) {
	save := func(session access.Session, before time.Time) {
		t.Helper()
		if err := s.SaveSession(t.Context(), session, before); err != nil {
			t.Fatal(err)
		}
	}
	is := func(what string, id byte, want access.Session, wantFound bool) {
		t.Helper()
		got, found, err := s.Session(t.Context(), access.Digest{id})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, what, got, want)
		equal(t, what+", found", found, wantFound)
	}
	old := access.Session{ID: access.Digest{1}, Token: access.Digest{9}, Began: t0}
	own := access.Session{ID: access.Digest{2}, Token: access.Digest{8}, Began: t0.Add(time.Hour)}
	save(old, t0)
	save(own, old.Began)
	is("the old one", 1, old, true)
	own.RevealUntil = t0.Add(2 * time.Hour)
	for _, id := range []access.Digest{own.ID, {7}} { // the second is not there
		if err := s.RevealSession(t.Context(), id, own.RevealUntil); err != nil {
			t.Fatal(err)
		}
	}
	is("one that never was", 7, access.Session{}, false)
	is("the changed one", 2, own, true)
	save(access.Session{ID: access.Digest{3}, Token: access.Digest{8}, Began: own.Began}, own.Began)
	is("the old one, too old now", 1, access.Session{}, false)
	if err := s.EndSession(t.Context(), own.ID); err != nil {
		t.Fatal(err)
	}
	is("the ended one", 2, access.Session{}, false)
}

func testEventsByHour(t *testing.T, s Store) {
	hour := t0.Truncate(time.Hour)
	if err := s.AddTallies(t.Context(), []record.Tally{
		{Hour: hour.Add(-2 * time.Hour), Outcome: "quiz.submitted", N: 9},
		{Hour: hour.Add(-time.Hour), Outcome: "quiz.submitted", N: 2},
		{Hour: hour.Add(-time.Hour), Outcome: "course.completed", N: 1},
		{Rule: "low-score", Hour: hour, Outcome: "matched", N: 5},
		{Hour: hour, Outcome: "quiz.submitted", N: 4},
	}); err != nil {
		t.Fatal(err)
	}
	got, err := s.EventsByHour(t.Context(), hour.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "hours", got, []record.HourCount{{Hour: hour.Add(-time.Hour), N: 3}, {Hour: hour, N: 4}})
}

func testDeadDeliveries(t *testing.T, s Store) {
	for i := range 3 {
		d := pending(fmt.Sprintf("d%d", i), "lms")
		d.State, d.DueAt, d.LastError = record.Dead, time.Time{}, "404 Not Found"
		if i == 2 {
			d.Request = nil
		}
		commit(t, s, accepted(fmt.Sprintf("e%d", i), fmt.Sprint("sig ", i), fmt.Sprint(i)), stored, d)
	}
	commitPending(t, s, "waits", t0, "lms")
	var got []record.DeadDelivery
	for cursor, first := "", true; first || cursor != ""; first = false {
		page, next, err := s.DeadDeliveries(t.Context(), "lms", cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		got, cursor = append(got, page...), next
	}
	dead := func(i int) record.DeadDelivery {
		return record.DeadDelivery{
			ID: fmt.Sprintf("d%d", i), EventID: fmt.Sprintf("e%d", i), Rule: "low-score", Action: "lms", Kind: "slack",
			CreatedAt: t0, LastError: "404 Not Found", Renderable: i != 2,
		}
	}
	equal(t, "dead", got, []record.DeadDelivery{dead(2), dead(1), dead(0)})
	other, next, err := s.DeadDeliveries(t.Context(), "crm", "", 2)
	if len(other) > 0 || next != "" || err != nil {
		t.Errorf("another action has %v, %q, %v", other, next, err)
	}
}

func testRetryNamed(t *testing.T, s Store) {
	for i := range 4 {
		d := pending(fmt.Sprintf("d%d", i), "lms")
		d.State, d.DueAt = record.Dead, time.Time{}
		commit(t, s, accepted(fmt.Sprintf("e%d", i), fmt.Sprint("sig ", i), fmt.Sprint(i)), stored, d)
	}
	for _, c := range []struct {
		f           record.DeliveryFilter
		retry       bool
		most, count int
	}{
		{record.DeliveryFilter{State: record.Dead}, true, 10, 4},
		{record.DeliveryFilter{Action: "lms"}, false, 3, 3},
		{record.DeliveryFilter{State: record.Pending}, true, 10, 0},
		{record.DeliveryFilter{Rule: "none"}, false, 10, 0},
	} {
		n, err := s.CountChanging(t.Context(), c.f, c.retry, c.most)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprintf("counted by %+v", c.f), n, c.count)
	}
	retry(t, s, record.DeliveryFilter{State: record.Dead, IDs: []string{"d0", "d2", "d3", "none"}}, 3)
	retry(t, s, record.DeliveryFilter{IDs: []string{}}, 0)
	equal(t, "left", ids(deliveries(t, s, record.DeliveryFilter{State: record.Dead})), []string{"d1"})
}

func testDeliveriesLook(t *testing.T, s Store) {
	for i := range 6 {
		d := pending(fmt.Sprintf("d%d", i), "lms")
		if i%3 != 0 {
			d.Rule = "other"
		}
		commit(t, s, accepted(fmt.Sprintf("e%d", i), fmt.Sprint("sig ", i), fmt.Sprint(i)), stored, d)
	}
	var found []string
	f, pages := record.DeliveryFilter{Rule: "low-score", Look: 2, Limit: 10}, 0
	for ; pages == 0 || f.Before != ""; pages++ {
		page, next, err := s.Deliveries(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		found, f.Before = append(found, ids(page)...), next
	}
	equal(t, "found", found, []string{"d3", "d0"})
	if pages < 2 {
		t.Error("all were looked at for one page")
	}
}

func testEventsAfter(t *testing.T, s Store) {
	for i := range 4 {
		commit(t, s, accepted(fmt.Sprintf("e%d", i), fmt.Sprint("sig ", i), fmt.Sprint(i)), stored)
	}
	events, err := s.Events(t.Context(), record.EventFilter{After: 1, Before: 4})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "between", seqs(events), "3 2 ")
}
