package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	mindtickle "heed/engine/event"
	"heed/engine/people"
)

// stopping is a store that a crash stops after some saves.
type stopping struct {
	*DB
	left int
}

func (s *stopping) SavePeople(ctx context.Context, rows *people.Rows, learnt int64) error {
	if s.left == 0 {
		return errors.New("the power is off")
	}
	s.left--
	return s.DB.SavePeople(ctx, rows, learnt)
}

// Whatever was acknowledged is known after a crash, wherever in a save it comes.
func TestWhatIsKnownOfPeopleSurvivesACrash(t *testing.T) {
	db := openTemp(t)
	s := &stopping{DB: db}
	k, err := people.OpenKeeper(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for round := range 12 {
		for i := range 300 {
			e := event(fmt.Sprintf("e%d-%d", round, i))
			e.SignedAt = e.ReceivedAt
			e.Body = fmt.Appendf(nil, `{"event":"module.progress","data":{"userId":"u%d","moduleId":"m%d","progressPct":%d}}`, i, round%5, (round*31+i)%101)
			decoded, err := mindtickle.Decode(e.Body)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Commit(t.Context(), e, nil); err != nil {
				t.Fatal(err)
			}
			k.Learn(e, &decoded)
		}
		s.left = round
		if err := k.Save(t.Context()); err == nil && round < 3 {
			t.Errorf("round %d was saved whole", round)
		}
		crashed := openDir(t, crash(t, db))
		again, err := people.OpenKeeper(t.Context(), crashed, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(k.Leaderboard(people.Query{}), again.Leaderboard(people.Query{})); diff != "" {
			t.Fatalf("round %d: %s", round, diff)
		}
	}
}

// A start after a crash must not need the memory of a thousand large events.
func TestEventsToLearnFromComeInPagesThatFit(t *testing.T) {
	db := openTemp(t)
	for i := range 40 {
		e := event(fmt.Sprint("e", i))
		e.Body = bytes.Repeat([]byte("x"), 1<<20)
		if _, err := db.Commit(t.Context(), e, nil); err != nil {
			t.Fatal(err)
		}
	}
	var seqs []int64
	for after := int64(0); ; after = seqs[len(seqs)-1] {
		page, err := db.EventsAfter(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		if len(page) > 17 {
			t.Fatalf("a page has %d MiB", len(page))
		}
		for i := range page {
			seqs = append(seqs, page[i].Seq)
		}
	}
	if len(seqs) != 40 || seqs[39] != 40 {
		t.Errorf("the pages have %v", seqs)
	}
}
