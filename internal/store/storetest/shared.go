package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"heed/actions/delivery"
	"heed/engine/intake"
	"heed/engine/people"
	"heed/engine/record"
	"heed/engine/state"
)

// Shared is what a store must do that several processes may open.
type Shared interface {
	Store
	people.Shared
	// Leads says whether this process does a task that one does for all.
	Leads(ctx context.Context, task string) (bool, error)
}

// processes is how many open the same store.
const processes = 3

// RunShared runs the tests of a store that several processes have open. open gives
// an empty store, opened by each of them, and sees to its end.
func RunShared(t *testing.T, open func(t *testing.T, n int) []Shared) {
	for _, group := range []map[string]func(*testing.T, Store){
		commitTests, idTests, sourceTests, raceTests, queueTests, laneTests, readTests, pruneTests, threadTests, stateTests,
	} {
		for name, test := range group {
			if asksAtOnce[name] {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				all := open(t, processes)
				s := &spread{Store: all[0]}
				for _, one := range all {
					s.all = append(s.all, one)
				}
				test(t, s)
			})
		}
	}
	for name, test := range sharedTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, processes))
		})
	}
}

// asksAtOnce are tests that ask one process at once for what another has changed,
// which it may learn a second later.
var asksAtOnce = map[string]bool{
	"mutes hold in transactions until their end":        true,
	"mutes are ended and renamed":                       true,
	"whoever waits is woken when deliveries become due": true,
	"the last good event is the last new one":           true,
}

var sharedTests = map[string]func(*testing.T, []Shared){
	"numbers are given once, without gaps":                   testSharedNumbers,
	"loops of several processes send at one rate":            testSharedLoops,
	"the concurrency of an action is that of all processes":  testSharedConcurrency,
	"a lease that ran out is taken over":                     testSharedLease,
	"a mute holds at once in transactions, and soon outside": testSharedMute,
	"a firing happens once":                                  testSharedFiring,
	"what others have changed wakes":                         testSharedWake,
	"what others have stored of people is learnt":            testSharedPeople,
	"one process saves people":                               testSharedSaver,
	"who is forgotten by one is forgotten by all":            testSharedForget,
	"an import is known to all":                              testSharedImport,
	"one process has a task":                                 testSharedTask,
	"the last good event of one is soon that of all":         testSharedLastGood,
}

// eventually waits for what another process learns within some seconds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Errorf("in 20 s it did not come true: %s", what)
}

func testSharedNumbers(t *testing.T, all []Shared) {
	const each = 100
	var at sync.WaitGroup
	for i, s := range all {
		for k := range 4 {
			at.Go(func() {
				for n := range each {
					id := fmt.Sprintf("e%d-%d-%d", i, k, n)
					if v, err := Commit(t.Context(), s, accepted(id, id, id), nil); v != intake.Stored || err != nil {
						t.Errorf("%s: %v, %v", id, v, err)
					}
				}
			})
		}
	}
	at.Wait()
	events, err := all[0].Events(t.Context(), record.EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "events", len(events), 4*each*len(all))
	for i, e := range events {
		if want := int64(len(events) - i); e.Seq != want {
			t.Fatalf("the number %d is missing: there is %d", want, e.Seq)
		}
	}
}

func testSharedLoops(t *testing.T, all []Shared) {
	queues := make([]Store, len(all))
	for i, s := range all {
		queues[i] = s
	}
	loopsAtOnce(t, queues)
}

func testSharedConcurrency(t *testing.T, all []Shared) {
	for i := range 20 {
		commitPending(t, all[0], fmt.Sprint("e", i), t0, "slack")
	}
	claimed := 0
	ask := func(owner string, s Store, n int) {
		t.Helper()
		got, err := s.Exchange(t.Context(), owner, t0, nil, []delivery.Take{
			{Action: "slack", N: n, Concurrency: 4, Lease: time.Minute, Timeout: time.Minute},
		})
		if err != nil {
			t.Fatal(err)
		}
		claimed += len(got.Deliveries)
	}
	ask("a", all[0], 3)
	ask("b", all[1], 8)
	ask("c", all[2], 8)
	ask("a", all[0], 8)
	equal(t, "claimed", claimed, 4)
}

