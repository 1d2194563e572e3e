package store

import (
	"testing"

	"heed/internal/store/storetest"
)

// openTemp opens a new store that is closed when the test ends.
func openTemp(t testing.TB) *DB {
	t.Helper()
	return openDir(t, t.TempDir())
}

func openDir(t testing.TB, dir string) *DB {
	t.Helper()
	return openAt(t, Options{Dir: dir})
}

// openAt opens a store that is closed when the test ends.
func openAt(t testing.TB, o Options) *DB {
	t.Helper()
	db, err := Open(t.Context(), o)
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

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return openTemp(t) })
}

// Runs of few keys put every key through the merge that a long life would.
func TestConformanceWithManyMerges(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store {
		db := openTemp(t)
		db.writer.keys.limit = 5
		return db
	})
}
