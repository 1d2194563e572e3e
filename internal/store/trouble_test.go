package store

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"heed/engine/intake"
	"heed/engine/record"
	"heed/internal/store/storetest"
)

// pragma runs on the writer's connection.
func pragma(t *testing.T, db *DB, text string) (result string) {
	t.Helper()
	err := db.writer.do(t.Context(), func(g *groupTx) error {
		return g.conn.Query(func(cols []value) error {
			result = fmt.Sprint(cols[0])
			return nil
		}, "PRAGMA "+text)
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestWriterWaitsForTheDisk(t *testing.T) {
	db := openTemp(t)
	for name, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "temp_store": "2",
	} {
		if got := pragma(t, db, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestFullDisk(t *testing.T) {
	db := openTemp(t)
	e := event("before")
	if _, err := storetest.Commit(t.Context(), db, e, nil); err != nil {
		t.Fatal(err)
	}
	pragma(t, db, "max_page_count = 1") // SQLite makes that: as big as it is
	errs := make([]error, 64)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			e := event(fmt.Sprint(i))
			e.Body = make([]byte, 10000)
			_, errs[i] = storetest.Commit(t.Context(), db, e, pending(fmt.Sprint("d", i)))
		})
	}
	wg.Wait()
	refused := 0
	for i, err := range errs {
		if err != nil {
			refused++
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "disk is full") {
				t.Errorf("commit %d: %v", i, err)
			}
		}
		if _, found, _ := db.Event(t.Context(), fmt.Sprint(i)); found != (err == nil) {
			t.Errorf("event %d: error %v, found %v", i, err, found)
		}
	}
	if refused == 0 {
		t.Error("the disk was not full")
	}
	// Reading goes on, and so do duplicates: they need no space.
	if v, err := storetest.Commit(t.Context(), db, event("before"), nil); v != intake.Duplicate || err != nil {
		t.Errorf("a duplicate: %v, %v", v, err)
	}

	pragma(t, db, "max_page_count = 1000000")
	for i := range errs {
		e := event(fmt.Sprint(i))
		e.Body = make([]byte, 10000)
		if _, err := storetest.Commit(t.Context(), db, e, pending(fmt.Sprint("d", i))); err != nil {
			t.Errorf("commit %d once there is space: %v", i, err)
		}
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDatabaseHeldByAnotherProgram(t *testing.T) {
	db := openTemp(t)
	pragma(t, db, "busy_timeout = 1")
	other, err := sql.Open("sqlite", dsn(filepath.Join(db.base.(*sqlite).dir, "heed.db"), "_txlock=immediate"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.Commit(t.Context(), db, event("e1"), nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("commit: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if v, err := storetest.Commit(t.Context(), db, event("e1"), nil); v != intake.Stored || err != nil {
		t.Errorf("commit once it is free: %v, %v", v, err)
	}
}

// A claim, an end and a rule set that cannot be written fail alone.
func TestPoisonAmongOtherWrites(t *testing.T) {
	db := openTemp(t)
	var wg sync.WaitGroup
	bad := 0
	var mu sync.Mutex
	for i := range 30 {
		wg.Go(func() {
			if i%3 == 0 {
				err := db.writer.do(t.Context(), func(g *groupTx) error {
					_, err := g.conn.Exec("INSERT INTO rule_sets (hash, activated_at, files) VALUES (?, 0, NULL)", fmt.Sprint("bad", i))
					return err
				})
				mu.Lock()
				defer mu.Unlock()
				if err != nil && !errors.Is(err, ErrUnavailable) {
					bad++
				}
				return
			}
			if err := db.SaveRuleSet(t.Context(), record.RuleSet{Hash: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if bad != 10 {
		t.Errorf("%d of the 10 bad writes failed", bad)
	}
	for i := range 30 {
		_, found, err := db.RuleSet(t.Context(), fmt.Sprint(i))
		if found != (i%3 != 0) || err != nil {
			t.Errorf("rule set %d: found %v, error %v", i, found, err)
		}
	}
}
