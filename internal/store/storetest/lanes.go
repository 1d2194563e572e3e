package storetest

import (
	"fmt"
	"testing"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine/record"
)

var laneTests = map[string]func(*testing.T, Store){
	"a throttled destination is closed for all of its deliveries": testThrottled,
	"after a pause deliveries follow at a pace":                   testPace,
	"a refusal of one delivery closes nothing":                    testRefusedAlone,
	"a failing destination is probed by one that has not failed":  testProbe,
	"destinations of one action have lanes of their own":          testDestinations,
	"actions share a destination":                                 testSharedDestination,
	"what is known of a destination outlives the process":         testLaneIsStored,
	"deliveries of one order are claimed one by one":              testOrder,
	"what is given up lets the next of its order go on":           testOrderGoesOn,
	"recipients are kept for the next attempt":                    testRecipients,
	"a retry is for the recipients that have not got it":          testRetryRecipients,
	"lanes that were not used for long are forgotten":             testPruneLanes,
	"a changed action is reconsidered at once":                    testReconsider,
	"an exchange records before it claims":                        testRecordsFirst,
	"attempts that failed alike are counted":                      testAlike,
	"lanes that nobody uses are pruned":                           testLanesPruned,
	"a released delivery is as it was before its claim":           testReleased,
	"a probe that is released is made again":                      testProbeReleased,
	"a probe of a shared destination opens it at once":            testProbeOpens,
}

