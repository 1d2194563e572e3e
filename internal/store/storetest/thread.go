package storetest

import (
	"testing"
	"time"
)

var threadTests = map[string]func(*testing.T, Store){
	"a thread is remembered by its key":           testThread,
	"a thread can begin anew":                     testThreadAnew,
	"a thread that was not used for long is gone": testThreadPrune,
}

func keepThread(t *testing.T, s Store, key, ts string, now time.Time) {
	t.Helper()
	if err := s.KeepThread(t.Context(), key, ts, now); err != nil {
		t.Fatal(err)
	}
}

// thread checks what the key's thread is; an empty ts is none.
func thread(t *testing.T, s Store, key, want string) {
	t.Helper()
	ts, found, err := s.Thread(t.Context(), key)
	if err != nil || ts != want || found != (want != "") {
		t.Errorf("the thread %s is %q, found %v, error %v; want %q", key, ts, found, err, want)
	}
}

func testThread(t *testing.T, s Store) {
	thread(t, s, "a", "")
	keepThread(t, s, "a", "1.1", t0)
	keepThread(t, s, "b", "2.2", t0)
	thread(t, s, "a", "1.1")
	thread(t, s, "b", "2.2")
	thread(t, s, "A", "")
}

func testThreadAnew(t *testing.T, s Store) {
	keepThread(t, s, "a", "1.1", t0)
	keepThread(t, s, "a", "3.3", t0.Add(day))
	thread(t, s, "a", "3.3")
}

func testThreadPrune(t *testing.T, s Store) {
	keepThread(t, s, "old", "1.1", t0)
	keepThread(t, s, "used", "2.2", t0)
	keepThread(t, s, "used", "2.2", t0.Add(day))
	prune(t, s, t0.Add(day), t0, 0)
	thread(t, s, "old", "")
	thread(t, s, "used", "2.2")
}
