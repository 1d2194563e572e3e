package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	mindtickle "heed/engine/event"
	"heed/engine/people"
	"heed/internal/store/storetest"
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
func TestProjection_outlivesACrash(t *testing.T) {
	db := openTemp(t)
	s := &stopping{DB: db}
	k, err := people.OpenProjection(t.Context(), s, slog.New(slog.DiscardHandler))
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
			if _, err := storetest.Commit(t.Context(), db, e, nil); err != nil {
				t.Fatal(err)
			}
			k.Learn(t.Context(), e, &decoded)
		}
		s.left = round
		if err := k.Save(t.Context()); err == nil && round < 3 {
			t.Errorf("round %d was saved whole", round)
		}
		crashed := openDir(t, crash(t, db))
		again, err := people.OpenProjection(t.Context(), crashed, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(k.Directory.Leaderboard(people.Query{}), again.Directory.Leaderboard(people.Query{})); diff != "" {
			t.Fatalf("round %d: %s", round, diff)
		}
	}
}

// loading is a store that lets something happen while it is loaded.
type loading struct {
	*DB
	meanwhile func()
}

func (s loading) LoadPeople(ctx context.Context, part func(*people.Rows)) error {
	err := s.DB.LoadPeople(ctx, part)
	s.meanwhile()
	return err
}

// Events are taken while people are loaded. Nothing of them is lost, and whoever asks
// is answered only then.
func TestProjection_learnsWhileItLoads(t *testing.T) {
	db := openTemp(t)
	pr, err := people.OpenProjection(t.Context(), db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	all := people.New()
	tell := func(db *DB, pr *people.Projection, user, pct int) {
		e := event(fmt.Sprintf("e%d-%d", user, pct))
		e.SignedAt = e.ReceivedAt
		e.Body = fmt.Appendf(nil,
			`{"event":"module.progress","data":{"userId":"u%d","moduleId":"m%d","progressPct":%d}}`, user, user%3, pct)
		decoded, err := mindtickle.Decode(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := storetest.Commit(t.Context(), db, e, nil); err != nil {
			t.Fatal(err)
		}
		pr.Learn(t.Context(), e, &decoded)
		all.Learn(&decoded, e.SignedAt)
	}
	for user := range 100 {
		tell(db, pr, user, 10)
	}
	if err := pr.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	for user := range 100 {
		tell(db, pr, user+50, 20)
	}
	db = openDir(t, crash(t, db))
	answered := make(chan float64)
	starting := loading{DB: db}
	starting.meanwhile = func() {
		for user := range 50 {
			tell(db, pr, user*10, 30)
		}
		select {
		case <-answered:
			t.Error("a question was answered before all was loaded")
		default:
		}
	}
	// Who does not wait any longer is told nothing, and at once.
	gone, hangUp := context.WithCancel(t.Context())
	asked := starting.meanwhile
	starting.meanwhile = func() {
		hangUp()
		if pct, known := pr.As(gone, nil, time.Time{}).Progress("u120", "m0"); known {
			t.Errorf("u120 is at %v %% before all was loaded", pct)
		}
		asked()
	}
	pr = people.NewProjection(&starting, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); pr.Run(ctx) }()
	go func() {
		pct, _ := pr.As(t.Context(), nil, time.Time{}).Progress("u120", "m0")
		answered <- pct
	}()
	if pct := <-answered; pct != 30 {
		t.Errorf("u120 is at %v %%, want 30", pct)
	}
	check := func(when string, pr *people.Projection) {
		t.Helper()
		if diff := cmp.Diff(all.Leaderboard(people.Query{}), pr.Directory.Leaderboard(people.Query{})); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	check("loaded", pr)
	stop()
	<-ended
	if pr, err = people.OpenProjection(t.Context(), openDir(t, crash(t, db)), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	check("saved and loaded again", pr)
}

// A start after a crash must not need the memory of a thousand large events.
func TestEventsAfter_pagesFitInMemory(t *testing.T) {
	db := openTemp(t)
	for i := range 40 {
		e := event(fmt.Sprint("e", i))
		e.Body = bytes.Repeat([]byte("x"), 1<<20)
		if _, err := storetest.Commit(t.Context(), db, e, nil); err != nil {
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

// forgetting is a store that lets something happen once it has deleted a person,
// while it cleans up, and then may fail.
type forgetting struct {
	*DB
	meanwhile func()
	err       error
}

func (s forgetting) ForgetPerson(ctx context.Context, user string) (int, int64, error) {
	s.meanwhile()
	if s.err != nil {
		return 0, 0, s.err
	}
	return s.DB.ForgetPerson(ctx, user)
}

// What is decided while somebody is being forgotten is stored behind all that is
// deleted, so it must not see the person any more.
func TestForget_hidesThePersonMeanwhile(t *testing.T) {
	s := &forgetting{DB: openTemp(t)}
	k, err := people.OpenProjection(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	records := []people.Record{{ID: "u1", Email: "maya@example.com", Active: true, KnowsActive: true}, {ID: "u2", Active: true, KnowsActive: true}}
	if _, err := k.Import(t.Context(), records, time.Now()); err != nil {
		t.Fatal(err)
	}
	s.meanwhile = func() {
		if p, known := k.As(t.Context(), nil, time.Time{}).Person("u1"); known {
			t.Errorf("while being forgotten the person is %+v", p)
		}
	}
	s.err = errors.New("the disk is full")
	if _, err := k.Forget(t.Context(), "u1"); err == nil {
		t.Fatal("no error")
	}
	if p, known := k.Directory.Person("u1"); !known || p.Email != "maya@example.com" || k.Len() != 2 {
		t.Errorf("who could not be forgotten is %+v, %v", p, known)
	}
	s.err = nil
	if _, err := k.Forget(t.Context(), "u1"); err != nil {
		t.Fatal(err)
	}
	if _, known := k.Directory.Person("u1"); known || k.Len() != 1 {
		t.Error("the person is still known")
	}
}

// A sheet that does not say who is active makes new people active and brings
// nobody back.
func TestImport_bringsNobodyBackUnlessItSaysSo(t *testing.T) {
	k, err := people.OpenProjection(t.Context(), openTemp(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sheet string
		plan  people.Plan
		left  bool
	}{
		{"userId,active\nleft,no\n", people.Plan{New: 1}, true},
		{"userId,teamId\nleft,emea\nnew,emea\n", people.Plan{New: 1, Changed: 1}, true},
		{"userId,teamId,active\nleft,emea,\nnew,emea,\n", people.Plan{Same: 2}, true},
		{"userId,active\nleft,yes\nnew,\n", people.Plan{Changed: 1, Same: 1}, false},
	} {
		sheet, err := people.ReadSheet(strings.NewReader(c.sheet))
		if err != nil || len(sheet.Problems) > 0 {
			t.Fatal(err, sheet.Problems)
		}
		plan, err := k.Import(t.Context(), sheet.Records, time.Now())
		if err != nil || !cmp.Equal(plan, c.plan) {
			t.Errorf("%q: %+v, %v", c.sheet, plan, err)
		}
		if p, _ := k.Directory.Person("left"); p.Active == c.left || !p.KnowsActive {
			t.Errorf("%q: who left is %+v", c.sheet, p)
		}
		if p, known := k.Directory.Person("new"); known && (!p.Active || p.Team != "emea") {
			t.Errorf("%q: who is new is %+v", c.sheet, p)
		}
	}
}