func exchange(t *testing.T, s Store, now time.Time, ends []delivery.End, takes ...delivery.Take) delivery.Claimed {
	t.Helper()
	claimed, err := s.Exchange(t.Context(), run, now, ends, takes)
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

func takeOf(action string, n int) delivery.Take {
	return delivery.Take{Action: action, N: n, Lease: time.Minute, Timeout: time.Minute}
}

// failedBy ends an attempt that is to be repeated an hour later.
func failedBy(id string, at time.Time, o actions.Outcome) delivery.End {
	o.Verdict = actions.Retry
	return delivery.End{ID: id, StartedAt: at, At: at, State: record.Retrying, DueAt: at.Add(time.Hour), Outcome: o}
}

func done(id string, at time.Time) delivery.End {
	return delivery.End{ID: id, StartedAt: at, At: at, State: record.Done, Outcome: actions.Outcome{Verdict: actions.Done}}
}

func waits(t *testing.T, s Store, id string) record.Wait {
	t.Helper()
	d, _ := deliveryByID(t, s, id)
	if d.Waits == nil {
		return record.Wait{}
	}
	return *d.Waits
}

// commitTo commits an event with one delivery that goes to a destination.
func commitTo(t *testing.T, s Store, id, action, destination, order string) {
	t.Helper()
	d := pending(id, action)
	d.Destination, d.OrderKey = destination, order
	commit(t, s, accepted("event of "+id, "s of "+id, "x"), stored, d)
}

func testThrottled(t *testing.T, s Store) {
	for i := range 3 {
		commitTo(t, s, fmt.Sprint("d", i), "api", "", "")
	}
	exchange(t, s, t0, nil, takeOf("api", 1))
	open := t0.Add(12 * time.Second)
	got := exchange(t, s, t0, []delivery.End{failedBy("d0", t0, actions.Outcome{Cause: actions.CauseThrottled, After: 12 * time.Second})}, takeOf("api", 9))
	equal(t, "claimed", ids(got.Deliveries), []string{})
	equal(t, "next", got.Next, open)
	equal(t, "changes", got.Changes, []delivery.LaneChange{{Destination: "api", Wait: delivery.WaitRetryAfter, Until: open}})
	equal(t, "waits", waits(t, s, "d1"), record.Wait{For: delivery.WaitRetryAfter, Until: open})
	equal(t, "a moment before", len(exchange(t, s, open.Add(-time.Microsecond), nil, takeOf("api", 9)).Deliveries), 0)
	equal(t, "then one", ids(exchange(t, s, open, nil, takeOf("api", 9)).Deliveries), []string{"d1"})
	equal(t, "and no other meanwhile", len(exchange(t, s, open.Add(time.Second), nil, takeOf("api", 9)).Deliveries), 0)
}

func testRefusedAlone(t *testing.T, s Store) {
	for i := range 9 {
		commitTo(t, s, fmt.Sprint("d", i), "api", "", "")
	}
	now := t0
	for i := range 8 {
		exchange(t, s, now, nil, takeOf("api", 1))
		now = now.Add(time.Millisecond)
		exchange(t, s, now, []delivery.End{failedBy(fmt.Sprint("d", i), now, actions.Outcome{})})
	}
	equal(t, "claimed", ids(exchange(t, s, now, nil, takeOf("api", 9)).Deliveries), []string{"d8"})
}

func testProbe(t *testing.T, s Store) {
	for i := range 9 {
		commitTo(t, s, fmt.Sprint("d", i), "api", "", "")
	}
	got := exchange(t, s, t0, nil, takeOf("api", 5))
	var ends []delivery.End
	now := t0.Add(time.Second)
	for _, d := range got.Deliveries {
		end := failedBy(d.ID, now, actions.Outcome{Cause: actions.CauseServer})
		end.DueAt = now // all of them at once
		ends = append(ends, end)
	}
	got = exchange(t, s, now, ends, takeOf("api", 9))
	equal(t, "claimed", ids(got.Deliveries), []string{})
	equal(t, "next", got.Next, now.Add(time.Second))
	equal(t, "waits", waits(t, s, "d8"), record.Wait{For: delivery.WaitFailing, Until: now.Add(time.Second)})
	equal(t, "failing", failing(t, s), map[string]time.Time{"api": now})
	now = now.Add(time.Second)
	equal(t, "the newest", ids(exchange(t, s, now, nil, takeOf("api", 9)).Deliveries), []string{"d8"})
	now = now.Add(10 * time.Millisecond)
	exchange(t, s, now, []delivery.End{failedBy("d8", now, actions.Outcome{Cause: actions.CauseServer})})
	now = now.Add(time.Second)
	equal(t, "the first that has not failed", ids(exchange(t, s, now, nil, takeOf("api", 9)).Deliveries), []string{"d5"})
	now = now.Add(10 * time.Millisecond)
	got = exchange(t, s, now, []delivery.End{done("d5", now)}, takeOf("api", 1))
	equal(t, "changes", got.Changes, []delivery.LaneChange{{Destination: "api"}})
	equal(t, "then the oldest", len(got.Deliveries), 1)
	equal(t, "failing", len(failing(t, s)), 0)
}

func failing(t *testing.T, s Store) map[string]time.Time {
	t.Helper()
	since, err := s.Failing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return since
}

func testDestinations(t *testing.T, s Store) {
	for i := range 3 {
		commitTo(t, s, fmt.Sprint("a", i), "slack", "slack #a", "")
	}
	commitTo(t, s, "b0", "slack", "slack #b", "")
	each := takeOf("slack", 4)
	each.Interval = time.Second
	got := exchange(t, s, t0, nil, each)
	more := exchange(t, s, t0, nil, each)
	equal(t, "one of each", append(ids(got.Deliveries), ids(more.Deliveries)...), []string{"a0", "b0"})
	equal(t, "next", more.Next, t0.Add(time.Second))
	equal(t, "waits", waits(t, s, "a1"), record.Wait{For: delivery.WaitRate, Until: t0.Add(time.Second)})
	equal(t, "a second later", ids(exchange(t, s, t0.Add(time.Second), nil, each).Deliveries), []string{"a1"})
	at := t0.Add(1500 * time.Millisecond)
	exchange(t, s, at, []delivery.End{failedBy("a1", at, actions.Outcome{Cause: actions.CauseThrottled, After: time.Minute})})
	commitTo(t, s, "b1", "slack", "slack #b", "")
	equal(t, "the other goes on", ids(exchange(t, s, t0.Add(3*time.Second), nil, each).Deliveries), []string{"b1"})
}

func testSharedDestination(t *testing.T, s Store) {
	for i, action := range []string{"one", "two", "three"} {
		commitTo(t, s, fmt.Sprint("d", i), action, "slack #a", "")
	}
	var takes []delivery.Take
	for _, action := range []string{"one", "two", "three"} {
		each := takeOf(action, 4)
		each.Interval = time.Second
		takes = append(takes, each)
	}
	for i := range 3 {
		got := exchange(t, s, t0.Add(time.Duration(i)*time.Second), nil, takes...)
		equal(t, fmt.Sprint("second ", i), len(got.Deliveries), 1)
	}
}

func testLaneIsStored(t *testing.T, s Store) {
	commitTo(t, s, "d0", "api", "", "")
	commitTo(t, s, "d1", "api", "", "")
	exchange(t, s, t0, nil, takeOf("api", 1))
	exchange(t, s, t0, []delivery.End{failedBy("d0", t0, actions.Outcome{Cause: actions.CauseThrottled, After: time.Minute})})
	if _, err := s.TakeOver(t.Context(), otherRun, t0); err != nil {
		t.Fatal(err)
	}
	equal(t, "claimed", len(exchange(t, s, t0.Add(59*time.Second), nil, takeOf("api", 9)).Deliveries), 0)
}

func testOrder(t *testing.T, s Store) {
	commitTo(t, s, "grant", "lms", "", "u1")
	commitTo(t, s, "other", "lms", "", "u2")
	commitTo(t, s, "revoke", "lms", "", "u1")
	commitTo(t, s, "elsewhere", "idp", "", "u1")
	commitTo(t, s, "unordered", "lms", "", "")
	equal(t, "claimed", ids(exchange(t, s, t0, nil, takeOf("lms", 9)).Deliveries), []string{"grant", "other", "unordered"})
	equal(t, "another action", ids(exchange(t, s, t0, nil, takeOf("idp", 9)).Deliveries), []string{"elsewhere"})
	equal(t, "while it is sent", len(exchange(t, s, t0, nil, takeOf("lms", 9)).Deliveries), 0)
	end := failedBy("grant", t0, actions.Outcome{Error: "answered 503"})
	end.DueAt = t0.Add(time.Second)
	equal(t, "while it waits", len(exchange(t, s, t0, []delivery.End{end}, takeOf("lms", 9)).Deliveries), 0)
	equal(t, "waits", waits(t, s, "revoke"), record.Wait{For: delivery.WaitOrder})
	again := t0.Add(time.Second)
	equal(t, "the first again", ids(exchange(t, s, again, nil, takeOf("lms", 9)).Deliveries), []string{"grant"})
	equal(t, "then the second", ids(exchange(t, s, again, []delivery.End{done("grant", again)}, takeOf("lms", 9)).Deliveries), []string{"revoke"})
	d, _ := deliveryByID(t, s, "revoke")
	equal(t, "order", d.OrderKey, "u1")
}

func testOrderGoesOn(t *testing.T, s Store) {
	commitTo(t, s, "grant", "lms", "", "u1")
	commitTo(t, s, "revoke", "lms", "", "u1")
	commitTo(t, s, "third", "lms", "", "u1")
	exchange(t, s, t0, nil, takeOf("lms", 9))
	dead := delivery.End{ID: "grant", StartedAt: t0, At: t0, State: record.Dead, Error: "answered 404"}
	equal(t, "claimed", ids(exchange(t, s, t0, []delivery.End{dead}, takeOf("lms", 9)).Deliveries), []string{"revoke"})
	d, _ := deliveryByID(t, s, "grant")
	equal(t, "recorded", d.LastError, "answered 404; the next delivery of the same order goes on: revoke")
	if _, err := s.Discard(t.Context(), record.DeliveryFilter{ID: "revoke"}); err != nil {
		t.Fatal(err)
	}
	equal(t, "after one is discarded", ids(exchange(t, s, t0, nil, takeOf("lms", 9)).Deliveries), []string{"third"})
}

func testRecipients(t *testing.T, s Store) {
	commitTo(t, s, "d0", "mail", "", "")
	exchange(t, s, t0, nil, takeOf("mail", 1))
	want := []record.Recipient{{Address: "a@b.c", State: record.Done}, {Address: "b@b.c", State: record.Retrying, Error: "450 wait"}}
	end := failedBy("d0", t0, actions.Outcome{Recipients: want})
	end.DueAt = t0
	got := exchange(t, s, t0, []delivery.End{end}, takeOf("mail", 1))
	equal(t, "claimed", got.Deliveries[0].Recipients, want)
	exchange(t, s, t0, []delivery.End{failedBy("d0", t0, actions.Outcome{Cause: actions.CauseServer})}) // says nothing of them
	d, _ := deliveryByID(t, s, "d0")
	equal(t, "stored", d.Recipients, want)
}

func testRetryRecipients(t *testing.T, s Store) {
	for _, id := range []string{"d0", "d1"} {
		commitTo(t, s, id, "mail", "", "")
	}
	exchange(t, s, t0, nil, takeOf("mail", 2))
	got := record.Recipient{Address: "a@b.c", State: record.Done}
	refused := record.Recipient{Address: "b@b.c", State: record.Dead, Error: "552 mailbox full"}
	some, all := done("d0", t0), done("d1", t0)
	some.Outcome.Recipients, all.Outcome.Recipients = []record.Recipient{got, refused}, []record.Recipient{got}
	exchange(t, s, t0, []delivery.End{some, all})
	for id, want := range map[string][]record.Recipient{"d0": {got}, "d1": nil} {
		if n, err := s.Retry(t.Context(), record.DeliveryFilter{ID: id}, t0); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		equal(t, id, exchange(t, s, t0, nil, takeOf("mail", 1)).Deliveries[0].Recipients, want)
	}
}

func testPruneLanes(t *testing.T, s Store) {
	commitTo(t, s, "d0", "slack", "slack person x", "")
	commitTo(t, s, "d1", "slack", "slack person x", "")
	each := takeOf("slack", 1)
	each.Interval = time.Hour
	exchange(t, s, t0, nil, each)
	exchange(t, s, t0, []delivery.End{done("d0", t0)})
	open := t0.Add(time.Hour)
	for _, step := range []struct {
		before time.Time
		want   record.Wait
	}{{open, record.Wait{For: delivery.WaitRate, Until: open}}, {open.Add(time.Second), record.Wait{}}} {
		if _, err := s.Prune(t.Context(), time.Now(), step.before, t0); err != nil {
			t.Fatal(err)
		}
		equal(t, "waits", waits(t, s, "d1"), step.want)
	}
}

func testReconsider(t *testing.T, s Store) {
	commitTo(t, s, "d0", "api", "", "")
	commitTo(t, s, "d1", "api", "", "")
	commitTo(t, s, "d2", "other", "", "")
	exchange(t, s, t0, nil, takeOf("api", 1), takeOf("other", 1))
	exchange(t, s, t0, []delivery.End{
		failedBy("d0", t0, actions.Outcome{Cause: actions.CauseThrottled, After: time.Hour}), failedBy("d2", t0, actions.Outcome{}),
	})
	now := t0.Add(time.Second)
	n, err := s.Reconsider(t.Context(), "api", now)
	if err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	equal(t, "claimed", ids(exchange(t, s, now, nil, takeOf("api", 9), takeOf("other", 9)).Deliveries), []string{"d1", "d0"})
}

func testRecordsFirst(t *testing.T, s Store) {
	commitTo(t, s, "d0", "api", "", "")
	exchange(t, s, t0, nil, takeOf("api", 1))
	end := failedBy("d0", t0, actions.Outcome{})
	end.DueAt = t0
	got := exchange(t, s, t0, []delivery.End{end}, takeOf("api", 1))
	equal(t, "claimed", len(got.Deliveries), 1)
	equal(t, "interrupted", got.Deliveries[0].Interrupted, false)
	equal(t, "attempts", got.Deliveries[0].Attempts, 2)
}

func testProbeOpens(t *testing.T, s Store) {
	for _, id := range []string{"d0", "d1", "d2"} {
		commitTo(t, s, id, "slack", "slack #a", "")
	}
	exchange(t, s, t0, nil, takeOf("slack", 1))
	throttled := actions.Outcome{Cause: actions.CauseThrottled, After: time.Second}
	exchange(t, s, t0, []delivery.End{failedBy("d0", t0, throttled)})
	now := t0.Add(time.Second)
	equal(t, "the probe", ids(exchange(t, s, now, nil, takeOf("slack", 9)).Deliveries), []string{"d1"})
	end := done("d1", now.Add(time.Millisecond))
	now = now.Add(time.Second)
	equal(t, "the next", ids(exchange(t, s, now, []delivery.End{end}, takeOf("slack", 9)).Deliveries), []string{"d2"})
}

func testProbeReleased(t *testing.T, s Store) {
	for _, id := range []string{"d0", "d1"} {
		commitTo(t, s, id, "slack", "slack #a", "")
	}
	exchange(t, s, t0, nil, takeOf("slack", 1))
	throttled := actions.Outcome{Cause: actions.CauseThrottled, After: time.Second}
	exchange(t, s, t0, []delivery.End{failedBy("d0", t0, throttled)})
	now := t0.Add(time.Second)
	equal(t, "the probe", ids(exchange(t, s, now, nil, takeOf("slack", 9)).Deliveries), []string{"d1"})
	now = now.Add(time.Second)
	release := []delivery.End{{ID: "d1", DueAt: t0, Released: true}}
	equal(t, "again", ids(exchange(t, s, now, release, takeOf("slack", 9)).Deliveries), []string{"d1"})
}

func testReleased(t *testing.T, s Store) {
	commitTo(t, s, "d0", "api", "", "")
	exchange(t, s, t0, nil, takeOf("api", 1))
	exchange(t, s, t0, []delivery.End{{ID: "d0", DueAt: t0, Released: true}, {ID: "gone", DueAt: t0, Released: true}})
	d, attempts := deliveryByID(t, s, "d0")
	equal(t, "delivery", []any{d.State, d.Attempts, d.DueAt, len(attempts)}, []any{record.Pending, 0, t0, 0})
	got := exchange(t, s, t0, nil, takeOf("api", 1))
	equal(t, "claimed", []any{got.Deliveries[0].Attempts, got.Deliveries[0].Interrupted}, []any{1, false})
	if _, err := s.Discard(t.Context(), record.DeliveryFilter{ID: "d0"}); err != nil {
		t.Fatal(err)
	}
	exchange(t, s, t0, []delivery.End{{ID: "d0", DueAt: t0, Released: true}})
	d, _ = deliveryByID(t, s, "d0")
	equal(t, "discarded", []any{d.State, d.DueAt}, []any{record.Discarded, time.Time{}})
}

func testLanesPruned(t *testing.T, s Store) {
	for _, id := range []string{"d0", "d1"} {
		commitTo(t, s, id, "slack", "slack "+id, "")
	}
	each := takeOf("slack", 9)
	each.Interval = time.Hour
	exchange(t, s, t0, nil, each)
	commitTo(t, s, "d2", "slack", "slack d0", "")
	equal(t, "held by the rate", len(exchange(t, s, t0.Add(time.Second), nil, each).Deliveries), 0)
	if _, err := s.Prune(t.Context(), time.Now(), t0.Add(2*time.Hour), t0); err != nil {
		t.Fatal(err)
	}
	equal(t, "without the lane", len(exchange(t, s, t0.Add(time.Second), nil, each).Deliveries), 1)
}

func testPace(t *testing.T, s Store) {
	for i := range 9 {
		commitTo(t, s, fmt.Sprint("d", i), "api", "", "")
	}
	exchange(t, s, t0, nil, takeOf("api", 1))
	exchange(t, s, t0, []delivery.End{failedBy("d0", t0, actions.Outcome{Cause: actions.CauseThrottled, After: time.Second})})
	now := t0.Add(time.Second)
	exchange(t, s, now, nil, takeOf("api", 9)) // the probe
	got := exchange(t, s, now.Add(time.Millisecond), []delivery.End{done("d1", now.Add(time.Millisecond))}, takeOf("api", 9))
	for range 20 { // however often it is asked
		now = now.Add(10 * time.Millisecond)
		equal(t, "claimed too soon", ids(exchange(t, s, now, nil, takeOf("api", 9)).Deliveries), []string{})
	}
	equal(t, "one, when the pace allows it", len(exchange(t, s, got.Next, nil, takeOf("api", 9)).Deliveries), 1)
}

func testAlike(t *testing.T, s Store) {
	commitTo(t, s, "d0", "api", "", "")
	now := t0
	for i, c := range []struct {
		failure string
		alike   int
	}{{"answered 503", 0}, {"answered 503", 1}, {"answered 401", 2}, {"answered 401", 1}, {"answered 503", 2}, {"", 3}} {
		got := exchange(t, s, now, nil, takeOf("api", 1))
		equal(t, fmt.Sprint("claim ", i+1), got.Deliveries[0].Alike, c.alike)
		end := failedBy("d0", now, actions.Outcome{})
		end.Error, end.DueAt = c.failure, now
		exchange(t, s, now, []delivery.End{end})
		now = now.Add(time.Second)
	}
	equal(t, "without an error", exchange(t, s, now, nil, takeOf("api", 1)).Deliveries[0].Alike, 0)
}
