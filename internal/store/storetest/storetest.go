// Package storetest owns what any store of heed's must do, as tests that a
// store's own tests run. internal/store passes it; another store, for another
// database, is held to it too. Only tests import it.
package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"heed/actions/delivery"
	"heed/engine/intake"
	"heed/engine/people"
	"heed/engine/record"
)

// Store is what a store must do.
type Store interface {
	stateStore
	consoleStore
	delivery.Queue
	people.Store

	// LastGood is the last new event that was committed as Good.
	LastGood() record.LastGood
	// WatchedSince is the time of its first call.
	WatchedSince(ctx context.Context, now time.Time) (time.Time, error)

	// PendingByAction counts the pending and retrying deliveries.
	PendingByAction(ctx context.Context) (map[string]int, error)
	// Failing are the destinations whose circuit is open, and since when.
	Failing(ctx context.Context) (map[string]time.Time, error)

	// Events is a page of events without bodies, newest first.
	Events(ctx context.Context, f record.EventFilter) ([]record.Event, error)
	// Event is the accepted event with the id or else the newest quarantined.
	Event(ctx context.Context, id string) (record.Event, bool, error)
	EventBySeq(ctx context.Context, seq int64) (record.Event, bool, error)
	// EventsByID are all events with the id, newest first.
	EventsByID(ctx context.Context, id string) ([]record.Event, error)
	// Deliveries is a page of deliveries, newest event first, and the next
	// page's cursor, empty on the last page.
	Deliveries(ctx context.Context, f record.DeliveryFilter) ([]record.Delivery, string, error)
	Delivery(ctx context.Context, id string) (record.Delivery, []record.Attempt, bool, error)

	// SaveRuleSet changes only when it was activated for a hash that is there.
	SaveRuleSet(ctx context.Context, set record.RuleSet) error
	RuleSet(ctx context.Context, hash string) (record.RuleSet, bool, error)

	// Reconsider makes the failed deliveries of an action due now and forgets
	// its lane.
	Reconsider(ctx context.Context, action string, now time.Time) (int, error)
	// Retry makes the chosen deliveries due now: one that has ended begins a new
	// generation with all its attempts. What could not be rendered is left
	// alone, and what was sent unless the filter names it or its state.
	Retry(ctx context.Context, f record.DeliveryFilter, now time.Time) (int, error)
	// Discard takes the chosen deliveries out, but for what was sent.
	Discard(ctx context.Context, f record.DeliveryFilter) (int, error)
	// Thread is the ts that KeepThread was last given for the key.
	Thread(ctx context.Context, key string) (ts string, found bool, err error)
	KeepThread(ctx context.Context, key, ts string, now time.Time) error

	// Prune deletes events received before a time that wait for nothing, and
	// were learnt, threads last used before it, and keys from before keysBefore
	// whose event is gone.
	Prune(ctx context.Context, now, before, keysBefore time.Time) (int, error)
	Ping(ctx context.Context) error
}

// Run runs the suite. open gives an empty store and sees to its end.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for _, group := range []map[string]func(*testing.T, Store){
		commitTests, idTests, sourceTests, raceTests, queueTests, laneTests, loopTests, readTests, pruneTests, repairTests, threadTests,
		peopleTests, stateTests, consoleTests,
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, open(t))
			})
		}
	}
}

// t0 is when the tests take place. Stores keep times to the microsecond.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func signature(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// accepted is an event as the intake commits it.
func accepted(id, sig, body string) *record.Event {
	return &record.Event{
		ID: id, Type: "quiz.submitted", CompanyID: "acme", Status: record.Accepted,
		ReceivedAt: t0, SignedAt: t0.Add(-time.Second), RuleSet: "set-1",
		Decisions: []record.Decision{{Rule: "low-score", Outcome: "matched"}},
		Facts:     json.RawMessage(`[{"about":"user","key":"u1","answer":{"role":"rep"}}]`),
		Signature: signature(sig), Body: []byte(body),
	}
}

func quarantined(id, sig, body string) *record.Event {
	return &record.Event{
		ID: id, Status: record.Quarantined, Reason: "not_json",
		ReceivedAt: t0, SignedAt: t0.Add(-time.Second), Signature: signature(sig), Body: []byte(body),
	}
}

// pending is a delivery as the intake commits it, due at once.
func pending(id, action string) record.Delivery {
	return record.Delivery{
		ID: id, Rule: "low-score", Action: action, Kind: "slack", State: record.Pending,
		Request: json.RawMessage(`{"text":"` + id + `"}`), CreatedAt: t0, DueAt: t0,
	}
}

// outcome is what Commit made of an event, for comparison in one go.
type outcome struct {
	Verdict intake.Verdict
	Status  record.Status
	Reason  string
}

var (
	stored         = outcome{intake.Stored, record.Accepted, ""}
	setAside       = outcome{intake.Stored, record.Quarantined, "not_json"}
	duplicate      = outcome{Verdict: intake.Duplicate}
	counted        = outcome{Verdict: intake.Counted}
	idReused       = outcome{intake.Stored, record.Quarantined, intake.IDReused}
	signatureReuse = outcome{intake.Stored, record.Quarantined, intake.SignatureReused}
)

func outcomeOf(v intake.Verdict, e *record.Event) outcome {
	if v != intake.Stored {
		return outcome{Verdict: v}
	}
	return outcome{v, e.Status, e.Reason}
}

// commit commits an event and checks what became of it.
func commit(t *testing.T, s Store, e *record.Event, want outcome, deliveries ...record.Delivery) {
	t.Helper()
	v, err := Commit(t.Context(), s, e, deliveries)
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomeOf(v, e); got != want {
		t.Fatalf("commit of %q: %+v, want %+v", e.ID, got, want)
	}
}

// commitPending commits a new event with pending deliveries of the actions,
// named for the event and the action, and due when dueAt says.
func commitPending(t *testing.T, s Store, id string, dueAt time.Time, actions ...string) {
	t.Helper()
	var ds []record.Delivery
	for _, a := range actions {
		d := pending(id+"-"+a, a)
		d.DueAt = dueAt
		ds = append(ds, d)
	}
	commit(t, s, accepted(id, "of "+id, id), stored, ds...)
}

func eventsByID(t *testing.T, s Store, id string) []record.Event {
	t.Helper()
	events, err := s.EventsByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func deliveryByID(t *testing.T, s Store, id string) (record.Delivery, []record.Attempt) {
	t.Helper()
	d, attempts, found, err := s.Delivery(t.Context(), id)
	if err != nil || !found {
		t.Fatalf("delivery %q: found %v, error %v", id, found, err)
	}
	return d, attempts
}

func deliveries(t *testing.T, s Store, f record.DeliveryFilter) []record.Delivery {
	t.Helper()
	ds, _, err := s.Deliveries(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func ids(ds []record.Delivery) []string {
	var ids []string
	for _, d := range ds {
		ids = append(ids, d.ID)
	}
	return ids
}

func seqs(events []record.Event) string {
	text := ""
	for _, e := range events {
		text += fmt.Sprint(e.Seq, " ")
	}
	return text
}
