package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"heed/actions/delivery"
	"heed/engine/intake"
	"heed/engine/people"
	"heed/engine/record"
	"heed/engine/state"
	"heed/internal/inbox"
	"heed/internal/store/pgtest"
	"heed/internal/store/storetest"
)

// remembering fills a store with something in each table.
func remembering(t *testing.T, db *DB) {
	t.Helper()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now().UTC()
	for i := range 700 {
		id := fmt.Sprint("e", i)
		if i == 5 {
			id = "\xff\x00\x01odd" // a header may hold the first, JSON the others
		}
		e := event(id)
		e.Body = fmt.Appendf(nil, `{"event":"quiz.submitted","data":{"userId":"u%d"}}`, i%9)
		at := state.Ref{Scope: state.Scope{Rule: "r", Block: state.BlockCount, Per: "data.userId"}, Key: id}
		do(db.Commit(t.Context(), &intake.Batch{
			Event: e, Deliveries: pending("d" + id), Resolve: func(_ int64, rows state.Rows) bool {
				rows.Put(state.Row{Ref: at, User: "u", Data: []byte(`{}`), Due: now.Add(time.Hour)})
				return true
			},
		}))
	}
	again := event("other id")
	again.Signature = event("e1").Signature
	_, err := storetest.Commit(t.Context(), db, again, nil)
	do(err)
	own := event("of a source")
	own.IDs, own.Source = "lms", "lms"
	_, err = storetest.Commit(t.Context(), db, own, nil)
	do(err)
	_, err = db.Exchange(t.Context(), "run", now, nil, []delivery.Take{{Action: "slack", N: 20, Lease: time.Hour, Timeout: time.Hour}})
	do(err)
	do(db.SavePeople(t.Context(), &people.Rows{
		People:   []people.PersonRow{{ID: "u1", Email: "u1@example.com", Name: "Ada", NameAt: 1}},
		Items:    []people.ItemRow{{Kind: people.Quiz, ID: "q1", Name: "Quiz"}},
		Progress: []people.ProgressRow{{ProgressKey: people.ProgressKey{User: "u1", Kind: people.Quiz, Item: "q1"}}},
	}, 600))
	do(db.SaveRuleSet(t.Context(), record.RuleSet{Hash: "abc", ActivatedAt: now, Files: []record.File{{Name: "r.yaml"}}}))
	do(db.KeepThread(t.Context(), "key", "1.2", now))
	_, err = db.AddMute(t.Context(), state.Mute{Rule: "r", From: now, Until: now.Add(time.Hour)})
	do(err)
	do(db.AddAudit(t.Context(), record.Audit{At: now, Who: "nora", Role: "operator", What: "retry", N: 1, Result: "ok"}))
	do(db.AddTallies(t.Context(), []record.Tally{{Rule: "r", Hour: now, Outcome: "matched", N: 3}}))
	do(db.Remember(t.Context(), "lms", "a.csv", inbox.Mark{Size: 3, Hash: "h", ModTime: now}))
}

func TestCopy_betweenDatabases(t *testing.T) {
	from := openTemp(t)
	remembering(t, from)
	want, err := from.Events(t.Context(), record.EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	check := func(db *DB, last int64) {
		t.Helper()
		got, err := db.Events(t.Context(), record.EventFilter{})
		if err != nil || len(got) != len(want) || got[0].Seq != want[0].Seq || got[len(got)-1].ID != want[len(want)-1].ID {
			t.Fatalf("%d events of %d, error %v", len(got), len(want), err)
		}
		if found, _ := db.Events(t.Context(), record.EventFilter{User: "u1"}); len(found) == 0 {
			t.Error("the events of a person are not found")
		}
		duplicate := event("\xff\x00\x01odd")
		duplicate.IDAlone = true
		if v, err := storetest.Commit(t.Context(), db, duplicate, nil); v != intake.Duplicate || err != nil {
			t.Errorf("a known event: %v, %v", v, err)
		}
		fresh := event(fmt.Sprint("fresh", last))
		if _, err := storetest.Commit(t.Context(), db, fresh, nil); err != nil || fresh.Seq != last+1 {
			t.Errorf("a new event has the number %d, error %v", fresh.Seq, err)
		}
		if m, err := db.AddMute(t.Context(), state.Mute{Rule: "new", From: time.Now(), Until: time.Now()}); err != nil || m.ID < 2 {
			t.Errorf("a new mute: %+v, error %v", m, err)
		}
	}
	sqlite := Options{Dir: t.TempDir()}
	check(copyTo(t, from, sqlite), want[0].Seq)
	if pgtest.Available() {
		where := Options{URL: pgtest.New(t)}
		shared := copyTo(t, from, where)
		check(shared, want[0].Seq)
		if want, err = shared.Events(t.Context(), record.EventFilter{}); err != nil {
			t.Fatal(err)
		}
		check(copyTo(t, shared, Options{Dir: t.TempDir()}), want[0].Seq)
	}
}

// copyTo copies a store, sees that each table had something, and opens the copy.
func copyTo(t *testing.T, from *DB, where Options) *DB {
	t.Helper()
	where.Copying = true
	to := openAt(t, where)
	steps := map[string]bool{}
	if err := Copy(t.Context(), from, to, func(step string, _, _ int64) { steps[step] = true }); err != nil {
		t.Fatal(err)
	}
	for _, table := range copied {
		if table.name != "lanes" && !steps["check "+table.name] {
			t.Errorf("nothing of %s was copied", table.name)
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	where.Copying = false
	return openAt(t, where)
}

func TestCopy_isContinuedAndRefusedUntilItIsComplete(t *testing.T) {
	from := openTemp(t)
	remembering(t, from)
	where := Options{Dir: t.TempDir(), Copying: true}
	to := openAt(t, where)
	ctx, stop := context.WithCancel(t.Context())
	err := Copy(ctx, from, to, func(step string, done, _ int64) {
		if step == "deliveries" {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	where.Copying = false
	if _, err := Open(t.Context(), where); err == nil || !strings.Contains(err.Error(), "heed migrate") {
		t.Errorf("a half copy was opened: %v", err)
	}
	where.Copying = true
	to = openAt(t, where)
	if err := Copy(t.Context(), from, to, func(step string, done, total int64) {
		if step == "events" {
			t.Error("events were copied again")
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := Copy(t.Context(), from, to, func(string, int64, int64) {}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a store was copied into one that is in use: %v", err)
	}
}

// A table that nobody copies would be lost.
func TestCopy_knowsAllTables(t *testing.T) {
	db := openTemp(t)
	names, err := readColumn[string](t.Context(), db,
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{
		"marks": true, "user_filters": true, "key_runs": true, "resent_keys": true,
		"sessions": true,
	}
	for _, table := range copied {
		known[table.name] = true
		columns, err := readColumn[int](t.Context(), db,
			"SELECT count(*) FROM pragma_table_info(?) WHERE name != 'run'", table.name) // runs are SQLite's own
		if err != nil || columns[0] != strings.Count(table.all(), ",")+1 {
			t.Errorf("%s has %v columns, and %q are copied, error %v", table.name, columns, table.all(), err)
		}
	}
	for _, name := range names {
		if !known[name] {
			t.Errorf("the table %s is not copied", name)
		}
	}
}
