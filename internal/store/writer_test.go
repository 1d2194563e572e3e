package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
	"pgregory.net/rapid"

	"heed/engine/intake"
	"heed/engine/record"
	"heed/internal/store/storetest"
)

func event(id string) *record.Event {
	return &record.Event{
		ID: id, Type: "quiz.submitted", Status: record.Accepted, ReceivedAt: time.Unix(1e9, 0).UTC(),
		Signature: []byte("signature of " + id), Body: []byte("body of " + id),
	}
}

func pending(id string) []record.Delivery {
	return []record.Delivery{{ID: id, Action: "slack", State: record.Pending}}
}

// inOneGroup holds the writer up until all writes wait for it, in their order,
// and returns when they are answered. It needs a synctest bubble, in which a
// caller whom nothing but the writer can let go on is known to wait.
func inOneGroup(db *DB, writes ...func()) {
	release := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = db.writer.do(context.Background(), func(*groupTx) error { <-release; return nil })
	})
	synctest.Wait()
	for _, write := range writes {
		wg.Go(write)
		synctest.Wait()
	}
	close(release)
	wg.Wait()
}

// A group must come out as if its events had been committed one by one in the
// order in which they came, also when one of them cannot be stored, keys are
// being merged, or the transaction fails as a whole.
func TestGroupIsAsIfOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openTemp(t)
		db.writer.keys.limit = 7
		if _, err := storetest.Commit(t.Context(), db, event("first"), pending("taken")); err != nil {
			t.Fatal(err)
		}
		commitTx := db.writer.commitTx
		runs := 0
		noDeadline := struct{ *testing.T }{t} // rapid may not ask for one in a bubble
		rapid.Check(noDeadline, func(rt *rapid.T) {
			runs++
			space := fmt.Sprint(runs, "-")
			model := storetest.NewModel()
			for range rapid.IntRange(1, 5).Draw(rt, "groups") {
				events := rapid.SliceOfN(storetest.Event(space), 1, 90).Draw(rt, "events")
				poison := rapid.IntRange(-20, len(events)-1).Draw(rt, "poison")
				breaks := rapid.IntRange(0, 4).Draw(rt, "breaks") == 0
				db.writer.commitTx = func(c conn) error {
					if breaks {
						return diskError(sqlite3.SQLITE_IOERR_WRITE)
					}
					return commitTx(c)
				}
				checkGroup(rt, db, model, events, poison, breaks)
			}
		})
	})
}

func checkGroup(rt *rapid.T, db *DB, model *storetest.Model, events []*record.Event, poison int, breaks bool) {
	type result struct {
		verdict intake.Verdict
		status  record.Status
		reason  string
		stored  bool // by an error
	}
	got, want := make([]result, len(events)), make([]result, len(events))
	var writes []func()
	for i, e := range events {
		// An event that would not be stored with its deliveries cannot fail by
		// them, so the poisoned one is always new.
		var ds []record.Delivery
		if i == poison {
			*e = *event(fmt.Sprintf("poison %s %d %d", e.ID, i, db.writer.nextSeq))
			ds = pending("taken")
		}
		if !breaks && i != poison {
			draft := *e
			want[i].verdict, want[i].status, want[i].reason = model.Commit(&draft)
			want[i].stored = true
		}
		writes = append(writes, func() {
			v, err := storetest.Commit(context.Background(), db, e, ds)
			if err == nil {
				got[i] = result{verdict: v, stored: true}
				if v == intake.Stored {
					got[i].status, got[i].reason = e.Status, e.Reason
				}
			}
		})
	}
	// Merging keys goes on in groups too, several times in one.
	for range rapid.IntRange(0, 2).Draw(rt, "merges") {
		writes = append(writes, func() { _ = db.mergeKeys(context.Background()) })
	}
	inOneGroup(db, writes...)
	if !slices.Equal(got, want) {
		rt.Fatalf("got  %v\nwant %v", got, want)
	}
	last := int64(0)
	for i, e := range events {
		if !got[i].stored || got[i].verdict != intake.Stored {
			continue
		}
		if e.Seq <= last || last != 0 && e.Seq != last+1 {
			rt.Fatalf("seq %d comes after %d", e.Seq, last)
		}
		last = e.Seq
		body := e.Body
		if e.Reason == intake.SignatureReused {
			body = nil // it is the original's
		}
		found, _, err := db.EventBySeq(context.Background(), e.Seq)
		if err != nil || found.ID != e.ID || string(found.Body) != string(body) || found.Reason != e.Reason {
			rt.Fatalf("stored %+v, error %v, want %+v", found, err, e)
		}
	}
}

// diskError is an error as SQLite reports it.
type diskError int

func (e diskError) Error() string { return fmt.Sprintf("disk error (%d)", int(e)) }
func (e diskError) Code() int     { return int(e) }

func TestGroupThatIsRolledBackAcknowledgesNobody(t *testing.T) {
	for code, advice := range map[int]string{
		sqlite3.SQLITE_FULL:          "disk is full",
		sqlite3.SQLITE_READONLY:      "read-only",
		sqlite3.SQLITE_IOERR_WRITE:   "disk gives errors",
		sqlite3.SQLITE_CANTOPEN:      "cannot be opened",
		sqlite3.SQLITE_BUSY_RECOVERY: "another program",
		sqlite3.SQLITE_CORRUPT_INDEX: "damaged",
	} {
		t.Run(advice, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testRolledBack(t, code, advice) })
		})
	}
}

