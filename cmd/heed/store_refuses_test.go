package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"heed/internal/store"
)

// othersStore is a store that this process may not read: in a directory that is
// closed, or by its files in one that is open.
func othersStore(t *testing.T, closed bool) string {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := filepath.Join(t.TempDir(), "theirs")
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if closed {
		if err := os.Chmod(dir, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
		return dir
	}
	for _, name := range []string{"heed.db", "lock"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheStoreOfSomebodyElseIsNotSaidToBeMissing(t *testing.T) {
	for _, closed := range []bool{true, false} {
		dir := othersStore(t, closed)
		for _, args := range [][]string{
			{"events", "list"}, {"people", "list"}, {"rebuild"}, {"backup", filepath.Join(t.TempDir(), "copy.db")},
		} {
			var out bytes.Buffer
			code := run(append(args, "--data", dir), streams{in: strings.NewReader(""), out: &out, err: &out, env: func(string) (string, bool) { return "", false }})
			if code == exitOK || !strings.Contains(out.String(), "the store at "+dir+" cannot be read: ") || !strings.Contains(out.String(), "permission denied") {
				t.Errorf("heed %v, closed %v: exit %d\n%s", args, closed, code, &out)
			}
		}
	}
}

func TestWhyThereIsNoStore(t *testing.T) {
	for err, want := range map[error]string{
		&fs.PathError{Op: "stat", Path: "d/heed.db", Err: fs.ErrPermission}: "the store at d cannot be read: permission denied. Run this as the user that heed runs as, or name a running server",
		&fs.PathError{Op: "stat", Path: "d/heed.db", Err: fs.ErrNotExist}:   "there is no store at d: name its directory with --data, or name a running server",
	} {
		if got := noStore("d", ", or name a running server", err); got.Error() != want {
			t.Errorf("%v: %v\nwant %s", err, got, want)
		}
	}
}
