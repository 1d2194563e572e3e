package storetest

import (
	"fmt"
	"testing"
	"time"

	"heed/actions/delivery"
	"heed/engine/record"
)

var repairTests = map[string]func(*testing.T, Store){
	"a retry begins a new generation with all its attempts": testRetryEnded,
	"a retry of what waits just makes it due":               testRetryWaiting,
	"a retry does not disturb a send that is under way":     testRetryUnderway,
	"a retry takes what the filter chooses":                 testRetryFilter,
	"what was sent is retried by its name only":             testRetryDone,
	"what could not be rendered is not retried":             testRetryUnrendered,
	"a retry wakes whoever waits":                           testRetryWakes,
	"what is discarded is sent no more":                     testDiscard,
	"an attempt under way ends although it is discarded":    testDiscardUnderway,
	"what was sent cannot be discarded":                     testDiscardDone,
	"a replay is an event of its own under the same id":     testReplayed,
	"a user's events are forgotten, sent or not":            testForget,
	"a user whose id is a number is forgotten":              testForgetNumber,
	"a user is forgotten however the id is written":         testForgetSpellings,
	"a replay is found when the event is gone":              testReplayOutlives,
	"what is forgotten still counts as seen":                testForgottenIsSeen,
}

func retry(t *testing.T, s Store, f record.DeliveryFilter, want int) {
	t.Helper()
	n, err := s.Retry(t.Context(), f, t0.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "retried", n, want)
}

func discard(t *testing.T, s Store, f record.DeliveryFilter, want int) {
	t.Helper()
	n, err := s.Discard(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "discarded", n, want)
}

// sendOnce claims the action's one delivery and ends the attempt.
func sendOnce(t *testing.T, s Store, action string, state record.State, at time.Time) record.Delivery {
	t.Helper()
	claimed := claim(t, s, action, 1, at)
	if len(claimed) != 1 {
		t.Fatalf("claimed %v", ids(claimed))
	}
	finish(t, s, claimed[0].ID, delivery.End{At: at, State: state, DueAt: at.Add(30 * time.Minute), Error: "no"})
	return claimed[0]
}

func testRetryEnded(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	sendOnce(t, s, "slack", record.Retrying, t0)
	sendOnce(t, s, "slack", record.Dead, t0.Add(40*time.Minute))
	retry(t, s, record.DeliveryFilter{ID: "e1-slack"}, 1)
	d, attempts := deliveryByID(t, s, "e1-slack")
	equal(t, "state", []any{d.State, d.DueAt, d.Attempts, d.Spent, d.Generation}, []any{record.Pending, t0.Add(time.Hour), 2, 2, 1})
	equal(t, "attempts", len(attempts), 2)
	again := sendOnce(t, s, "slack", record.Dead, t0.Add(2*time.Hour))
	equal(t, "claimed", []int{again.Attempts, again.Spent, again.Generation}, []int{3, 2, 1})
	retry(t, s, record.DeliveryFilter{ID: "e1-slack"}, 1)
	d, _ = deliveryByID(t, s, "e1-slack")
	equal(t, "the next one", []int{d.Spent, d.Generation}, []int{3, 2})
}

func testRetryWaiting(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	sendOnce(t, s, "slack", record.Retrying, t0.Add(50*time.Minute))
	retry(t, s, record.DeliveryFilter{ID: "e1-slack"}, 1)
	d, _ := deliveryByID(t, s, "e1-slack")
	equal(t, "state", []any{d.State, d.DueAt, d.Spent, d.Generation}, []any{record.Retrying, t0.Add(time.Hour), 0, 0})
	commitPending(t, s, "e2", t0.Add(2*time.Hour), "slack")
	retry(t, s, record.DeliveryFilter{ID: "e2-slack"}, 0) // it is on its way already
}

// Made due during its send, it would be claimed once more, which ends that
// attempt and uses up another.
func testRetryUnderway(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	sendOnce(t, s, "slack", record.Retrying, t0)
	claim(t, s, "slack", 1, t0.Add(30*time.Minute))
	retry(t, s, record.DeliveryFilter{ID: "e1-slack"}, 0)
	retry(t, s, record.DeliveryFilter{State: record.Retrying}, 0)
	due(t, s, t0.Add(30*time.Minute), t0.Add(31*time.Minute))
	finish(t, s, "e1-slack", delivery.End{At: t0.Add(time.Hour), State: record.Retrying, DueAt: t0.Add(2 * time.Hour), Error: "no"})
	retry(t, s, record.DeliveryFilter{ID: "e1-slack"}, 1)
}

