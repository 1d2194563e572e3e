package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"heed/engine/record"
	"heed/internal/store/storetest"
)

func personal(i int, user string) *record.Event {
	return &record.Event{
		ID: fmt.Sprint("e", i), Type: "user.provisioned", Status: record.Accepted, ReceivedAt: time.Now(), SignedAt: time.Now(),
		Signature: fmt.Append(nil, "signature of ", i),
		Body:      fmt.Appendf(nil, `{"event":"user.provisioned","data":{"userId":%q,"email":"%s-canary@example.com"}}`, user, user),
	}
}

// What is forgotten is in no file of the store any more, not even as a remnant.
func TestForgottenBytesAreGoneFromTheDisk(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i := range 300 {
		user := []string{"maya", "lee"}[i%2]
		d := record.Delivery{ID: fmt.Sprint("d", i), Rule: "r", Action: "a", Kind: "log", State: record.Dead, Request: fmt.Appendf(nil, `{"text":"%s-canary@example.com"}`, user)}
		if _, err := storetest.Commit(t.Context(), db, personal(i, user), []record.Delivery{d}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := db.Forget(t.Context(), "maya"); err != nil || n != 150 {
		t.Fatalf("forgot %d, %v", n, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(content, []byte("maya-canary")); n > 0 {
			t.Errorf("%s still has %d traces", filepath.Base(name), n)
		}
		kept += bytes.Count(content, []byte("lee-canary"))
	}
	if kept < 300 {
		t.Errorf("only %d traces of the other user are left", kept)
	}
}

func TestABackupUnderLoadIsAStoreAsItWasAtOneMoment(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ended := make(chan int)
	stop := make(chan struct{})
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				ended <- i
				return
			default:
			}
			d := record.Delivery{ID: fmt.Sprint("d", i), Rule: "r", Action: "a", Kind: "log", State: record.Pending, Request: []byte(`{}`)}
			if _, err := storetest.Commit(t.Context(), db, personal(i, "lee"), []record.Delivery{d}); err != nil {
				t.Error(err)
			}
		}
	}()
	for commits := 0; commits < 100; {
		events, err := db.Events(t.Context(), record.EventFilter{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(events) > 0 {
			commits = int(events[0].Seq)
		}
	}
	target := filepath.Join(t.TempDir(), "copy", "heed.db")
	if err := Backup(t.Context(), dir, target); err == nil {
		t.Error("a backup went into a directory that is not there")
	}
	if err := os.Mkdir(filepath.Dir(target), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), dir, target); err != nil {
		t.Fatal(err)
	}
	close(stop)
	committed := <-ended
	if err := Backup(t.Context(), dir, target); err == nil {
		t.Error("a backup replaced another")
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy is %v, %v", info.Mode(), err)
	}
	restored, err := Open(t.Context(), Options{Dir: filepath.Dir(target)})
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	events, err := restored.Events(t.Context(), record.EventFilter{})
	if err != nil || len(events) < 100 || len(events) > committed {
		t.Fatalf("the copy has %d events of %d, %v", len(events), committed, err)
	}
	for i, e := range events {
		if want := int64(len(events) - i); e.Seq != want {
			t.Fatalf("event %d of the copy is %d", want, e.Seq)
		}
	}
	pending, err := restored.PendingByAction(t.Context())
	if err != nil || pending["a"] != len(events) {
		t.Errorf("the copy has %v deliveries of %d events, %v", pending, len(events), err)
	}
	// The copy knows what came in: the same event is still a duplicate.
	if verdict, err := storetest.Commit(t.Context(), restored, personal(0, "lee"), nil); err != nil || verdict == 0 {
		t.Errorf("a repeated event is %v, %v", verdict, err)
	}
}

func TestABackupTakesPathsAsPeopleWriteThem(t *testing.T) {
	t.Chdir(t.TempDir())
	db, err := Open(t.Context(), Options{Dir: "data"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := Backup(t.Context(), "data", "copy.db"); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), "data", "copy.db"); err == nil || err.Error() != "back up: copy.db is there already: name a new file" {
		t.Errorf("a second time: %v", err)
	}
}
