package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine/record"
)

var queueTests = map[string]func(*testing.T, Store){
	"the due actions are named, and the time after":          testDueActions,
	"a claim takes the oldest of one action":                 testClaimOldest,
	"a claimed delivery is complete and counts its attempt":  testClaimComplete,
	"a claimed delivery is nobody else's until its lease":    testLease,
	"claims at once share nothing":                           testClaimsAtOnce,
	"an attempt that ends completes its delivery":            testFinish,
	"a retry is due again when it says":                      testRetry,
	"what is finished stays finished":                        testFinishTwice,
	"an end that makes no sense is refused":                  testFinishRefused,
	"only deliveries of known actions are due":               testKnown,
	"a renewed lease is nobody else's":                       testRenew,
	"an expired lease is not the owner's to claim again":     testOwnExpired,
	"an end after the lease was lost changes nothing":        testLost,
	"a release after the lease was lost changes nothing":     testLostRelease,
	"taking over leaves the owner's and the rest alone":      testTakeOver,
	"waiting deliveries are counted by action":               testPendingByAction,
	"whoever waits is woken when deliveries become due":      testWake,
	"an attempt cut short by its lease ends as interrupted":  testInterrupted,
	"a delivery without a time is due at once":               testNoDueTime,
	"deliveries of two actions of one event wait separately": testTwoActions,
}

// Two owners, and the actions that they know.
const run, otherRun = "run-1", "run-2"

var known = []string{"hook", "mail", "slack"}

func claim(t *testing.T, s Store, action string, n int, now time.Time) []record.Delivery {
	t.Helper()
	return claimAs(t, s, run, action, n, now)
}

