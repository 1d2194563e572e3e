package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heed/engine/intake"
	"heed/engine/people"
	"heed/internal/store/storetest"
)

func TestSecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	db := openDir(t, dir)
	_, err := Open(t.Context(), Options{Dir: dir})
	locked, ok := errors.AsType[*LockedError](err)
	if !ok || locked.Holder != (holder{PID: os.Getpid()}) ||
		!strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Fatalf("error %v, holder %+v", err, locked)
	}
	if err := db.Announce(t.Context(), Process{AdminURL: "http://127.0.0.1:8081"}); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "http://127.0.0.1:8081") {
		t.Fatalf("error %v", err)
	}
	h, err := readHolder(dir)
	if err != nil || h != (holder{PID: os.Getpid(), AdminURL: "http://127.0.0.1:8081"}) {
		t.Errorf("holder %+v, error %v", h, err)
	}

	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := readHolder(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("holder of a closed store: error %v", err)
	}
	openDir(t, dir)
}

// A holder who cannot be read is no reason to open the directory twice.
func TestHolderWhoSaysNonsense(t *testing.T) {
	dir := t.TempDir()
	openDir(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "holder.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("error %v", err)
	}
	if _, err := readHolder(dir); err == nil {
		t.Error("nonsense was read")
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "odd name?x=1#y%41&mode=memory")
	db := openDir(t, dir)
	if _, err := storetest.Commit(t.Context(), db, event("e1"), nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("directory: %v, error %v", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
		if info, err := f.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, error %v", f.Name(), info.Mode(), err)
		}
	}
	if got := strings.Join(names, " "); got != "heed.db heed.db-shm heed.db-wal holder.json lock" {
		t.Errorf("files: %s", got)
	}
}

func TestOpenWithoutDirectory(t *testing.T) {
	if _, err := Open(t.Context(), Options{}); err == nil {
		t.Error("no error")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: file}); err == nil {
		t.Error("a file was opened as a directory")
	}
}