func testSharedLease(t *testing.T, all []Shared) {
	commitPending(t, all[0], "e1", t0, "slack")
	equal(t, "claimed", len(claimAs(t, all[0], "a", "slack", 9, t0)), 1)
	if n, err := all[1].TakeOver(t.Context(), "b", t0); n != 0 || err != nil {
		t.Errorf("took over %d from a process that may be there, %v", n, err)
	}
	equal(t, "during the lease", len(claimAs(t, all[1], "b", "slack", 9, t0.Add(59*time.Second))), 0)
	again := claimAs(t, all[1], "b", "slack", 9, t0.Add(time.Minute))
	if len(again) != 1 || !again[0].Interrupted {
		t.Errorf("after the lease: %+v", again)
	}
}

func testSharedMute(t *testing.T, all []Shared) {
	put(t, all[1], "before", state.Row{Ref: ref("r", state.BlockThrottle, "u1"), Data: []byte(`{}`)})
	now := time.Now()
	mute := state.Mute{Rule: "r", From: now.Add(-time.Hour), Until: now.Add(time.Hour)}
	if _, err := all[0].AddMute(t.Context(), mute); err != nil {
		t.Fatal(err)
	}
	change(t, all[1], "after", func(rows state.Rows) {
		if _, muted := rows.Mute("r", "u1", now); !muted {
			t.Error("it is not muted in a transaction of another process")
		}
	})
	eventually(t, "the mute is known to a process that writes nothing", func() bool {
		_, muted := all[2].Muted("r", "", now)
		return muted
	})
}

// testSharedFiring lets all processes fire the same row at the same time.
func testSharedFiring(t *testing.T, all []Shared) {
	at := ref("r", state.BlockWait, "u1")
	for round := range 20 {
		put(t, all[0], fmt.Sprint("e", round), state.Row{Ref: at, Data: []byte(`{}`), Due: t0})
		row, _ := stateRow(t, all[0], at)
		var mu sync.Mutex
		fired := 0
		var processes sync.WaitGroup
		for i, s := range all {
			processes.Go(func() {
				id := fmt.Sprintf("fired-%d-%d", round, i)
				b := &intake.Batch{Event: accepted(id, id, id), Resolve: func(_ int64, rows state.Rows) bool {
					now, ok := rows.Get(at)
					if !ok || now.Version != row.Version {
						return false
					}
					rows.Delete(at)
					return true
				}}
				if err := s.Commit(t.Context(), b); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if b.Verdict == intake.Stored {
					fired++
				}
			})
		}
		processes.Wait()
		equal(t, "fired", fired, 1)
	}
	equal(t, "keys", stateKeys(t, all[1], at.Scope), 0)
}

func testSharedWake(t *testing.T, all []Shared) {
	time.Sleep(2 * time.Second) // until the start has been noticed
	for len(all[1].Wake()) > 0 {
		<-all[1].Wake()
	}
	commitPending(t, all[0], "e1", t0, "slack")
	select {
	case <-all[1].Wake():
	case <-time.After(20 * time.Second):
		t.Error("another process is not woken")
	}
}

func testSharedPeople(t *testing.T, all []Shared) {
	a, b := running(t, all[0]), running(t, all[1])
	take(t, all[0], a, progress("e1", "u1", "m1", 40, 1))
	take(t, all[1], b, progress("e2", "u2", "m1", 60, 2))
	commit(t, all[1], quarantined("q", "q", "x"), setAside)
	b.Learn(t.Context(), &record.Event{Seq: 3}, nil)
	for _, k := range []*people.Projection{a, b} {
		eventually(t, "both know both", func() bool { return board(k, people.ByProgress) == "1 u2 60; 2 u1 40; " })
		eventually(t, "there is no lag", func() bool { return k.Lag() == 0 })
	}
}