func claimAs(t *testing.T, s Store, owner, action string, n int, now time.Time) []record.Delivery {
	t.Helper()
	claimed, err := s.Exchange(t.Context(), owner, now, nil, []delivery.Take{{Action: action, N: n, Lease: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	return claimed.Deliveries
}

func finish(t *testing.T, s Store, id string, end delivery.End) {
	t.Helper()
	finishAs(t, s, run, id, end)
}

// finishAs says whether the end counts.
func finishAs(t *testing.T, s Store, owner, id string, end delivery.End) bool {
	t.Helper()
	end.ID = id
	claimed, err := s.Exchange(t.Context(), owner, end.At, []delivery.End{end}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return len(claimed.Lost) == 0
}

func due(t *testing.T, s Store, now time.Time, wantNext time.Time, want ...string) {
	t.Helper()
	actions, next, err := s.DueActions(t.Context(), now, known)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "due actions", actions, want)
	equal(t, "next time", next, wantNext)
}

func testDueActions(t *testing.T, s Store) {
	due(t, s, t0, time.Time{})
	commitPending(t, s, "e1", t0.Add(10*time.Second), "slack")
	due(t, s, t0, t0.Add(10*time.Second))
	commitPending(t, s, "e2", t0.Add(5*time.Second), "mail", "hook")
	due(t, s, t0, t0.Add(5*time.Second))
	commitPending(t, s, "e3", t0.Add(20*time.Second), "mail")
	due(t, s, t0.Add(5*time.Second), t0.Add(10*time.Second), "hook", "mail")
	due(t, s, t0.Add(10*time.Second), t0.Add(20*time.Second), "hook", "mail", "slack")
	due(t, s, t0.Add(time.Hour), time.Time{}, "hook", "mail", "slack")
}

func testClaimOldest(t *testing.T, s Store) {
	for i, after := range []int{3, 1, 2, 0, 9} {
		commitPending(t, s, fmt.Sprint("e", i), t0.Add(time.Duration(after)*time.Second), "slack", "mail")
	}
	now := t0.Add(5 * time.Second)
	equal(t, "nobody wants any", claim(t, s, "slack", 0, now), []record.Delivery{})
	equal(t, "first two", ids(claim(t, s, "slack", 2, now)), []string{"e3-slack", "e1-slack"})
	equal(t, "the rest", ids(claim(t, s, "slack", 9, now)), []string{"e2-slack", "e0-slack"})
	equal(t, "other action", ids(claim(t, s, "mail", 1, now)), []string{"e3-mail"})
	equal(t, "unknown action", ids(claim(t, s, "hook", 1, now)), []string{})
}

func testClaimComplete(t *testing.T, s Store) {
	want := pending("d1", "slack")
	ds := []record.Delivery{want}
	commit(t, s, accepted("e1", "s1", "x"), stored, ds...)
	want.EventSeq, want.EventID = 1, "e1"
	want.Attempts = 1
	equal(t, "claimed", claim(t, s, "slack", 1, t0), []record.Delivery{want})
	want.DueAt = t0.Add(time.Minute)
	d, attempts := deliveryByID(t, s, "d1")
	equal(t, "stored", d, want)
	equal(t, "attempts", attempts, []record.Attempt{{N: 1, StartedAt: t0}})
}

func testLease(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	first := claim(t, s, "slack", 9, t0)
	equal(t, "first", len(first), 1)
	equal(t, "first interrupted", first[0].Interrupted, false)
	due(t, s, t0, t0.Add(time.Minute))
	equal(t, "within the lease", len(claimAs(t, s, otherRun, "slack", 9, t0.Add(time.Minute-time.Microsecond))), 0)
	again := claimAs(t, s, otherRun, "slack", 9, t0.Add(time.Minute))
	equal(t, "after it", len(again), 1)
	equal(t, "interrupted", again[0].Interrupted, true)
}

func testClaimsAtOnce(t *testing.T, s Store) {
	for i := range 50 {
		commitPending(t, s, fmt.Sprint("e", i), t0, "slack")
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				claimed, err := s.Exchange(t.Context(), run, t0, nil, []delivery.Take{{Action: "slack", N: 3, Lease: time.Minute}})
				if err != nil {
					t.Error(err)
				}
				if len(claimed.Deliveries) == 0 {
					return
				}
				mu.Lock()
				for _, d := range claimed.Deliveries {
					seen[d.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s was claimed %d times", id, n)
		}
	}
	equal(t, "claimed", len(seen), 50)
}

func testFinish(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack", "mail")
	claim(t, s, "slack", 1, t0)
	claim(t, s, "mail", 1, t0)
	finish(t, s, "e1-slack", delivery.End{At: t0.Add(time.Second), State: record.Done})
	finish(t, s, "e1-mail", delivery.End{At: t0.Add(time.Second), State: record.Dead, Error: "550 no such user", Outcome: actions.Outcome{Response: "550"}})

	d, attempts := deliveryByID(t, s, "e1-slack")
	equal(t, "state", []any{d.State, d.DueAt, d.Attempts, d.LastError}, []any{record.Done, time.Time{}, 1, ""})
	equal(t, "attempts", attempts, []record.Attempt{{N: 1, StartedAt: t0, EndedAt: t0.Add(time.Second), Outcome: "done"}})
	d, attempts = deliveryByID(t, s, "e1-mail")
	equal(t, "state", []any{d.State, d.DueAt, d.Attempts, d.LastError}, []any{record.Dead, time.Time{}, 1, "550 no such user"})
	equal(t, "attempts", attempts, []record.Attempt{{
		N: 1, StartedAt: t0, EndedAt: t0.Add(time.Second), Outcome: "dead", Error: "550 no such user", Response: "550",
	}})
	due(t, s, t0.Add(time.Hour), time.Time{})
}

func testRetry(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	claim(t, s, "slack", 1, t0)
	again := t0.Add(30 * time.Second)
	finish(t, s, "e1-slack", delivery.End{At: t0.Add(time.Second), State: record.Retrying, DueAt: again, Error: "503"})
	due(t, s, t0.Add(2*time.Second), again)
	d, _ := deliveryByID(t, s, "e1-slack")
	equal(t, "state", []any{d.State, d.DueAt, d.LastError}, []any{record.Retrying, again, "503"})

	claimed := claim(t, s, "slack", 1, again)
	equal(t, "claimed", []any{claimed[0].State, claimed[0].Attempts, claimed[0].LastError}, []any{record.Retrying, 2, "503"})
	finish(t, s, "e1-slack", delivery.End{At: again, State: record.Done})
	d, attempts := deliveryByID(t, s, "e1-slack")
	equal(t, "state", []any{d.State, d.Attempts, d.LastError}, []any{record.Done, 2, ""})
	equal(t, "attempts", attempts, []record.Attempt{
		{N: 1, StartedAt: t0, EndedAt: t0.Add(time.Second), Outcome: "retry", Error: "503"},
		{N: 2, StartedAt: again, EndedAt: again, Outcome: "done"},
	})
}

func testFinishTwice(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	claim(t, s, "slack", 1, t0)
	finish(t, s, "e1-slack", delivery.End{At: t0, State: record.Done})
	before, attempts := deliveryByID(t, s, "e1-slack")
	finish(t, s, "e1-slack", delivery.End{At: t0.Add(time.Second), State: record.Dead, Error: "late"})
	finish(t, s, "e1-slack", delivery.End{At: t0.Add(time.Second), State: record.Retrying, DueAt: t0})
	after, attemptsAfter := deliveryByID(t, s, "e1-slack")
	equal(t, "delivery", after, before)
	equal(t, "attempts", attemptsAfter, attempts)
}

func testFinishRefused(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	claim(t, s, "slack", 1, t0)
	for _, state := range []record.State{"", record.Pending, record.Held, record.Discarded} {
		if _, err := s.Exchange(t.Context(), run, t0, []delivery.End{{ID: "e1-slack", At: t0, State: state}}, nil); err == nil {
			t.Errorf("an attempt ended in the state %q", state)
		}
	}
	if _, err := s.Exchange(t.Context(), run, t0, []delivery.End{{ID: "deleted", At: t0, State: record.Done}}, nil); err != nil {
		t.Errorf("finishing a delivery that was deleted meanwhile: %v", err)
	}
}

func testKnown(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	commitPending(t, s, "e2", t0.Add(time.Second), "mail")
	commitPending(t, s, "e3", t0.Add(time.Minute), "hook")
	for _, c := range []struct{ known, want []string }{
		{nil, nil}, {[]string{"mail", "other"}, []string{"mail"}}, {[]string{"mail", "slack"}, []string{"mail", "slack"}},
	} {
		got, next, err := s.DueActions(t.Context(), t0.Add(time.Second), c.known)
		if err != nil || !next.IsZero() {
			t.Errorf("next %v, error %v", next, err)
		}
		equal(t, "due", got, c.want)
	}
}

func testRenew(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	commitPending(t, s, "e2", t0, "mail")
	commitPending(t, s, "e3", t0.Add(time.Hour), "hook")
	claim(t, s, "slack", 1, t0)
	claimAs(t, s, otherRun, "mail", 1, t0)
	if err := s.Renew(t.Context(), run, t0.Add(10*time.Minute)); err != nil {
		t.Fatal(err)
	}
	due(t, s, t0.Add(time.Minute), t0.Add(10*time.Minute), "mail")
	equal(t, "renewed", len(claimAs(t, s, otherRun, "slack", 9, t0.Add(10*time.Minute-time.Microsecond))), 0)
	equal(t, "it is still the owner's", finishAs(t, s, run, "e1-slack", delivery.End{At: t0, State: record.Retrying, DueAt: t0}), true)
	if err := s.Renew(t.Context(), run, t0.Add(20*time.Minute)); err != nil {
		t.Fatal(err)
	}
	due(t, s, t0, t0.Add(time.Minute), "slack")
	equal(t, "after its end", ids(claimAs(t, s, otherRun, "slack", 9, t0)), []string{"e1-slack"})
}

func testOwnExpired(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	claim(t, s, "slack", 1, t0)
	later := t0.Add(time.Hour)
	equal(t, "by the owner", len(claim(t, s, "slack", 9, later)), 0)
	equal(t, "its end counts", finishAs(t, s, run, "e1-slack", delivery.End{At: later, State: record.Retrying, DueAt: later}), true)
	equal(t, "then it is", ids(claim(t, s, "slack", 9, later)), []string{"e1-slack"})
	d, _ := deliveryByID(t, s, "e1-slack")
	equal(t, "attempts", d.Attempts, 2)
}

func testLost(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	claim(t, s, "slack", 1, t0)
	later := t0.Add(time.Minute)
	equal(t, "another owner", ids(claimAs(t, s, otherRun, "slack", 1, later)), []string{"e1-slack"})
	before, attempts := deliveryByID(t, s, "e1-slack")
	equal(t, "counts", finishAs(t, s, run, "e1-slack", delivery.End{At: later, State: record.Dead, Error: "late"}), false)
	after, attemptsAfter := deliveryByID(t, s, "e1-slack")
	equal(t, "delivery", after, before)
	equal(t, "attempts", attemptsAfter, attempts)
	if err := s.Renew(t.Context(), run, later.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	due(t, s, later, later.Add(time.Minute))
	equal(t, "the other's counts", finishAs(t, s, otherRun, "e1-slack", delivery.End{At: later, State: record.Done}), true)
	equal(t, "counts", finishAs(t, s, run, "e1-slack", delivery.End{At: later, State: record.Retrying, DueAt: later}), false)
	d, attempts := deliveryByID(t, s, "e1-slack")
	equal(t, "state", []any{d.State, d.Attempts}, []any{record.Done, 2})
	equal(t, "attempts", attempts, []record.Attempt{
		{N: 1, StartedAt: t0, EndedAt: later, Outcome: "interrupted"}, {N: 2, StartedAt: later, EndedAt: later, Outcome: "done"},
	})
}

func testLostRelease(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	claim(t, s, "slack", 1, t0)
	later := t0.Add(time.Minute)
	claimAs(t, s, otherRun, "slack", 1, later)
	before, attempts := deliveryByID(t, s, "e1-slack")
	finishAs(t, s, run, "e1-slack", delivery.End{At: later, DueAt: t0, Released: true})
	after, attemptsAfter := deliveryByID(t, s, "e1-slack")
	equal(t, "delivery", after, before)
	equal(t, "attempts", attemptsAfter, attempts)
}

// What a store takes over of other owners depends on what it knows of them.
func testTakeOver(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	commitPending(t, s, "e2", t0.Add(time.Hour), "mail")
	commitPending(t, s, "e3", t0, "hook")
	claim(t, s, "slack", 1, t0)
	claim(t, s, "hook", 1, t0)
	finish(t, s, "e3-hook", delivery.End{At: t0, State: record.Retrying, DueAt: t0.Add(2 * time.Hour), Error: "503"})
	n, err := s.TakeOver(t.Context(), run, t0.Add(time.Second))
	if n != 0 || err != nil {
		t.Fatalf("took over %d, error %v", n, err)
	}
	due(t, s, t0.Add(time.Second), t0.Add(time.Minute))
	due(t, s, t0.Add(time.Hour), t0.Add(2*time.Hour), "mail", "slack")
	equal(t, "still its own", finishAs(t, s, run, "e1-slack", delivery.End{At: t0, State: record.Done}), true)
}

func testPendingByAction(t *testing.T, s Store) {
	count := func(want map[string]int) {
		t.Helper()
		got, err := s.PendingByAction(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "waiting", got, want)
	}
	count(map[string]int{})
	commitPending(t, s, "e1", t0, "slack", "mail")
	commitPending(t, s, "e2", t0.Add(time.Hour), "slack")
	count(map[string]int{"slack": 2, "mail": 1})
	claim(t, s, "slack", 1, t0)
	claim(t, s, "mail", 1, t0)
	count(map[string]int{"slack": 2, "mail": 1})
	finish(t, s, "e1-slack", delivery.End{At: t0, State: record.Retrying, DueAt: t0})
	finish(t, s, "e1-mail", delivery.End{At: t0, State: record.Done})
	count(map[string]int{"slack": 2})
}

func testWake(t *testing.T, s Store) {
	woken := func(after string, want bool) {
		t.Helper()
		select {
		case <-s.Wake():
			if !want {
				t.Errorf("woken after %s", after)
			}
		default:
			if want {
				t.Errorf("not woken after %s", after)
			}
		}
	}
	woken("nothing", false)
	commitPending(t, s, "e1", t0, "slack")
	commitPending(t, s, "e2", t0, "slack") // nobody listens: must not block
	woken("two commits", true)
	woken("having been woken", false)
	commit(t, s, accepted("e2", "of e2", "e2"), duplicate, pending("d2", "slack"))
	commit(t, s, accepted("e3", "of e2", "e2"), signatureReuse, pending("d3", "slack"))
	held := pending("d4", "slack")
	held.State = record.Held
	commit(t, s, accepted("e4", "s4", "x"), stored, held)
	woken("commits without a new delivery to send", false)
	claim(t, s, "slack", 9, t0)
	finish(t, s, "e1-slack", delivery.End{At: t0, State: record.Done})
	woken("a claim and a good end", false)
	finish(t, s, "e2-slack", delivery.End{At: t0, State: record.Retrying, DueAt: t0.Add(time.Hour)})
	woken("a retry", true)
}

func testInterrupted(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack")
	claim(t, s, "slack", 1, t0)
	later := t0.Add(time.Hour)
	commitPending(t, s, "e2", later, "mail")
	claimAs(t, s, otherRun, "mail", 1, later)
	claimAs(t, s, otherRun, "slack", 1, later)
	finishAs(t, s, otherRun, "e1-slack", delivery.End{At: later, State: record.Done})
	_, attempts := deliveryByID(t, s, "e1-slack")
	equal(t, "attempts", attempts, []record.Attempt{
		{N: 1, StartedAt: t0, EndedAt: later, Outcome: "interrupted"},
		{N: 2, StartedAt: later, EndedAt: later, Outcome: "done"},
	})
	_, attempts = deliveryByID(t, s, "e2-mail")
	equal(t, "an attempt in flight", attempts, []record.Attempt{{N: 1, StartedAt: later}})
}

func testNoDueTime(t *testing.T, s Store) {
	commitPending(t, s, "e1", time.Time{}, "slack")
	due(t, s, t0, time.Time{}, "slack")
	equal(t, "claimed", ids(claim(t, s, "slack", 1, t0)), []string{"e1-slack"})
}

func testTwoActions(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "slack", "mail")
	claim(t, s, "slack", 1, t0)
	finish(t, s, "e1-slack", delivery.End{At: t0, State: record.Dead, Error: "no"})
	due(t, s, t0, time.Time{}, "mail")
}
