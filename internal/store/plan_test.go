package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"heed/engine/record"
	"heed/internal/store/storetest"
)

// The loop asks for due deliveries all the time, and one action may have a
// hundred thousand of them waiting: what is asked must be answered from the
// index of waiting deliveries alone, action by action.
func TestDueActions_usesTheIndexOfWaitingDeliveries(t *testing.T) {
	db := openTemp(t)
	for name, query := range map[string]string{
		"due actions": dueActions,
		"claim":       "SELECT * FROM deliveries d" + db.words.dueIndex + claimable + ", n LIMIT ?",
		"newest":      "SELECT * FROM deliveries d" + db.words.dueIndex + claimable + " DESC, n DESC LIMIT ?",
		"count":       "SELECT action, count(*) FROM deliveries WHERE due_at IS NOT NULL GROUP BY action",
	} {
		for _, step := range plan(t, db, query) {
			if strings.Contains(step, "deliveries") && !strings.Contains(step, "INDEX deliveries_due") &&
				!strings.Contains(step, "SEARCH p USING INDEX deliveries_ordered") {
				t.Errorf("%s: %s", name, step)
			}
			if strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s sorts: %s", name, step)
			}
		}
	}
}

func TestEvents_areFoundByTheirIndexes(t *testing.T) {
	db := openTemp(t)
	for query, want := range map[string]string{
		"SELECT * FROM events WHERE status = 'quarantined' AND id = ? ORDER BY seq DESC LIMIT 1":                      "events_quarantined_id",
		"SELECT * FROM events WHERE status = 'quarantined' ORDER BY seq DESC LIMIT 9":                                 "events_quarantined",
		"SELECT * FROM events WHERE type = ? ORDER BY seq DESC LIMIT 9":                                               "events_type",
		"SELECT * FROM events WHERE (seq = ? OR status = 'quarantined' AND id = ?)":                                   "events_quarantined_id",
		"SELECT * FROM keys WHERE run = ? AND k IN (?, ?)":                                                            "PRIMARY KEY",
		"SELECT * FROM deliveries WHERE id = ?":                                                                       "sqlite_autoindex_deliveries_1",
		"SELECT * FROM deliveries d WHERE d.state IN ('dead', 'held', 'discarded') AND d.state = ? ORDER BY d.n DESC": "deliveries_stopped",
		endOpenAttempts: "attempts_open",
	} {
		steps := strings.Join(plan(t, db, query), "; ")
		if !strings.Contains(steps, want) || strings.Contains(steps, "SCAN events") {
			t.Errorf("%s\n%s", query, steps)
		}
	}
}

func plan(t *testing.T, db *DB, query string) (steps []string) {
	t.Helper()
	args := make([]any, strings.Count(query, "?"))
	rows, err := db.readDB.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

// Whoever reads must not wait for the writer, nor hold it up.
func TestStore_readersAndWriterDoNotWaitForEachOther(t *testing.T) {
	db := openTemp(t)
	for i := range 50 {
		if _, err := storetest.Commit(t.Context(), db, event(fmt.Sprint(i)), pending(fmt.Sprint("d", i))); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := db.readDB.QueryContext(t.Context(), "SELECT seq FROM events")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatal("no event")
	}
	if _, err := storetest.Commit(t.Context(), db, event("during a read"), nil); err != nil {
		t.Fatal(err)
	}
	held := make(chan struct{})
	release := make(chan struct{})
	done := make(chan error)
	go func() {
		done <- db.writer.do(t.Context(), func(*groupTx) error { close(held); <-release; return nil })
	}()
	<-held
	if _, _, err := db.DueActions(t.Context(), time.Now(), nil); err != nil {
		t.Error(err)
	}
	if got, err := db.Events(t.Context(), record.EventFilter{}); len(got) != 51 || err != nil {
		t.Errorf("%d events, error %v", len(got), err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Keys lie in runs; a copy reads them in one order without sorting them.
func TestCopy_readsTheKeysOfAllRunsInOrder(t *testing.T) {
	db := openTemp(t)
	db.writer.keys.runs = []keyRun{{number: 0}, {number: 3}, {number: 4}}
	keys := table{"keys", "k", "seq, other, received_at"}
	steps := strings.Join(plan(t, db, "SELECT "+keys.all()+" FROM "+keys.in(db)+" WHERE (k) > (?) ORDER BY k LIMIT 9"), "; ")
	if strings.Contains(steps, "TEMP B-TREE") || strings.Count(steps, "PRIMARY KEY (run=? AND k>?)") != 3 {
		t.Error(steps)
	}
}
