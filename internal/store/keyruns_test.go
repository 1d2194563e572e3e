package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"heed/engine/intake"
	"heed/internal/store/storetest"
)

func TestKeyFilter_holdsWhatWasAddedAndLittleElse(t *testing.T) {
	const keys = 20_000
	keyFor := func(i int) key { return keyOf(kindID, digestOf(fmt.Append(nil, i))) }
	f := newKeyFilter(keys)
	for i := range keys {
		f.add(keyFor(i))
	}
	others := 0
	for i := range keys {
		if !f.mayHold(keyFor(i)) {
			t.Fatalf("key %d is not held", i)
		}
		if f.mayHold(keyFor(keys + i)) {
			others++
		}
	}
	if others > keys/250 {
		t.Errorf("%d of %d other keys pass", others, keys)
	}
}

// smallRuns makes merges and runs so small that a few events fill several.
func smallRuns(db *DB) *DB {
	db.writer.keys.limit, db.writer.keys.runKeys = 8, 32
	return db
}

// Whatever became of keys since, an event that comes again is a duplicate, in
// whichever run its keys lie, and also with the signature that it had the second time.
func TestCommit_findsKeysInEachRun(t *testing.T) {
	for _, crashes := range []bool{false, true} {
		t.Run(fmt.Sprint("crashes ", crashes), func(t *testing.T) {
			db := smallRuns(openTemp(t))
			reopen := func() {
				if crashes {
					db = smallRuns(openDir(t, crash(t, db)))
				}
			}
			again := func(i int) intake.Verdict {
				e := event(fmt.Sprint(i))
				e.Signature = fmt.Append(nil, "signed again ", i)
				v, err := storetest.Commit(t.Context(), db, e, nil)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			const events = 100
			for i := range events {
				if v, err := storetest.Commit(t.Context(), db, event(fmt.Sprint(i)), nil); v != intake.Stored || err != nil {
					t.Fatal(i, v, err)
				}
				if i%10 == 0 {
					if v := again(i); v != intake.Duplicate {
						t.Fatalf("event %d with another signature: %v", i, v)
					}
				}
				if i%17 == 0 {
					reopen()
				}
			}
			if err := db.mergeKeys(t.Context()); err != nil {
				t.Fatal(err)
			}
			if runs := db.writer.keys.numbers(); len(runs) < 5 || !slices.IsSorted(runs) {
				t.Errorf("runs %v", runs)
			}
			if rows, err := readColumn[int](t.Context(), db, "SELECT count(*) FROM resent_keys"); err != nil || rows[0] != 0 {
				t.Errorf("%v keys wait to be merged, error %v", rows, err)
			}
			reopen()
			for i := range events {
				if v, err := storetest.Commit(t.Context(), db, event(fmt.Sprint(i)), nil); v != intake.Duplicate || err != nil {
					t.Errorf("event %d again: %v, error %v", i, v, err)
				}
				if i%10 == 0 {
					other := event(fmt.Sprint("other ", i))
					other.Signature = fmt.Append(nil, "signed again ", i)
					v, err := storetest.Commit(t.Context(), db, other, nil)
					if v != intake.Stored || err != nil || other.Reason != intake.SignatureReused {
						t.Errorf("the signature of %d under another id: %v %q, error %v", i, v, other.Reason, err)
					}
				}
			}
		})
	}
}

// Events that are sent again and again bring keys without events. They are merged,
// too, and do not fill the memory.
func TestCommit_mergesKeysOfEventsThatComeAgain(t *testing.T) {
	db := smallRuns(openTemp(t))
	for i := range 200 {
		e := event("e1")
		e.Signature = fmt.Append(nil, "signature ", i)
		if _, err := storetest.Commit(t.Context(), db, e, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(db.writer.keys.fresh) + len(db.writer.keys.merging); n > 20 {
		t.Errorf("%d keys are in memory", n)
	}
	rows, err := readColumn[int](t.Context(), db, "SELECT count(*) FROM resent_keys")
	if err != nil || rows[0] > 20 {
		t.Errorf("%v rows of keys wait, error %v", rows, err)
	}
}

// A run whose keys are all pruned takes no memory any more, and its number is not
// given again.
func TestPrune_dropsEmptyRuns(t *testing.T) {
	db := smallRuns(openTemp(t))
	for i := range 100 {
		if _, err := storetest.Commit(t.Context(), db, event(fmt.Sprint(i)), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.writer.do(t.Context(), func(g *groupTx) error {
		_, err := g.conn.Exec("UPDATE marks SET value = 100 WHERE name = 'people_learnt'")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if _, err := db.Prune(t.Context(), later, later, later); err != nil {
		t.Fatal(err)
	}
	left := db.writer.keys.numbers()
	if len(left) != 1 || left[0] < 5 {
		t.Errorf("runs %v are left", left)
	}
	db = openDir(t, crash(t, db))
	if runs := db.writer.keys.numbers(); !slices.Equal(runs, left) {
		t.Errorf("runs %v after a start, want %v", runs, left)
	}
}

// The keys of a store from before there were runs are one run, which gets its filter
// at the start.
func TestOpen_keysFromBeforeThereWereRuns(t *testing.T) {
	dir := t.TempDir()
	old := openVersion(t, dir, 14)
	e := event("e1")
	body := digestOf(e.Body)
	for k, c := range map[key]claim{
		keyOf(kindID, idDigest("", "e1")):           {1, body, micros(e.ReceivedAt)},
		keyOf(kindSignature, digestOf(e.Signature)): {1, idDigest("", "e1"), micros(e.ReceivedAt)},
	} {
		_, err := old.Exec("INSERT INTO keys (k, seq, other, received_at) VALUES (?, ?, ?, ?)", k[:], c.seq, c.other[:], c.receivedAt)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	db := openDir(t, dir)
	if v, err := storetest.Commit(t.Context(), db, event("e1"), nil); v != intake.Duplicate || err != nil {
		t.Errorf("an old event again: %v, error %v", v, err)
	}
	if v, err := storetest.Commit(t.Context(), db, event("e2"), nil); v != intake.Stored || err != nil {
		t.Errorf("a new event: %v, error %v", v, err)
	}
	without, err := readColumn[int](t.Context(), db, "SELECT count(*) FROM key_runs WHERE filter IS NULL")
	if err != nil || without[0] != 0 {
		t.Errorf("%v runs have no filter in the store, error %v", without, err)
	}
}

// A merge that a crash has ended goes on in its run, also if more keys wait now than
// find room there: a key that lies in two runs would be counted twice.
func TestCommit_mergesIntoTheSameRunAfterACrash(t *testing.T) {
	db := openTemp(t)
	n := 0
	commitUntil := func(what string, limit int, holds func(*keyring) bool) {
		t.Helper()
		db.writer.keys.limit, db.writer.keys.runKeys = limit, 250
		for ; !holds(db.writer.keys); n++ {
			if n == 1000 {
				t.Fatalf("after %d events: not %s", n, what)
			}
			if _, err := storetest.Commit(t.Context(), db, event(fmt.Sprint(n)), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	commitUntil("a run", 100, func(r *keyring) bool { return len(r.runs) == 1 })
	commitUntil("in the midst of a merge", 100, func(r *keyring) bool { return r.next > 0 })
	db = openDir(t, crash(t, db))
	merged := db.writer.keys.merged
	commitUntil("merged", 160, func(r *keyring) bool { return r.merged > merged })
	rows, err := readColumn[int](t.Context(), db, "SELECT count(*) - count(DISTINCT k) FROM keys")
	if err != nil || rows[0] != 0 {
		t.Errorf("%v keys are in two runs, error %v", rows, err)
	}
}