func testRetryFilter(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack", "mail")
	commitPending(t, s, "e2", t0, "slack")
	held := pending("e3-slack", "slack")
	held.State = record.Held
	held.Rule = "other"
	commit(t, s, accepted("e3", "of e3", "e3"), stored, held)
	sendOnce(t, s, "slack", record.Dead, t0)
	sendOnce(t, s, "slack", record.Dead, t0)
	sendOnce(t, s, "mail", record.Dead, t0)
	retry(t, s, record.DeliveryFilter{State: record.Dead, Action: "hook"}, 0)
	retry(t, s, record.DeliveryFilter{State: record.Dead, Action: "mail"}, 1)
	retry(t, s, record.DeliveryFilter{Rule: "other"}, 1)
	retry(t, s, record.DeliveryFilter{State: record.Dead}, 2)
	due(t, s, t0.Add(time.Hour), time.Time{}, "mail", "slack")
	equal(t, "claimed", len(claim(t, s, "slack", 9, t0.Add(time.Hour))), 3)
}

func testRetryDone(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	sendOnce(t, s, "slack", record.Done, t0)
	retry(t, s, record.DeliveryFilter{Action: "slack"}, 0)
	retry(t, s, record.DeliveryFilter{ID: "e1-slack"}, 1)
}

func testRetryUnrendered(t *testing.T, s Store) {
	d := pending("d1", "slack")
	d.State, d.Request, d.LastError = record.Dead, nil, "data.userId is missing"
	commit(t, s, accepted("e1", "of e1", "e1"), stored, d)
	retry(t, s, record.DeliveryFilter{ID: "d1"}, 0)
	retry(t, s, record.DeliveryFilter{State: record.Dead}, 0)
}

func testRetryWakes(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	sendOnce(t, s, "slack", record.Dead, t0)
	for len(s.Wake()) > 0 {
		<-s.Wake()
	}
	retry(t, s, record.DeliveryFilter{State: record.Dead}, 1)
	select {
	case <-s.Wake():
	case <-time.After(5 * time.Second):
		t.Error("nobody was woken")
	}
}

func testDiscard(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack", "mail")
	sendOnce(t, s, "mail", record.Dead, t0)
	discard(t, s, record.DeliveryFilter{State: record.Dead}, 1)
	discard(t, s, record.DeliveryFilter{ID: "e1-slack"}, 1)
	discard(t, s, record.DeliveryFilter{}, 0)
	due(t, s, t0.Add(time.Hour), time.Time{})
	equal(t, "states", len(deliveries(t, s, record.DeliveryFilter{State: record.Discarded})), 2)
	retry(t, s, record.DeliveryFilter{ID: "e1-slack"}, 1)
}

func testDiscardUnderway(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	claim(t, s, "slack", 1, t0)
	discard(t, s, record.DeliveryFilter{ID: "e1-slack"}, 1)
	finish(t, s, "e1-slack", delivery.End{At: t0, State: record.Retrying, DueAt: t0, Error: "no"})
	d, attempts := deliveryByID(t, s, "e1-slack")
	equal(t, "state", d.State, record.Discarded)
	equal(t, "attempt", attempts[0].Outcome, "retry")
	due(t, s, t0.Add(time.Hour), time.Time{})
}

func testDiscardDone(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	sendOnce(t, s, "slack", record.Done, t0)
	discard(t, s, record.DeliveryFilter{ID: "e1-slack"}, 0)
}

// replayOf is the event as it is committed when somebody replays it.
func replayOf(e *record.Event, at time.Time) *record.Event {
	again := *e
	again.Seq, again.Status, again.ReceivedAt, again.RuleSet = 0, record.Replayed, at, "set-2"
	return &again
}

func testReplayed(t *testing.T, s Store) {
	first := accepted("e1", "s1", "x")
	commit(t, s, first, stored, pending("d1", "slack"))
	replayed := outcome{0, record.Replayed, ""}
	replayed.Verdict = stored.Verdict
	commit(t, s, replayOf(first, t0.Add(time.Hour)), replayed, pending("d2", "slack"))
	commit(t, s, replayOf(first, t0.Add(2*time.Hour)), replayed, pending("d3", "slack"))
	commit(t, s, accepted("e1", "s1", "x"), duplicate) // it still comes once only
	commit(t, s, accepted("e2", "s2", "y"), stored)
	e, found, err := s.Event(t.Context(), "e1")
	if err != nil || !found || e.Seq != 1 || e.Status != record.Accepted {
		t.Errorf("event e1 is %+v, %v, %v", e, found, err)
	}
	equal(t, "all of them", seqs(eventsByID(t, s, "e1")), "3 2 1 ")
	equal(t, "by status", seqs(events(t, s, record.EventFilter{Status: record.Replayed})), "3 2 ")
	equal(t, "deliveries", ids(claim(t, s, "slack", 9, t0)), []string{"d1", "d2", "d3"})
	d, _ := deliveryByID(t, s, "d3")
	equal(t, "delivery", []any{d.EventID, d.EventSeq}, []any{"e1", int64(3)})
}