func testSharedSaver(t *testing.T, all []Shared) {
	a, b := running(t, all[0]), running(t, all[1])
	take(t, all[0], a, progress("e1", "u1", "m1", 40, 1))
	saved(t, a)
	take(t, all[1], b, progress("e2", "u1", "m1", 60, 2))
	if err := b.Save(t.Context()); !errors.Is(err, people.ErrNotSaver) {
		t.Errorf("two processes save: %v", err)
	}
	eventually(t, "a has learnt what b stored", func() bool { return board(a, people.ByProgress) == "1 u1 60; " })
	saved(t, a)
	if learnt, last, err := all[2].Learnt(t.Context()); learnt != 2 || last != 2 || err != nil {
		t.Errorf("learnt %d of %d, %v", learnt, last, err)
	}
	equal(t, "a third start", board(keep(t, all[2]), people.ByProgress), "1 u1 60; ")
}

func testSharedForget(t *testing.T, all []Shared) {
	a, b := running(t, all[0]), running(t, all[1])
	take(t, all[0], a, progress("e1", "u1", "m1", 40, 1))
	take(t, all[0], a, progress("e2", "u2", "m1", 20, 1))
	saved(t, a)
	eventually(t, "b knows them", func() bool { return board(b, people.ByProgress) == "1 u1 40; 2 u2 20; " })
	take(t, all[0], a, progress("e3", "u1", "m2", 90, 2)) // which is not saved yet
	if n, err := b.Forget(t.Context(), "u1"); n != 2 || err != nil {
		t.Fatalf("forgot %d, %v", n, err)
	}
	if err := a.Save(t.Context()); !errors.Is(err, people.ErrNotSaver) {
		t.Errorf("who still knows the person saves: %v", err)
	}
	for _, k := range []*people.Projection{a, b} {
		eventually(t, "u1 is forgotten", func() bool { return board(k, people.ByProgress) == "1 u2 20; " })
	}
	saved(t, b)
	for _, row := range load(t, all[2]).People {
		if row.ID == "u1" {
			t.Error("the person was saved again")
		}
	}
}

func testSharedImport(t *testing.T, all []Shared) {
	a, b := running(t, all[0]), running(t, all[1])
	take(t, all[0], a, tells("e1", "user.provisioned", `{"userId":"u1","email":"u1@example.com","role":"rep"}`, t0))
	saved(t, a)
	records := []people.Record{{ID: "u1", Team: "emea"}, {ID: "u2", Team: "apac"}}
	plan, err := b.Import(t.Context(), records, t0.Add(time.Hour))
	if !reflect.DeepEqual(plan, people.Plan{New: 1, Changed: 1}) || err != nil {
		t.Fatal(plan, err)
	}
	for _, k := range []*people.Projection{a, b} {
		eventually(t, "the import is known", func() bool {
			p, _ := k.Directory.Person("u1")
			other, _ := k.Directory.Person("u2")
			return p.Team == "emea" && p.Role == "rep" && other.Team == "apac"
		})
	}
}

func testSharedLastGood(t *testing.T, all []Shared) {
	e := accepted("e1", "s1", "body")
	e.Good = true
	commit(t, all[0], e, stored)
	for _, s := range all {
		eventually(t, "the last good event is known", func() bool {
			return s.LastGood().At.Equal(t0) && s.LastGood().Seq == e.Seq
		})
	}
}

func testSharedTask(t *testing.T, all []Shared) {
	leads := 0
	for range 3 {
		for _, s := range all {
			may, err := s.Leads(t.Context(), "task")
			if err != nil {
				t.Fatal(err)
			}
			if may {
				leads++
			}
		}
	}
	equal(t, "of three times three", leads, 3)
}

// running is a Projection that learns from other processes until the test ends.
func running(t *testing.T, s Shared) *people.Projection {
	t.Helper()
	k := keep(t, s)
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { k.Run(ctx) })
	t.Cleanup(func() { stop(); run.Wait() })
	return k
}
