package store

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"heed/internal/store/storetest"
)

// The log stays small under load, and is cut back after a read that kept it
// from being emptied.
func TestTheLogIsBounded(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n := 0
	load := func(events int) {
		for range events {
			n++
			e := personal(n, "lee")
			e.Body = bytes.Repeat([]byte("x"), 60_000)
			if _, err := storetest.Commit(t.Context(), db, e, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "heed.db-wal"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	load(500)
	if s := size(); s > 17<<20 {
		t.Errorf("under load the log has %d MiB", s>>20)
	}
	long, err := db.readDB.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := long.QueryRowContext(t.Context(), "SELECT count(*) FROM events").Scan(new(int)); err != nil {
		t.Fatal(err)
	}
	load(500)
	if s := size(); s < 20<<20 {
		t.Errorf("the read did not hold the log up: it has %d MiB", s>>20)
	}
	if err := long.Rollback(); err != nil {
		t.Fatal(err)
	}
	load(200)
	if s := size(); s > 17<<20 {
		t.Errorf("after the read the log still has %d MiB", s>>20)
	}
}
