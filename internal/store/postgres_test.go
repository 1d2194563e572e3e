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
	return openAt(t, Options{URL: address})
}

func TestPostgres_conformance(t *testing.T) {
	pgtest.Skip(t)
	storetest.Run(t, func(t *testing.T) storetest.Store { return openShared(t, pgtest.New(t)) })
}

// The last of the processes prepares no statements, as it must behind a pooler in
// transaction mode, which gives each transaction another connection.
func TestPostgres_severalProcesses(t *testing.T) {
	pgtest.Skip(t)
	storetest.RunShared(t, func(t *testing.T, n int) (all []storetest.Shared) {
		address := pgtest.New(t)
		for i := range n {
			if i == n-1 {
				address = withoutPrepared(t, address)
			}
			all = append(all, openShared(t, address))
		}
		return all
	})
}

func withoutPrepared(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("default_query_exec_mode", "exec")
	u.RawQuery = q.Encode()
	return u.String()
}
