package store

import (
	"net/url"
	"testing"

	"heed/internal/store/pgtest"
	"heed/internal/store/storetest"
)

// openShared opens a store of PostgreSQL that is closed when the test ends.
func openShared(t testing.TB, address string) *DB {
	t.Helper()
	db, err := Open(t.Context(), Options{URL: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestPostgres_conformance(t *testing.T) {
	pgtest.Skip(t)
	storetest.Run(t, func(t *testing.T) storetest.Store { return openShared(t, pgtest.New(t)) })
}

// A pooler in transaction mode gives each transaction another connection, so nothing
// may be prepared on one.
func TestPostgres_conformanceWithoutPreparedStatements(t *testing.T) {
	pgtest.Skip(t)
	storetest.Run(t, func(t *testing.T) storetest.Store {
		address, err := url.Parse(pgtest.New(t))
		if err != nil {
			t.Fatal(err)
		}
		q := address.Query()
		q.Set("default_query_exec_mode", "exec")
		address.RawQuery = q.Encode()
		return openShared(t, address.String())
	})
}

func TestPostgres_severalProcesses(t *testing.T) {
	pgtest.Skip(t)
	storetest.RunShared(t, func(t *testing.T, n int) (all []storetest.Shared) {
		address := pgtest.New(t)
		for range n {
			all = append(all, openShared(t, address))
		}
		return all
	})
}