func TestNewerStoreIsRefused(t *testing.T) {
	dir := t.TempDir()
	db := openDir(t, dir)
	if err := db.writer.do(t.Context(), func(g *groupTx) error {
		_, err := g.conn.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{Dir: dir})
	if newer, ok := errors.AsType[*NewerError](err); !ok || newer.Schema != 99 {
		t.Errorf("error %v", err)
	}
}

func TestDamagedFileIsRefusedAndLeftAlone(t *testing.T) {
	whole := filled(t, 30, 2000)
	for name, damage := range map[string]func([]byte) []byte{
		"no database":  func(b []byte) []byte { copy(b, "hello, I am a text file"); return b },
		"a few bytes":  func([]byte) []byte { return []byte("SQL") },
		"cut short":    func(b []byte) []byte { return b[:len(b)/2] },
		"broken head":  func(b []byte) []byte { copy(b[16:], bytes.Repeat([]byte{0xff}, 84)); return b },
		"cut mid-page": func(b []byte) []byte { return b[:len(b)-1000] },
	} {
		t.Run(name, func(t *testing.T) { refused(t, damage(bytes.Clone(whole))) })
	}
	for page := 0; page < len(whole)/4096; page++ {
		damaged := bytes.Clone(whole)
		copy(damaged[page*4096:], bytes.Repeat([]byte{0xa5}, 4096))
		t.Run(fmt.Sprint("page ", page), func(t *testing.T) { refused(t, damaged) })
	}
	// The file as it was is still good.
	dir := t.TempDir()
	write(t, dir, whole)
	openDir(t, dir)
}

// In a big file only the ends of the tables are looked at.
func TestDamageInABigFile(t *testing.T) {
	usual := smallFile
	t.Cleanup(func() { smallFile = usual })
	smallFile = 1 << 16
	whole := filled(t, 300, 2000)
	dir := t.TempDir()
	write(t, dir, whole)
	db := openDir(t, dir)
	roots, err := readColumn[int](t.Context(), db, `
		SELECT rootpage FROM sqlite_schema WHERE name IN (
			'sqlite_schema', 'events', 'events_type', 'keys', 'deliveries', 'sqlite_autoindex_deliveries_1',
			'deliveries_due', 'attempts', 'hours', 'rule_sets', 'marks', 'people', 'items', 'progress', 'goose_db_version')`)
	if err != nil || len(roots) != 14 {
		t.Fatal(roots, err)
	}
	for _, page := range append(roots, 1) {
		damaged := bytes.Clone(whole)
		copy(damaged[(page-1)*4096:], bytes.Repeat([]byte{0xa5}, 4096))
		t.Run(fmt.Sprint("page ", page), func(t *testing.T) { refused(t, damaged) })
	}
	t.Run("cut short", func(t *testing.T) { refused(t, bytes.Clone(whole[:len(whole)-4096])) })
}

// filled returns the file of a closed store with some events.
func filled(t *testing.T, events, bodySize int) []byte {
	t.Helper()
	dir := t.TempDir()
	db := openDir(t, dir)
	for i := range events {
		e := event(fmt.Sprint(i))
		e.Body = make([]byte, bodySize)
		if _, err := storetest.Commit(t.Context(), db, e, pending(fmt.Sprint("d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "heed.db-wal")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a closed store still has its log: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "heed.db"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestACrashBeforeThereIsALogIsUndone opens what a crash left in the midst of a
// transaction with a rollback journal, as the first start makes one.
func TestACrashBeforeThereIsALogIsUndone(t *testing.T) {
	dir, crashed := t.TempDir(), t.TempDir()
	// Without syncs the journal is complete as soon as it is written.
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, "heed.db"), "_pragma=synchronous(OFF)"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range []string{"CREATE TABLE empty (x)", "DROP TABLE empty", "BEGIN IMMEDIATE", "CREATE TABLE half (x)", "INSERT INTO half VALUES (1)"} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"heed.db", "heed.db-journal"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || len(data) == 0 {
			t.Fatalf("%s has %d bytes, error %v", name, len(data), err)
		}
		if name == "heed.db" {
			copy(data, make([]byte, 512)) // a sector that did not get there
		}
		if err := os.WriteFile(filepath.Join(crashed, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := openDir(t, crashed)
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func write(t *testing.T, dir string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "heed.db"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, data []byte) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, data)
	for range 2 { // the first refusal must not leave the lock behind
		db, err := Open(context.Background(), Options{Dir: dir})
		if err == nil {
			db.Close()
			t.Fatal("opened")
		}
		if _, ok := errors.AsType[*DamagedError](err); !ok || !strings.Contains(err.Error(), "heed backup") {
			t.Errorf("error %v", err)
		}
	}
	after, err := os.ReadFile(filepath.Join(dir, "heed.db"))
	if err != nil || !bytes.Equal(after, data) {
		t.Errorf("the file was changed, error %v", err)
	}
}

// crash copies an open store's files as a crash of the process would leave them.
func crash(t *testing.T, db *DB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"heed.db", "heed.db-wal", "holder.json"} {
		data, err := os.ReadFile(filepath.Join(db.base.(*sqlite).dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Whatever was acknowledged is there after a crash, and known for what it is,
// wherever in the merging of keys the crash comes.
func TestAcknowledgedIsStoredAfterACrash(t *testing.T) {
	db := openTemp(t)
	db.writer.keys.limit = 20
	var sent []string
	for round := range 25 {
		for i := range 3 {
			id := fmt.Sprintf("e%d-%d", round, i)
			if _, err := storetest.Commit(t.Context(), db, event(id), pending(id)); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, id)
		}
		replay := event("replay of " + sent[round])
		replay.Signature = event(sent[round]).Signature
		if v, err := storetest.Commit(t.Context(), db, replay, nil); v != intake.Stored || err != nil || replay.Reason != intake.SignatureReused {
			t.Fatal(v, err, replay.Reason)
		}
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) { checkAfterCrash(t, crash(t, db), sent, round) })
	}
}

func checkAfterCrash(t *testing.T, dir string, sent []string, round int) {
	db := openDir(t, dir)
	for _, id := range sent {
		e, found, err := db.Event(t.Context(), id)
		if !found || err != nil || string(e.Body) != string(event(id).Body) {
			t.Errorf("event %s: found %v, error %v, %+v", id, found, err, e)
		}
		if v, err := storetest.Commit(t.Context(), db, event(id), nil); v != intake.Duplicate || err != nil {
			t.Errorf("event %s again: %v, %v", id, v, err)
		}
	}
	replay := event("replay of " + sent[round])
	replay.Signature = event(sent[round]).Signature
	if v, err := storetest.Commit(t.Context(), db, replay, nil); v != intake.Counted || err != nil {
		t.Errorf("the replay again: %v, %v", v, err)
	}
	e := event("new")
	if _, err := storetest.Commit(t.Context(), db, e, nil); err != nil || e.Seq != int64(len(sent)+round+2) {
		t.Errorf("a new event has seq %d, error %v", e.Seq, err)
	}
}

// A crash can leave a page of the database broken that the log would have
// healed, so the log counts when the file is looked at.
func TestLogHealsTheFile(t *testing.T) {
	db := openTemp(t)
	for i := range 20 {
		if _, err := storetest.Commit(t.Context(), db, event(fmt.Sprint(i)), nil); err != nil {
			t.Fatal(err)
		}
	}
	dir := crash(t, db)
	openDir(t, dir)
}

func TestSeqGoesOnAfterAllEventsAreGone(t *testing.T) {
	dir := t.TempDir()
	db := openDir(t, dir)
	for _, id := range []string{"e1", "e2"} {
		if _, err := storetest.Commit(t.Context(), db, event(id), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.SavePeople(t.Context(), &people.Rows{}, 2); err != nil {
		t.Fatal(err)
	}
	later := event("e1").ReceivedAt.Add(time.Hour)
	if n, err := db.Prune(t.Context(), time.Now(), later, later); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openDir(t, dir)
	e := event("e3")
	if _, err := storetest.Commit(t.Context(), db, e, nil); e.Seq != 3 || err != nil {
		t.Errorf("seq %d, error %v", e.Seq, err)
	}
}

func TestFirstStartCutShort(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, nil)
	openDir(t, dir)

	dir = t.TempDir()
	half, err := sql.Open("sqlite", dsn(filepath.Join(dir, "heed.db"), writePragmas...))
	if err != nil {
		t.Fatal(err)
	}
	if err := half.Ping(); err != nil {
		t.Fatal(err)
	}
	if err := half.Close(); err != nil {
		t.Fatal(err)
	}
	openDir(t, dir)
}