func testRolledBack(t *testing.T, code int, advice string) {
	db := openTemp(t)
	commitTx := db.writer.commitTx
	db.writer.commitTx = func(conn) error { return diskError(code) }
	errs := make([]error, 10)
	var writes []func()
	for i := range errs {
		writes = append(writes, func() {
			_, errs[i] = storetest.Commit(t.Context(), db, event(fmt.Sprint("e", i)), pending(fmt.Sprint("d", i)))
		})
	}
	inOneGroup(db, writes...)
	for i, err := range errs {
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), advice) {
			t.Errorf("commit %d: %v", i, err)
		}
	}
	select {
	case <-db.Wake():
		t.Error("woken for nothing")
	default:
	}
	if err := db.Ping(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("ping: %v", err)
	}

	db.writer.commitTx = commitTx
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("ping after the cause is gone: %v", err)
	}
	// None of them was remembered: all are new.
	for i := range errs {
		e := event(fmt.Sprint("e", i))
		v, err := storetest.Commit(t.Context(), db, e, pending(fmt.Sprint("d", i)))
		if v != intake.Stored || err != nil || e.Seq != int64(i+1) {
			t.Errorf("commit %d again: verdict %v, error %v, seq %d", i, v, err, e.Seq)
		}
	}
}

// A copy of an event that could not be stored is no duplicate of it.
func TestCopyOfAPoisonedEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openTemp(t)
		if _, err := storetest.Commit(t.Context(), db, event("first"), pending("taken")); err != nil {
			t.Fatal(err)
		}
		verdicts, errs := make([]intake.Verdict, 3), make([]error, 3)
		var writes []func()
		for i, delivery := range []string{"taken", "new", "newer"} {
			writes = append(writes, func() { verdicts[i], errs[i] = storetest.Commit(t.Context(), db, event("e1"), pending(delivery)) })
		}
		inOneGroup(db, writes...)
		if errs[0] == nil || errs[1] != nil || errs[2] != nil || verdicts[1] != intake.Stored || verdicts[2] != intake.Duplicate {
			t.Errorf("verdicts %v, errors %v", verdicts, errs)
		}
		if _, found, err := db.Event(t.Context(), "e1"); !found || err != nil {
			t.Errorf("the event: found %v, error %v", found, err)
		}
	})
}

func TestOneGroupIsOneTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var observed []int
		db, err := Open(t.Context(), Options{Dir: t.TempDir(), ObserveBatch: func(n int) { observed = append(observed, n) }})
		if err != nil {
			t.Fatal(err)
		}
		commitTx, commits := db.writer.commitTx, 0
		db.writer.commitTx = func(c conn) error { commits++; return commitTx(c) }
		var writes []func()
		for i := range maxGroup + 10 {
			writes = append(writes, func() {
				if _, err := storetest.Commit(t.Context(), db, event(fmt.Sprint(i)), nil); err != nil {
					t.Error(err)
				}
			})
		}
		inOneGroup(db, writes...)
		if !slices.Equal(observed, []int{maxGroup, 10}) || commits != 3 {
			t.Errorf("groups of %v events in %d transactions, the one that was held up among them", observed, commits)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestBigEventsMakeSmallGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var observed []int
		db, err := Open(t.Context(), Options{Dir: t.TempDir(), ObserveBatch: func(n int) { observed = append(observed, n) }})
		if err != nil {
			t.Fatal(err)
		}
		var writes []func()
		for i := range 12 {
			e := event(fmt.Sprint(i))
			e.Body = make([]byte, 1<<20)
			writes = append(writes, func() {
				if _, err := storetest.Commit(t.Context(), db, e, nil); err != nil {
					t.Error(err)
				}
			})
		}
		inOneGroup(db, writes...)
		if !slices.Equal(observed, []int{8, 4}) {
			t.Errorf("groups of %v events of 1 MiB", observed)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestFsyncErrorIsFinal(t *testing.T) {
	dir := t.TempDir()
	db := openDir(t, dir)
	if _, err := storetest.Commit(t.Context(), db, event("e1"), nil); err != nil {
		t.Fatal(err)
	}
	commitTx := db.writer.commitTx
	db.writer.commitTx = func(conn) error { return diskError(sqlite3.SQLITE_IOERR_FSYNC) }
	if err := db.Err(); err != nil {
		t.Errorf("failed before it failed: %v", err)
	}
	if _, err := storetest.Commit(t.Context(), db, event("e2"), nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("commit: %v", err)
	}
	<-db.Failed()
	db.writer.commitTx = commitTx
	_, err := storetest.Commit(t.Context(), db, event("e3"), nil)
	for what, err := range map[string]error{
		"commit": err, "rule set": db.SaveRuleSet(t.Context(), record.RuleSet{Hash: "h"}), "ping": db.Ping(t.Context()), "Err": db.Err(),
	} {
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s after an fsync error: %v", what, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	db = openDir(t, dir)
	if _, found, err := db.Event(t.Context(), "e1"); !found || err != nil {
		t.Errorf("what was acknowledged: found %v, error %v", found, err)
	}
	for _, id := range []string{"e2", "e3"} {
		if v, err := storetest.Commit(t.Context(), db, event(id), nil); v != intake.Stored || err != nil {
			t.Errorf("commit after a new start: %v, %v", v, err)
		}
	}
}

func TestCloseAnswersThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		db := openDir(t, dir)
		errs := make([]error, 20)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = storetest.Commit(t.Context(), db, event(fmt.Sprint(i)), nil) })
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if _, err := storetest.Commit(t.Context(), db, event("late"), nil); !errors.Is(err, ErrClosed) {
			t.Errorf("commit after Close: %v", err)
		}
		if err := db.Ping(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("ping after Close: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		db = openDir(t, dir)
		for i, err := range errs {
			_, found, _ := db.Event(t.Context(), fmt.Sprint(i))
			if found != (err == nil) || err != nil && !errors.Is(err, ErrClosed) {
				t.Errorf("event %d: error %v, found %v", i, err, found)
			}
		}
	})
}
