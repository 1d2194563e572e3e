package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"heed/engine/intake"
	"heed/engine/record"
	"heed/internal/store/storetest"
)

// Whoever has caught one request can send it again under any id, without the
// secret: that must not fill the disk.
func TestCommit_replaysTakeNoSpace(t *testing.T) {
	dir := t.TempDir()
	db := openDir(t, dir)
	first := event("first")
	first.Body = bytes.Repeat([]byte("x"), 1<<20)
	if _, err := storetest.Commit(t.Context(), db, first, nil); err != nil {
		t.Fatal(err)
	}
	replay := func(id string, at time.Time) intake.Verdict {
		again := *first
		again.ID, again.Seq, again.ReceivedAt, again.Body = id, 0, at, bytes.Clone(first.Body)
		v, err := storetest.Commit(t.Context(), db, &again, nil)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	replay("replay", first.ReceivedAt)
	before := sizeOf(t, db)
	for i := range 200 {
		at := first.ReceivedAt.Add(time.Duration(i%2) * 30 * 24 * time.Hour)
		if v := replay(fmt.Sprint("replay-", i), at); v != intake.Counted {
			t.Fatalf("replay %d: %v", i, v)
		}
	}
	if grown := sizeOf(t, db) - before; grown > 8<<10 {
		t.Errorf("200 replays took %d bytes", grown)
	}
	all, err := db.Events(t.Context(), record.EventFilter{})
	if err != nil || len(all) != 2 || all[0].Reuses != 201 {
		t.Errorf("%d events, %v", len(all), err)
	}
}

// sizeOf is what the store takes on the disk once its log is folded in.
func sizeOf(t *testing.T, db *DB) (size int64) {
	t.Helper()
	if err := db.base.emptyLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(db.base.(*sqlite).dir, "heed.db*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return size
}

// What shows that the source works survives the process, however it ends.
func TestLastGood_survivesTheProcess(t *testing.T) {
	db := openTemp(t)
	e := event("e1")
	e.Good = true
	if _, err := storetest.Commit(t.Context(), db, e, nil); err != nil {
		t.Fatal(err)
	}
	since, err := db.WatchedSince(t.Context(), e.ReceivedAt)
	if err != nil {
		t.Fatal(err)
	}
	after := openDir(t, crash(t, db))
	if got, want := after.LastGood(), (record.LastGood{Seq: 1, At: e.ReceivedAt}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, err := after.WatchedSince(t.Context(), time.Now()); !got.Equal(since) || err != nil {
		t.Errorf("watched since %v, error %v", got, err)
	}
}

// A busy store writes the last good event down once a second.
func TestLastGood_isWrittenOnceASecond(t *testing.T) {
	db := openTemp(t)
	at := event("x").ReceivedAt
	for i := range 20 {
		e := event(fmt.Sprint(i))
		e.Good, e.ReceivedAt = true, at.Add(time.Duration(i)*100*time.Millisecond)
		if _, err := storetest.Commit(t.Context(), db, e, nil); err != nil {
			t.Fatal(err)
		}
		if got := db.LastGood(); got.Seq != e.Seq || !got.At.Equal(e.ReceivedAt) {
			t.Fatalf("after event %d: %+v", i, got)
		}
		written, err := mark(t.Context(), db.readDB, "last_good_seq")
		if want := int64(i/10*10 + 1); err != nil || written != want {
			t.Errorf("after event %d the mark is %d, want %d, error %v", i, written, want, err)
		}
	}
}
