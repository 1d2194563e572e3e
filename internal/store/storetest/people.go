package storetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"heed/engine/event"
	"heed/engine/people"
	"heed/engine/record"
)

var peopleTests = map[string]func(*testing.T, Store){
	"what is known of people is saved whole":                 testPeopleSaved,
	"rows that cannot be saved together are not saved":       testPeopleReplacedWhole,
	"events that nobody learnt are not deleted":              testPruneUnlearnt,
	"it is known from when on the record is whole":           testWholeSince,
	"a start learns what the end did not save":               testProjectionAfterCrash,
	"a start learns what was recorded before there were any": testProjectionFirstStart,
	"events that are learnt twice or late change nothing":    testProjectionAnyOrder,
	"a person who is forgotten does not come back":           testProjectionForget,
	"who is forgotten under load does not come back":         testProjectionForgetUnderLoad,
	"an import is saved at once and outlives a rebuild":      testProjectionImport,
	"a rebuild mends rows and keeps what is older":           testRebuild,
}

func save(t *testing.T, s Store, rows *people.Rows, learnt int64) {
	t.Helper()
	if err := s.SavePeople(t.Context(), rows, learnt); err != nil {
		t.Fatal(err)
	}
}

func newest(t *testing.T, s Store) int64 {
	t.Helper()
	_, last, err := s.Learnt(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return last
}

func load(t *testing.T, s Store) (rows people.Rows) {
	t.Helper()
	err := s.LoadPeople(t.Context(), func(part *people.Rows) {
		rows.People = append(rows.People, part.People...)
		rows.Items = append(rows.Items, part.Items...)
		rows.Progress = append(rows.Progress, part.Progress...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func someRows() *people.Rows {
	return &people.Rows{
		People: []people.PersonRow{
			{ID: "u1", Email: "u1@example.com", Role: "rep", Team: "emea", EmailAt: 1, RoleAt: 2, TeamAt: 3, ActiveAt: 4, Active: true, Imported: 5},
			{ID: "u2", Email: "ü@example.com"},
		},
		Items: []people.ItemRow{{Kind: people.Module, ID: "m1", Name: "Basics", NamedAt: 7}, {Kind: people.Quiz, ID: "m1"}},
		Progress: []people.ProgressRow{
			{
				ProgressKey: people.ProgressKey{User: "u1", Kind: people.Module, Item: "m1"},
				Progress:    1, Seconds: 2, Best: 3, Last: 4, ScoredAt: 5, CompletedAt: 6, FirstAt: 7, LastAt: 8,
			},
			{ProgressKey: people.ProgressKey{User: "u1", Kind: people.Quiz, Item: "m1"}, Progress: -1, Seconds: -1, Best: -1, Last: -1},
		},
	}
}

func testPeopleSaved(t *testing.T, s Store) {
	learnt, last, err := s.Learnt(t.Context())
	equal(t, "an empty store", []any{learnt, last, err}, []any{int64(0), int64(0), nil})
	rows := someRows()
	save(t, s, rows, 0)
	save(t, s, rows, 7)
	equal(t, "rows", load(t, s), *rows)
	if learnt, _, err = s.Learnt(t.Context()); learnt != 7 || err != nil {
		t.Errorf("learnt %d, %v", learnt, err)
	}
	rows.Progress[0].Progress = 100
	save(t, s, &people.Rows{Progress: rows.Progress[:1], Gone: []people.ProgressKey{rows.Progress[1].ProgressKey}}, 0)
	rows.Progress = rows.Progress[:1]
	equal(t, "rows afterwards", load(t, s), *rows)
}

func testPeopleReplacedWhole(t *testing.T, s Store) {
	rows := someRows()
	save(t, s, rows, 3)
	broken := errors.New("broken")
	err := s.ReplacePeople(t.Context(), func(add func(*people.Rows) error) error {
		return errors.Join(add(&people.Rows{}), broken)
	}, 9)
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	equal(t, "rows", load(t, s), *rows)
	other := &people.Rows{People: []people.PersonRow{{ID: "u3"}}}
	err = s.ReplacePeople(t.Context(), func(add func(*people.Rows) error) error { return add(other) }, 9)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "replaced", load(t, s), *other)
	if learnt, _, _ := s.Learnt(t.Context()); learnt != 9 {
		t.Errorf("learnt %d", learnt)
	}
}

func testPruneUnlearnt(t *testing.T, s Store) {
	for i := range 3 {
		commit(t, s, accepted(fmt.Sprint("e", i), fmt.Sprint("s", i), "x"), stored)
	}
	save(t, s, &people.Rows{}, 1)
	if n, err := s.Prune(t.Context(), time.Now(), t0.Add(day), t0); n != 1 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	prune(t, s, t0.Add(day), t0, 2)
}

func testWholeSince(t *testing.T, s Store) {
	since := func() time.Time {
		at, err := s.WholeSince(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	prune(t, s, t0.Add(day), t0, 0)
	equal(t, "nothing deleted", since(), time.Time{})
	commit(t, s, accepted("e1", "s1", "x"), stored)
	prune(t, s, t0.Add(day), t0, 1)
	equal(t, "deleted", since(), t0.Add(day))
}

// tells is an event with a body from which something is learnt.
func tells(id, eventType, data string, at time.Time) *record.Event {
	e := accepted(id, "of "+id, fmt.Sprintf(`{"event":%q,"data":%s}`, eventType, data))
	e.Type, e.SignedAt = eventType, at
	return e
}

func progress(id, user, module string, pct int, minute int) *record.Event {
	return tells(id, "module.progress", fmt.Sprintf(`{"userId":%q,"moduleId":%q,"moduleName":"M","progressPct":%d,"timeSpentSec":60}`, user, module, pct), t0.Add(time.Duration(minute)*time.Minute))
}

func decoded(t *testing.T, e *record.Event) *event.Event {
	t.Helper()
	decoded, err := event.Decode(e.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &decoded
}

func keep(t *testing.T, s Store) *people.Projection {
	t.Helper()
	k, err := people.OpenProjection(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func saved(t *testing.T, k *people.Projection) {
	t.Helper()
	if err := k.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// take commits an event and has it learnt, as the intake does.
func take(t *testing.T, s Store, k *people.Projection, e *record.Event) {
	t.Helper()
	commit(t, s, e, stored)
	k.Learn(t.Context(), e, decoded(t, e))
}

func board(k *people.Projection, by people.By) (text string) {
	for _, s := range k.Directory.Leaderboard(people.Query{By: by}) {
		text += fmt.Sprintf("%d %s %v; ", s.Place, s.ID, s.Value)
	}
	return text
}

// testProjectionAfterCrash leaves one projection behind without a word, as a kill does,
// between one save and the next.
func testProjectionAfterCrash(t *testing.T, s Store) {
	k := keep(t, s)
	take(t, s, k, tells("e1", "user.provisioned", `{"userId":"u1","email":"u1@example.com","teamId":"emea"}`, t0))
	take(t, s, k, progress("e2", "u1", "m1", 40, 1))
	saved(t, k)
	take(t, s, k, progress("e3", "u1", "m1", 70, 2))
	take(t, s, k, progress("e4", "u2", "m1", 50, 2))
	again := keep(t, s)
	equal(t, "progress", board(again, people.ByProgress), "1 u1 70; 2 u2 50; ")
	p, _ := again.Directory.Person("u1")
	equal(t, "the person", []any{p.Email, p.Team, p.Active}, []any{"u1@example.com", "emea", true})
	again.Close(t.Context())
	if learnt, last, err := s.Learnt(t.Context()); learnt != 4 || last != 4 || err != nil {
		t.Errorf("learnt %d of %d, %v", learnt, last, err)
	}
	equal(t, "after an orderly end", board(keep(t, s), people.ByProgress), "1 u1 70; 2 u2 50; ")
}

func testProjectionFirstStart(t *testing.T, s Store) {
	for i := range 2500 {
		commit(t, s, progress(fmt.Sprint("e", i), fmt.Sprint("u", i%10), fmt.Sprint("m", i%7), i%101, i), stored)
	}
	commit(t, s, quarantined("q1", "sq", `{"event":"module.progress","data":{"userId":"bad","moduleId":"m1","progressPct":9}}`), setAside)
	first := progress("e0", "u0", "m0", 0, 0)
	commit(t, s, replayOf(first, t0), outcome{0, record.Replayed, ""})
	k := keep(t, s)
	equal(t, "people", k.Len(), 10)
	saved(t, k)
	if learnt, last, _ := s.Learnt(t.Context()); learnt != 2502 || last != 2502 {
		t.Errorf("learnt %d of %d", learnt, last)
	}
}

func testProjectionAnyOrder(t *testing.T, s Store) {
	k := keep(t, s)
	events := []*record.Event{progress("e1", "u1", "m1", 90, 3), progress("e2", "u1", "m1", 20, 2), progress("e3", "u1", "m1", 10, 9)}
	for _, e := range events {
		commit(t, s, e, stored)
	}
	k.Learn(t.Context(), events[2], decoded(t, events[2]))
	saved(t, k)
	if learnt, _, _ := s.Learnt(t.Context()); learnt != 0 {
		t.Errorf("events up to %d count as learnt, and the first was not", learnt)
	}
	k.Learn(t.Context(), events[0], decoded(t, events[0]))
	k.Learn(t.Context(), events[1], nil)
	k.Learn(t.Context(), events[0], decoded(t, events[0]))
	saved(t, k)
	if learnt, _, _ := s.Learnt(t.Context()); learnt != 3 {
		t.Errorf("learnt up to %d", learnt)
	}
	equal(t, "progress", board(k, people.ByProgress), "1 u1 90; ")
	equal(t, "and after a start", board(keep(t, s), people.ByProgress), "1 u1 90; ")
}

func testProjectionForget(t *testing.T, s Store) {
	k := keep(t, s)
	take(t, s, k, progress("e1", "u1", "m1", 90, 3))
	take(t, s, k, progress("e2", "u2", "m1", 20, 2))
	saved(t, k)
	late := progress("e3", "u1", "m2", 20, 4)
	commit(t, s, late, stored) // its Learn comes when it is over
	if n, err := k.Forget(t.Context(), "u1"); n != 2 || err != nil {
		t.Errorf("forgot %d, %v", n, err)
	}
	k.Learn(t.Context(), late, decoded(t, late))
	equal(t, "at once", board(k, people.ByProgress), "1 u2 20; ")
	saved(t, k)
	equal(t, "after a start", board(keep(t, s), people.ByProgress), "1 u2 20; ")
	equal(t, "rows", len(load(t, s).Progress), 1)
	take(t, s, k, progress("e4", "u1", "m1", 5, 9))
	equal(t, "a new life", board(k, people.ByProgress), "1 u2 20; 2 u1 5; ")
}

// testProjectionForgetUnderLoad forgets somebody while their events come in and are
// saved: memory and store must agree on what came afterwards.
func testProjectionForgetUnderLoad(t *testing.T, s Store) {
	k := keep(t, s)
	var senders sync.WaitGroup
	for worker := range 4 {
		senders.Go(func() {
			for i := range 60 {
				id := fmt.Sprintf("w%d-%d", worker, i)
				e := progress(id, "u1", "m-"+id, 1, i)
				decoded, err := event.Decode(e.Body)
				if err == nil {
					_, err = Commit(context.Background(), s, e, nil)
				}
				if err != nil {
					t.Error(err)
					return
				}
				k.Learn(t.Context(), e, &decoded)
			}
		})
	}
	senders.Go(func() {
		for range 5 {
			if err := k.Save(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	for range 3 {
		if _, err := k.Forget(t.Context(), "u1"); err != nil {
			t.Error(err)
		}
	}
	senders.Wait()
	saved(t, k)
	left := len(events(t, s, record.EventFilter{}))
	equal(t, "rows in the store", len(load(t, s).Progress), left)
	value := 0
	if list := k.Directory.Leaderboard(people.Query{}); len(list) > 0 {
		value = list[0].Items
	}
	equal(t, "rows in memory", value, left)
}

func testProjectionImport(t *testing.T, s Store) {
	k := keep(t, s)
	take(t, s, k, tells("e1", "user.provisioned", `{"userId":"u1","email":"old@example.com","role":"rep"}`, t0))
	records := []people.Record{{ID: "u1", Email: "new@example.com", Name: "Ada Lovelace", Manager: "boss@example.com", Active: true, KnowsActive: true}, {ID: "u2", Team: "emea", KnowsActive: true}}
	plan, err := k.Import(t.Context(), records, t0.Add(time.Hour))
	equal(t, "first", []any{plan, err}, []any{people.Plan{New: 1, Changed: 1}, nil})
	plan, err = k.Import(t.Context(), records, t0.Add(2*time.Hour))
	equal(t, "again", []any{plan, err}, []any{people.Plan{Same: 2}, nil})
	check := func(when string, k *people.Projection) {
		p, _ := k.Directory.Person("u1")
		equal(t, when, []any{p.Email, p.Role, p.Active, p.ChangedAt}, []any{"new@example.com", "rep", true, t0.Add(time.Hour)})
		equal(t, when, []any{p.Name, p.Manager}, []any{"Ada Lovelace", "boss@example.com"})
		p, _ = k.Directory.Person("u2")
		equal(t, when, []any{p.Team, p.Active, p.KnowsActive}, []any{"emea", false, true})
	}
	check("after a crash", keep(t, s))
	rebuild(t, s)
	check("after a rebuild", keep(t, s))
	if _, err := keep(t, s).Forget(t.Context(), "u1"); err != nil {
		t.Fatal(err)
	}
	if _, known := keep(t, s).Directory.Person("u1"); known {
		t.Error("the details of a person who was forgotten are known")
	}
}

func rebuild(t *testing.T, s Store) *people.Rebuilt {
	t.Helper()
	r, err := people.Rebuild(t.Context(), s, slog.New(slog.DiscardHandler))
	if err == nil {
		err = r.Apply(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testRebuild(t *testing.T, s Store) {
	k := keep(t, s)
	old := progress("e1", "u1", "m1", 90, 0)
	take(t, s, k, old)
	recent := progress("e2", "u1", "m1", 40, 0)
	recent.SignedAt, recent.ReceivedAt = t0.Add(40*day), t0.Add(40*day)
	take(t, s, k, recent)
	other := progress("e3", "u2", "m1", 50, 0)
	other.SignedAt, other.ReceivedAt = t0.Add(40*day), t0.Add(40*day)
	take(t, s, k, other)
	saved(t, k)
	prune(t, s, t0.Add(day), t0, 1)
	r := rebuild(t, s)
	equal(t, "nothing to mend", []int{r.Events, r.People, r.Rows, r.RowsContinued, r.RowsChanged, r.PeopleChanged}, []int{2, 2, 2, 1, 0, 0})
	rows := load(t, s)
	for i := range rows.Progress {
		if rows.Progress[i].User == "u2" {
			rows.Progress[i].Progress = 99_000_000 // as a fault of an older heed might have it
		}
	}
	save(t, s, &rows, 0)
	equal(t, "wrong", board(keep(t, s), people.ByProgress), "1 u2 99; 2 u1 90; ")
	r = rebuild(t, s)
	equal(t, "mended", []int{r.RowsContinued, r.RowsChanged, r.PeopleChanged}, []int{1, 1, 0})
	equal(t, "right", board(keep(t, s), people.ByProgress), "1 u1 90; 2 u2 50; ")
}
