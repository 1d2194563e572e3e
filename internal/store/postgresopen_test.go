package store

import (
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"heed/engine/intake"
	"heed/internal/store/pgtest"
	"heed/internal/store/storetest"
)

// plainly runs a statement on a database without the store.
func plainly(t *testing.T, address, statement string, into ...any) {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if len(into) > 0 {
		err = db.QueryRowContext(t.Context(), statement).Scan(into...)
	} else {
		_, err = db.ExecContext(t.Context(), statement)
	}
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestPostgres_processesThatStartAtOnceMakeOneSchema(t *testing.T) {
	address := pgtest.New(t)
	var at sync.WaitGroup
	for range 5 {
		at.Go(func() {
			db, err := Open(t.Context(), Options{URL: address})
			if err != nil {
				t.Error(err)
				return
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	at.Wait()
}

func TestPostgres_aLostConnectionIsMadeAgain(t *testing.T) {
	address := pgtest.New(t)
	db := openShared(t, address)
	for i, id := range []string{"e1", "e2", "e3"} {
		plainly(t, address, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"+
			" WHERE datname = current_database() AND pid != pg_backend_pid()", new(int))
		_, err := storetest.Commit(t.Context(), db, event(id), nil)
		if err != nil && !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
		if v, err := storetest.Commit(t.Context(), db, event(id), nil); err != nil || v == intake.Stale {
			t.Fatalf("%d: %v, %v", i, v, err)
		}
		if err := db.Ping(t.Context()); err != nil {
			if err = db.Ping(t.Context()); err != nil { // the first told of the loss
				t.Fatal(err)
			}
		}
	}
}

func TestPostgres_openSaysWhatIsWrong(t *testing.T) {
	address := pgtest.New(t)
	openShared(t, address)
	plainly(t, address, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, TRUE)")
	_, err := Open(t.Context(), Options{URL: address})
	if newer, ok := errors.AsType[*NewerError](err); !ok || newer.Schema != 99 {
		t.Errorf("a newer schema: %v", err)
	}

	restricted := pgtest.New(t)
	plainly(t, restricted, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	role := "r" + strings.TrimPrefix(mustParse(t, restricted).Path, "/heed_")
	plainly(t, restricted, "CREATE ROLE "+role+" LOGIN PASSWORD 'x'")
	t.Cleanup(func() { plainlyLater(address, "DROP ROLE "+role) })
	as := mustParse(t, restricted)
	as.User = url.UserPassword(role, "x")
	_, err = Open(t.Context(), Options{URL: as.String()})
	if err == nil || !strings.Contains(err.Error(), "grant it the rights") || strings.Contains(err.Error(), ":x@") {
		t.Errorf("without rights: %v", err)
	}
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// plainlyLater runs a statement when a test is over.
func plainlyLater(address, statement string) {
	if db, err := sql.Open("pgx", address); err == nil {
		_, _ = db.Exec(statement)
		_ = db.Close()
	}
}

// Nobody's database should be kept busy by processes that do nothing.
func TestPostgres_anIdleProcessAsksRarely(t *testing.T) {
	address := pgtest.New(t)
	db := openShared(t, address)
	if err := db.Announce(t.Context(), Process{RuleSet: func() string { return "" }}); err != nil {
		t.Fatal(err)
	}
	const transactions = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
	const seconds = 4
	var seen []int
	for range 8 { // the server counts late, so the first counts have those of the start
		var before, after int
		plainly(t, address, transactions, &before)
		time.Sleep(seconds * time.Second)
		plainly(t, address, transactions, &after)
		if seen = append(seen, after-before); after-before <= 2*seconds {
			return
		}
	}
	t.Errorf("transactions in %d seconds each: %v", seconds, seen)
}