func testReplayOutlives(t *testing.T, s Store) {
	first := accepted("e1", "s1", "x")
	commit(t, s, first, stored)
	commit(t, s, replayOf(first, t0.Add(time.Hour)), outcome{stored.Verdict, record.Replayed, ""})
	prune(t, s, t0.Add(time.Minute), t0, 1)
	e, found, err := s.Event(t.Context(), "e1")
	if err != nil || !found || e.Status != record.Replayed {
		t.Errorf("event e1 is %+v, %v, %v", e, found, err)
	}
}

// ofUser is an event of a user with one delivery in the state.
func ofUser(t *testing.T, s Store, id, user string, state record.State) {
	t.Helper()
	d := pending(id+"-slack", "slack")
	d.State = state
	commit(t, s, accepted(id, "of "+id, `{"event":"x","data":{"userId":"`+user+`"}}`), stored, d)
}

func testForget(t *testing.T, s Store) {
	ofUser(t, s, "e1", "maya", record.Pending)
	ofUser(t, s, "e2", "lee", record.Pending)
	ofUser(t, s, "e3", "maya", record.Dead)
	commit(t, s, quarantined("e4", "s4", `{"data":{"userId":"maya"}, no JSON`), setAside)
	commit(t, s, quarantined("e5", "s5", `{"data":{"userId":"maya"}}`), setAside)
	about := accepted("heed-1", "s6", `{"event":"heed.delivery.dead","data":{"eventId":"e3","error":"no user maya@example.com"}}`)
	about.Type = "heed.delivery.dead"
	commit(t, s, about, stored, pending("told", "slack"))
	n, _, err := s.ForgetPerson(t.Context(), "maya")
	if err != nil || n != 5 {
		t.Fatalf("forgot %d events, %v", n, err)
	}
	equal(t, "what is left", seqs(events(t, s, record.EventFilter{})), "2 ")
	equal(t, "deliveries", ids(deliveries(t, s, record.DeliveryFilter{})), []string{"e2-slack"})
	if n, _, err := s.ForgetPerson(t.Context(), "maya"); err != nil || n != 0 {
		t.Errorf("forgot %d events more, %v", n, err)
	}
}

func testForgetNumber(t *testing.T, s Store) {
	commit(t, s, accepted("e1", "s1", `{"event":"x","data":{"userId":4711}}`), stored)
	commit(t, s, accepted("e2", "s2", `{"event":"x","data":{"userId":47110}}`), stored)
	if n, _, err := s.ForgetPerson(t.Context(), "4711"); err != nil || n != 1 {
		t.Errorf("forgot %d events, %v", n, err)
	}
}

func testForgottenIsSeen(t *testing.T, s Store) {
	ofUser(t, s, "e1", "maya", record.Done)
	if _, _, err := s.ForgetPerson(t.Context(), "maya"); err != nil {
		t.Fatal(err)
	}
	commit(t, s, accepted("e1", "of e1", `{"event":"x","data":{"userId":"maya"}}`), duplicate)
}

// testForgetSpellings forgets people whose ids SQLite would read otherwise than
// heed does, or not find in a body that is no event.
func testForgetSpellings(t *testing.T, s Store) {
	for i, c := range []struct {
		status     record.Status
		body, user string
		want       int
	}{
		{record.Accepted, `{"event":"x","data":{"userId":"\ud800x"}}`, "\ufffdx", 1},
		{record.Accepted, `{"event":"x","data":{"userId":"x\uDC00"}}`, "x\ufffd", 1},
		{record.Accepted, `{"event":"x","data":{"userId":"\ud83d\ude00"}}`, "\U0001f600", 1},
		{record.Accepted, `{"event":"x","data":{"userId":"a","text":"\ud800x"}}`, "\ufffdx", 0},
		{record.Quarantined, `{"event":"x","data":{"userId":42}}`, "42", 1},
		{record.Quarantined, `{"event":"x","data":{"userId": 42,}}`, "42", 1},
		{record.Quarantined, `{"event":"x","data":{"userId":421,"score":42}}`, "42", 0},
		{record.Quarantined, `{"event":"x","data":{"userId":"M\u00fcller"}}`, "Müller", 1},
		{record.Quarantined, `{"event":"x","data":{"userId":"a\"b",}}`, `a"b`, 1},
		{record.Quarantined, `{"event":"x","data":{"userId":"a\\","b":"\"`, `a\`, 1},
		{record.Quarantined, "\"u\xff\" \"maya", "maya", 0},
	} {
		e := accepted(fmt.Sprint("e", i), fmt.Sprint("s", i), c.body)
		e.Status = c.status
		want := stored
		if c.status == record.Quarantined {
			e.Reason, want = "not_json", setAside
		}
		commit(t, s, e, want)
		if n, _, err := s.ForgetPerson(t.Context(), c.user); n != c.want || err != nil {
			t.Errorf("%s: %d events of %q forgotten, %v", c.body, n, c.user, err)
		}
	}
}
