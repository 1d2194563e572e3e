package store

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	heedevent "heed/engine/event"
	"heed/engine/intake"
	"heed/engine/record"
)

// aboutSomebody is an event with whatever userId; of some it is not known whom they
// are about.
func aboutSomebody(n int, random *rand.Rand) *record.Event {
	id := fmt.Sprintf("e%d", n)
	userID := fmt.Sprintf("%q", fmt.Sprintf("user-%d", random.IntN(2000)))
	switch random.IntN(40) {
	case 0:
		userID = fmt.Sprint(random.IntN(50))
	case 1:
		userID = "null"
	}
	body := []byte(fmt.Sprintf(`{"event":"quiz.submitted","data":{"userId":%s}}`, userID))
	sum := sha256.Sum256([]byte(id))
	e := &record.Event{
		ID: id, Type: "quiz.submitted", Status: record.Accepted, ReceivedAt: time.UnixMicro(int64(n + 1)).UTC(),
		Signature: sum[:], Body: body,
	}
	decoded, err := heedevent.Decode(body)
	if err != nil {
		panic(err)
	}
	switch e.User, e.UserKnown = decoded.User(), decoded.Tells(); random.IntN(3000) {
	case 0:
		e.User, e.UserKnown = "", false
	case 1:
		e.Status, e.Reason = record.Quarantined, "other_company"
	}
	return e
}

// A page of a person's events is the same as if every event was looked at, over
// blocks, restarts, groups that are taken back and other conditions.
func TestEvents_ofAPersonAreAllFound(t *testing.T) {
	dir, random := t.TempDir(), rand.New(rand.NewPCG(1, 2))
	db := openDir(t, dir)
	var all []record.Event
	for n := 0; n < 9000; {
		var batches []*intake.Batch
		for range 1 + random.IntN(300) {
			e := aboutSomebody(n, random)
			batches = append(batches, &intake.Batch{Event: e})
			all = append(all, *e)
			n++
		}
		if err := db.Commit(t.Context(), batches...); err != nil {
			t.Fatal(err)
		}
		if random.IntN(12) == 0 {
			bad := aboutSomebody(n, random)
			bad.Signature = nil // which takes the whole group back, in which it is alone
			_ = db.Commit(t.Context(), &intake.Batch{Event: bad})
		}
		if random.IntN(10) == 0 {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openDir(t, dir)
		}
	}
	var filters int
	if err := db.readDB.QueryRow("SELECT count(*) FROM user_filters").Scan(&filters); err != nil || filters < 2 {
		t.Errorf("%d filters, error %v", filters, err)
	}
	for _, user := range []string{"user-0", "user-17", "user-1999", "7", "nobody"} {
		for _, limit := range []int{0, 1, 3} {
			for before := int64(0); ; {
				got, err := db.Events(t.Context(), record.EventFilter{User: user, Before: before, Limit: limit})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(namedIn(all, user, before, limit), ids(got)); diff != "" {
					t.Fatalf("%s before %d, %d at most (-want +got):\n%s", user, before, limit, diff)
				}
				if limit == 0 || len(got) < limit {
					break
				}
				before = got[len(got)-1].Seq
			}
		}
	}
}

func ids(events []record.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// namedIn are the newest events whose body names a person; numbers are places.
func namedIn(all []record.Event, user string, before int64, limit int) (ids []string) {
	for i := len(all) - 1; i >= 0; i-- {
		if before != 0 && int64(i+1) >= before {
			continue
		}
		decoded, err := heedevent.Decode(all[i].Body)
		if err == nil && decoded.User() == user && (limit == 0 || len(ids) < limit) {
			ids = append(ids, all[i].ID)
		}
	}
	return ids
}

func TestUserFilter_holdsWhomItWasGivenAndHardlyAnybodyElse(t *testing.T) {
	f := newUserFilter(0)
	for n := range 1 << blockBits {
		f.add(&record.Event{User: fmt.Sprint("user-", n), UserKnown: true, Status: record.Accepted})
	}
	for n := range 1 << blockBits {
		if !mayHold(f.bits, fmt.Sprint("user-", n)) {
			t.Fatalf("user-%d is missing", n)
		}
	}
	others := 0
	for n := range 10_000 {
		if mayHold(f.bits, fmt.Sprint("other-", n)) {
			others++
		}
	}
	if others > 100 {
		t.Errorf("%d of 10000 others pass", others)
	}
}
