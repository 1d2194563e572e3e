package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"heed/engine/intake"
	"heed/engine/record"
	"heed/internal/store/storetest"
)

// of is an event of a source with ids of its own.
func of(source, id string) *record.Event {
	e := event(id)
	e.Source, e.IDs, e.IDAlone = source, source, true
	e.Signature = []byte(source + " signs " + id)
	return e
}

// Whose ids there are is known after the process is gone, wherever their keys are
// by then: in the table, in the midst of a merge, or only told by their events.
func TestKnown_afterReopening(t *testing.T) {
	spaces := []string{"", "report", "connector"}
	for name, reopen := range map[string]func(*testing.T, *DB) *DB{
		"closed": func(t *testing.T, db *DB) *DB {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			return openDir(t, db.base.(*sqlite).dir)
		},
		"crashed": func(t *testing.T, db *DB) *DB { return openDir(t, crash(t, db)) },
		"crashed while merging": func(t *testing.T, db *DB) *DB {
			db.writer.keys.limit = 4
			if _, err := storetest.Commit(t.Context(), db, of("report", "last"), nil); err != nil {
				t.Fatal(err)
			}
			return openDir(t, crash(t, db))
		},
		"merged": func(t *testing.T, db *DB) *DB {
			if err := db.mergeKeys(t.Context()); err != nil {
				t.Fatal(err)
			}
			return db
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t)
			for _, ids := range spaces {
				if _, err := storetest.Commit(t.Context(), db, of(ids, "shared"), nil); err != nil {
					t.Fatal(err)
				}
				for i := range 5 {
					if _, err := storetest.Commit(t.Context(), db, of(ids, fmt.Sprint(ids, i)), nil); err != nil {
						t.Fatal(err)
					}
				}
			}
			db = reopen(t, db)
			for _, ids := range spaces {
				known, err := db.Known(t.Context(), ids, []string{
					"shared", ids + "4", "none",
					spaces[(slices.Index(spaces, ids)+1)%3] + "0",
				})
				if diff := cmp.Diff([]bool{true, true, false, false}, known); err != nil || diff != "" {
					t.Errorf("ids of %q: error %v, (-want +got)\n%s", ids, err, diff)
				}
				if v, err := storetest.Commit(t.Context(), db, of(ids, "shared"), nil); v != intake.Duplicate ||
					err != nil {
					t.Errorf("the event of %q again: %v, error %v", ids, v, err)
				}
				if e, found, err := db.Event(t.Context(), ids+"3"); !found || err != nil || e.Source != ids {
					t.Errorf("the event %s3: found %v, error %v, %+v", ids, found, err, e)
				}
			}
			all, err := db.EventsByID(t.Context(), "shared")
			if err != nil || len(all) != len(spaces) {
				t.Errorf("%d events with the id, error %v", len(all), err)
			}
		})
	}
}

// What a transaction that was not committed learnt of ids is learnt again.
func TestCommit_idsAreNotedOnlyWithTheirEvents(t *testing.T) {
	db := openTemp(t)
	if _, err := storetest.Commit(t.Context(), db, of("", "e1"), pending("taken")); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.Commit(t.Context(), db, of("report", "r1"), pending("taken")); err == nil {
		t.Fatal("stored")
	}
	if db.writer.spaces["report"] {
		t.Error("ids are taken for written that are not")
	}
	if _, err := storetest.Commit(t.Context(), db, of("report", "r1"), pending("free")); err != nil {
		t.Fatal(err)
	}
	db = openDir(t, crash(t, db))
	if e, found, err := db.Event(t.Context(), "r1"); !found || err != nil || e.Source != "report" {
		t.Errorf("found %v, error %v, %+v", found, err, e)
	}
}

// A replay has no keys. As the newest event it must keep nobody waiting for keys to
// be merged, nor give its number to another event.
func TestClose_afterAReplay(t *testing.T) {
	dir := t.TempDir()
	db := openDir(t, dir)
	if _, err := storetest.Commit(t.Context(), db, event("e1"), nil); err != nil {
		t.Fatal(err)
	}
	if err := db.mergeKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	replay := event("e1")
	replay.Status = record.Replayed
	if _, err := storetest.Commit(t.Context(), db, replay, nil); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if err := db.mergeKeys(ctx); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openDir(t, dir)
	if merged := db.writer.keys.merged; merged != replay.Seq {
		t.Errorf("keys are merged up to event %d, want %d", merged, replay.Seq)
	}
	next := event("e2")
	if _, err := storetest.Commit(t.Context(), db, next, nil); err != nil || next.Seq != 3 {
		t.Errorf("the next event has the number %d, error %v", next.Seq, err)
	}
}

// openVersion makes a store as it was at a version of the schema.
func openVersion(t *testing.T, dir string, version int64) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, "heed.db"), writePragmas...))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	steps, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	return db
}

// The events of a store from before there were sources came by the published
// webhook, but for heed's own; their ids are known as before.
func TestOpen_eventsFromBeforeThereWereSources(t *testing.T) {
	dir := t.TempDir()
	old := openVersion(t, dir, 10)
	rows := []struct{ id, kind, status, source string }{
		{"e1", "quiz.submitted", "accepted", "mindtickle"},
		{"e2", "", "quarantined", "mindtickle"},
		{"forged", "heed.source.silent", "quarantined", "mindtickle"},
		{"e1", "quiz.submitted", "replayed", "mindtickle"},
		{"heed.notice-1", "heed.source.silent", "accepted", "heed"},
		{"heed.timed-1", "heed.timed", "timed", "heed"},
		{"e3", "heed", "accepted", "mindtickle"},
		{"e4", "heedful.event", "accepted", "mindtickle"},
	}
	for i, row := range rows {
		e := event(row.id)
		body := digestOf(e.Body)
		_, err := old.Exec("INSERT INTO events (seq, id, type, company_id, status, reason, received_at, signed_at, rule_set, signature,"+
			" body_hash, body) VALUES (?, ?, ?, '', ?, '', ?, ?, '', ?, ?, ?)",
			i+1, row.id, row.kind, row.status, micros(e.ReceivedAt), micros(e.ReceivedAt),
			fmt.Appendf(nil, "%s %d", e.Signature, i), body[:], e.Body)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	db := openDir(t, dir)
	all, err := db.Events(t.Context(), record.EventFilter{})
	if err != nil || len(all) != len(rows) {
		t.Fatal(len(all), err)
	}
	slices.Reverse(all)
	for i, e := range all {
		if want := rows[i]; e.Source != want.source || e.IDs != "" || e.Inert || e.Detail != "" ||
			string(e.Status) != want.status {
			t.Errorf("event %d: %+v, want %+v", i+1, e, want)
		}
	}
	if own, err := db.Events(t.Context(), record.EventFilter{Source: "heed"}); err != nil || len(own) != 2 {
		t.Errorf("%d events of heed's own, error %v", len(own), err)
	}
	if v, err := storetest.Commit(t.Context(), db, event("e1"), nil); v != intake.Duplicate || err != nil {
		t.Errorf("an old event again: %v, error %v", v, err)
	}
	if known, err := db.Known(t.Context(), "", []string{"e1", "e2", "heed.timed-1"}); err != nil ||
		!slices.Equal(known, []bool{true, false, true}) {
		t.Errorf("known %v, error %v", known, err)
	}
	if v, err := storetest.Commit(t.Context(), db, of("report", "e1"), nil); v != intake.Stored || err != nil {
		t.Errorf("a row with an old event's id: %v, error %v", v, err)
	}
}
