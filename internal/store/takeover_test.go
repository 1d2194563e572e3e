package store

import (
	"testing"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine/record"
	"heed/internal/store/storetest"
)

// One process at a time has the directory, so what a former run had claimed need
// not wait for the end of its lease.
func TestTakeOver_makesClaimsOfFormerRunsDueAtOnce(t *testing.T) {
	db, now := openTemp(t), time.Now().UTC().Truncate(time.Microsecond)
	take := []delivery.Take{{Action: "slack", N: 9, Lease: time.Hour, Timeout: time.Hour}}
	exchange := func(owner string, at time.Time, ends ...delivery.End) []record.Delivery {
		t.Helper()
		claimed, err := db.Exchange(t.Context(), owner, at, ends, take)
		if err != nil {
			t.Fatal(err)
		}
		return claimed.Deliveries
	}
	for _, id := range []string{"probe", "discarded"} {
		rows := pending(id)
		rows[0].Request = []byte("{}")
		if _, err := storetest.Commit(t.Context(), db, event(id), rows); err != nil {
			t.Fatal(err)
		}
	}
	exchange("former", now)
	throttled := actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, After: time.Second}
	exchange("former", now, delivery.End{ID: "probe", StartedAt: now, At: now, State: record.Retrying, DueAt: now, Outcome: throttled})
	if _, err := db.Discard(t.Context(), record.DeliveryFilter{ID: "discarded"}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	if got := exchange("former", now); len(got) != 1 || got[0].ID != "probe" {
		t.Fatalf("the former run claimed %+v", got)
	}
	for len(db.Wake()) > 0 {
		<-db.Wake()
	}
	for _, want := range []int{1, 0} {
		if n, err := db.TakeOver(t.Context(), "this", now); n != want || err != nil {
			t.Errorf("took over %d, %v", n, err)
		}
		if woken := len(db.Wake()); woken != want {
			t.Errorf("woken %d times, want %d", woken, want)
		}
		for len(db.Wake()) > 0 {
			<-db.Wake()
		}
	}
	for _, id := range []string{"probe", "discarded"} {
		_, attempts, _, err := db.Delivery(t.Context(), id)
		if last := attempts[len(attempts)-1]; err != nil || last.Outcome != "interrupted" || !last.EndedAt.Equal(now) {
			t.Errorf("%s: %+v, %v", id, attempts, err)
		}
	}
	if got := exchange("this", now.Add(time.Second)); len(got) != 1 || got[0].ID != "probe" {
		t.Errorf("the probe is not made again: %+v", got)
	}
	if n, err := db.Retry(t.Context(), record.DeliveryFilter{ID: "discarded"}, now); n != 1 || err != nil {
		t.Errorf("retried %d, %v", n, err)
	}
}
