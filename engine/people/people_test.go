package people

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heed/engine/event"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// told is an event with the moment at which it was signed.
type told struct {
	event *event.Event
	at    time.Time
}

func tell(minute int, eventType string, pairs ...any) told {
	data := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		data[pairs[i].(string)] = pairs[i+1]
	}
	return told{&event.Event{Type: eventType, Data: data}, t0.Add(time.Duration(minute) * time.Minute)}
}

func directory(events ...told) *Directory {
	d := New()
	for _, e := range events {
		d.Learn(e.event, e.at)
	}
	return d
}

// dump is all that a Directory knows, in an order of its own.
type dump struct {
	People  map[string]string
	Rows    map[string]string
	Items   map[string]string
	Ranking map[string][]string
}

func dumped(d *Directory) dump {
	out := dump{map[string]string{}, map[string]string{}, map[string]string{}, map[string][]string{}}
	for _, it := range d.items {
		out.Items[fmt.Sprint(it.kind, it.id)] = fmt.Sprint(it.name)
	}
	for id, p := range d.people {
		out.People[id] = fmt.Sprintf("%+v %+v", *p.profile, p.sums)
		for r := range p.rows.all() {
			it := d.items[r.item]
			r.item = 0
			out.Rows[fmt.Sprint(id, it.kind, it.id)] = fmt.Sprintf("%+v", r)
		}
	}
	for by := range allBy {
		for _, s := range d.Leaderboard(Query{By: By(by)}) {
			out.Ranking[allBy[by]] = append(out.Ranking[allBy[by]], fmt.Sprintf("%+v", s))
			if place, known := d.As(nil, t0).Rank(s.ID, By(by)); place != s.Place || !known {
				out.Ranking["wrong"] = append(out.Ranking["wrong"], fmt.Sprint(s.ID, By(by), place, known))
			}
		}
	}
	return out
}

func TestLearn_newestEventDecidesWhoAPersonIs(t *testing.T) {
	d := directory(
		tell(2, "user.provisioned", "userId", "u1", "email", "new@example.com", "role", "rep"),
		tell(1, "user.provisioned", "userId", "u1", "email", "old@example.com", "teamId", "emea"),
	)
	got, ok := d.Person("u1")
	want := Person{ID: "u1", Email: "new@example.com", Role: "rep", Team: "emea", Active: true, KnowsActive: true, ChangedAt: t0.Add(2 * time.Minute)}
	if !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	gone := tell(3, "user.deprovisioned", "userId", "u1", "reason", "left")
	if p, _ := d.As(gone.event, gone.at).Person("u1"); p.Active || !p.KnowsActive || p.Role != "rep" {
		t.Errorf("with the event the person would be %+v", p)
	}
	if p, _ := d.Person("u1"); !p.Active {
		t.Error("the view has changed the directory")
	}
	d.Learn(gone.event, gone.at)
	if p, _ := d.Person("u1"); p.Active || p.Email != "new@example.com" {
		t.Errorf("afterwards the person is %+v", p)
	}
	if _, ok := d.Person("nobody"); ok {
		t.Error("somebody is known of whom nobody told")
	}
}

func TestLearn_progressNeverMovesBackwards(t *testing.T) {
	d := directory(
		tell(5, "module.progress", "userId", "u1", "moduleId", "m1", "moduleName", "Basics", "progressPct", 80, "timeSpentSec", 600),
		tell(4, "module.progress", "userId", "u1", "moduleId", "m1", "moduleName", "Old name", "progressPct", 33.3, "timeSpentSec", 900),
		tell(6, "module.progress", "userId", "u1", "moduleId", "m1", "progressPct", 20),
	)
	if pct, known := d.As(nil, t0).Progress("u1", "m1"); pct != 80 || !known {
		t.Errorf("progress is %v, %v", pct, known)
	}
	if got := d.Leaderboard(Query{By: ByTime}); len(got) != 1 || got[0].Value != 900 {
		t.Errorf("time: %+v", got)
	}
	done := tell(7, "module.progress", "userId", "u1", "moduleId", "m1", "progressPct", 100)
	view := d.As(done.event, done.at)
	if pct, _ := view.Progress("u1", "m1"); pct != 100 {
		t.Errorf("with the event progress would be %v", pct)
	}
	if _, known := view.Progress("u2", "m1"); known {
		t.Error("another user has the progress")
	}
	if place, known := view.Rank("u1", ByCompletions); place != 1 || !known {
		t.Errorf("rank %d, %v", place, known)
	}
	if _, known := d.As(nil, t0).Rank("u1", ByCompletions); known {
		t.Error("the view has changed the directory")
	}
}

func TestLearn_scoresAndCompletions(t *testing.T) {
	d := directory(
		tell(1, "quiz.submitted", "userId", "u1", "quizId", "q1", "score", 90, "passed", true),
		tell(2, "quiz.submitted", "userId", "u1", "quizId", "q1", "score", 61.5, "passed", false),
		tell(3, "quiz.submitted", "userId", "u1", "quizId", "q2", "quizType", "practice"),
		tell(4, "course.completed", "userId", "u1", "courseId", "q1", "score", 10, "completedAt", "2026-02-01"),
		tell(4, "course.completed", "userId", "u2", "courseId", "c2"),
	)
	r, _ := d.row("u1", itemKey{Quiz, "q1"})
	if r.best != 90*unit || r.last != 61_500_000 || r.completedAt != t0.Add(time.Minute).UnixMicro() {
		t.Errorf("%+v", r)
	}
	r, _ = d.row("u1", itemKey{Course, "q1"})
	if at := timeOf(r.completedAt); at.Format(time.DateOnly) != "2026-02-01" {
		t.Errorf("completed at %v", at)
	}
	for by, want := range map[By]string{ByScore: "[u1 100 2]", ByCompletions: "[u1 2 2 u2 1 1]", ByProgress: "[]"} {
		var got []any
		for _, s := range d.Leaderboard(Query{By: by}) {
			got = append(got, s.ID, s.Value, s.Items)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", by, got, want)
		}
	}
}

func TestLeaderboard_equalsShareAPlaceAndLeaversHaveNone(t *testing.T) {
	var events []told
	for user, score := range map[string]int{"a": 50, "b": 70, "c": 70, "d": 90, "e": 100} {
		events = append(events, tell(1, "quiz.submitted", "userId", user, "quizId", "q1", "score", score))
	}
	events = append(events,
		tell(2, "user.deprovisioned", "userId", "e"), tell(3, "user.provisioned", "userId", "b", "teamId", "emea"),
		tell(9, "quiz.submitted", "userId", "a", "quizId", "q2", "score", 5))
	d := directory(events...)
	places := func(q Query) (text string) {
		q.By = ByScore
		for _, s := range d.Leaderboard(q) {
			text += fmt.Sprint(s.Place, s.ID, s.Value, " ")
		}
		return strings.TrimSpace(text)
	}
	for want, q := range map[string]Query{
		"1d90 2b70 2c70 4a55": {},
		"1d90 2b70":           {Limit: 2},
		"1b70":                {Team: "emea"},
		"1a5":                 {Module: "q2"},
		"1a5 ":                {Since: t0.Add(5 * time.Minute)},
		"":                    {Module: "nothing"},
	} {
		if got := places(q); got != strings.TrimSpace(want) {
			t.Errorf("%+v: %s, want %s", q, got, want)
		}
	}
	if _, known := d.As(nil, t0).Rank("e", ByScore); known {
		t.Error("who has left has a place")
	}
	back := tell(8, "user.provisioned", "userId", "e")
	if place, _ := d.As(back.event, back.at).Rank("d", ByScore); place != 2 {
		t.Errorf("with e back, d is number %d", place)
	}
}

func TestLearn_ignoresImpossibleValues(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	d := directory(
		tell(1, "module.progress", "userId", long, "moduleId", "m1", "progressPct", 10),
		tell(1, "module.progress", "userId", true, "moduleId", "m1", "progressPct", 10),
		tell(1, "module.progress", "moduleId", "m1", "progressPct", 10),
		tell(1, "module.progress", "userId", "u1", "moduleId", long, "progressPct", 10),
		tell(1, "certification.expired", "userId", "u1"),
	)
	if d.Len() != 0 || len(d.items) != 0 {
		t.Errorf("%d people, %d items", d.Len(), len(d.items))
	}
	for _, v := range []any{-1, 100.1, 101, math.NaN(), math.Inf(1), "50", nil, true, event.BadNumber("1e400")} {
		e := tell(1, "module.progress", "userId", "u1", "moduleId", "m1", "moduleName", long, "progressPct", v, "timeSpentSec", 60)
		d.Learn(e.event, e.at)
	}
	if _, known := d.As(nil, t0).Progress("u1", "m1"); known {
		t.Error("an absurd progress is known")
	}
	if got := d.Leaderboard(Query{By: ByTime}); len(got) != 1 || got[0].Value != 60 || d.items[0].name.text != "" {
		t.Errorf("%+v, %d bytes of name", got, len(d.items[0].name.text))
	}
	number := tell(2, "user.provisioned", "userId", 4711, "email", "x@example.com", "role", 7.5)
	d.Learn(number.event, number.at)
	if p, ok := d.Person("4711"); !ok || p.Email != "x@example.com" || p.Role != "" {
		t.Errorf("%+v, %v", p, ok)
	}
}

func TestLearn_keepsTheSmallestOfTooManyItems(t *testing.T) {
	var events []told
	for i := range MaxItems + 200 {
		events = append(events, tell(i, "module.progress", "userId", "u1", "moduleId", fmt.Sprintf("m%06d", i), "progressPct", 1))
	}
	forwards := dumped(directory(events...))
	slices.Reverse(events)
	backwards := dumped(directory(append(events, events[:300]...)...))
	if len(forwards.Rows) != MaxItems {
		t.Errorf("%d rows", len(forwards.Rows))
	}
	if diff := gocmp.Diff(forwards, backwards); diff != "" {
		t.Error(diff)
	}
}

func TestForget_makesAPersonUnknown(t *testing.T) {
	event := tell(1, "quiz.submitted", "userId", "u1", "quizId", "q1", "score", 90)
	d := directory(event, tell(1, "quiz.submitted", "userId", "u2", "quizId", "q1", "score", 80))
	d.detach("u1")
	d.detach("nobody")
	if _, ok := d.Person("u1"); ok {
		t.Error("u1 is known")
	}
	if place, _ := d.As(nil, t0).Rank("u2", ByScore); place != 1 {
		t.Errorf("u2 is number %d", place)
	}
	if list := d.Leaderboard(Query{By: ByScore}); len(list) != 1 || list[0].ID != "u2" {
		t.Errorf("%+v", list)
	}
	d.Learn(event.event, event.at)
	if list := d.Leaderboard(Query{By: ByScore}); len(list) != 2 {
		t.Errorf("learnt anew: %+v", list)
	}
}

// someEvents draws events of few people and items within few minutes, so that
// they meet.
func someEvents(t *rapid.T) []told {
	one := rapid.Custom(func(t *rapid.T) told {
		pick := func(name string, from ...any) any { return rapid.SampledFrom(from).Draw(t, name) }
		data := map[string]any{
			"userId":       pick("user", "u1", "u2", "u3", 4, nil),
			"email":        pick("email", "a@x", "b@x", "", nil, 7),
			"role":         pick("role", "rep", "lead", nil),
			"teamId":       pick("team", "emea", "apac", nil),
			"progressPct":  pick("progress", 0, 10, 33.3, 99.9, 100, 101, nil),
			"timeSpentSec": pick("time", 0, 60, 0.1, 0.2, 3600, -1, nil),
			"score":        pick("score", 0, 0.1, 0.7, 61, 100, "x", nil),
			"passed":       pick("passed", true, false, nil),
			"completedAt":  pick("completed", "2026-02-01", "2030-01-01", "soon", nil),
		}
		for _, kind := range []string{"module", "course", "quiz"} {
			data[kind+"Id"] = pick(kind, "i1", "i2", "i3", nil)
			data[kind+"Name"] = pick(kind+" name", "One", "Two", nil)
		}
		eventType := pick("type", "user.provisioned", "user.deprovisioned", "module.progress", "course.completed", "quiz.submitted", "x").(string)
		return told{&event.Event{Type: eventType, Data: data}, t0.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "minute")) * time.Minute)}
	})
	return rapid.SliceOfN(one, 0, 25).Draw(t, "events")
}

// TestLearn_isCommutativeAndIdempotent folds the same events in order and in any
// other, some of them several times.
func TestLearn_isCommutativeAndIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := someEvents(t)
		want := dumped(directory(events...))
		shuffled := rapid.Permutation(events).Draw(t, "order")
		for range rapid.IntRange(0, 5).Draw(t, "repeats") {
			if len(events) > 0 {
				shuffled = append(shuffled, rapid.SampledFrom(events).Draw(t, "again"))
			}
		}
		got := dumped(directory(shuffled...))
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if len(got.Ranking["wrong"]) > 0 {
			t.Fatal(got.Ranking["wrong"])
		}
	})
}

// TestAs_isWhatLearningWouldMake compares a view with a directory that has
// learnt the event.
func TestAs_isWhatLearningWouldMake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := someEvents(t)
		if len(events) == 0 {
			return
		}
		last := events[len(events)-1]
		view := directory(events[:len(events)-1]...).As(last.event, last.at)
		learnt := directory(events...).As(nil, t0)
		for _, user := range []string{"u1", "u2", "u3", "4", "u9"} {
			got, gotOK := view.Person(user)
			want, wantOK := learnt.Person(user)
			if gotOK != wantOK || gotOK && got != want {
				t.Fatalf("%s is %+v, %v, want %+v, %v", user, got, gotOK, want, wantOK)
			}
			for _, module := range []string{"i1", "i2", "i3"} {
				got, gotOK := view.Progress(user, module)
				want, wantOK := learnt.Progress(user, module)
				if got != want || gotOK != wantOK {
					t.Fatalf("%s in %s: %v, %v, want %v, %v", user, module, got, gotOK, want, wantOK)
				}
			}
			for by := range allBy {
				got, gotOK := view.Rank(user, By(by))
				want, wantOK := learnt.Rank(user, By(by))
				if gotOK != wantOK || gotOK && got != want {
					t.Fatalf("%s by %s: %d, %v, want %d, %v", user, By(by), got, gotOK, want, wantOK)
				}
			}
		}
	})
}

func TestOrder_countsAsANaiveListDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o order
		var naive []amount
		value := rapid.Int64Range(0, 3000)
		for range rapid.IntRange(0, 3).Draw(t, "bursts") {
			for _, v := range rapid.SliceOfN(value, 0, 900).Draw(t, "inserted") {
				o.insert(v)
				naive = append(naive, v)
			}
			for range rapid.IntRange(0, len(naive)).Draw(t, "removed") {
				i := rapid.IntRange(0, len(naive)-1).Draw(t, "which")
				o.remove(naive[i])
				naive = slices.Delete(naive, i, i+1)
			}
			for range 20 {
				v := value.Draw(t, "asked")
				want := 0
				for _, n := range naive {
					if n > v {
						want++
					}
				}
				if got := o.above(v); got != want {
					t.Fatalf("%d values are above %d, want %d", got, v, want)
				}
			}
		}
		if !slices.IsSortedFunc(slices.Concat(o.chunks...), cmp.Compare[amount]) {
			t.Fatal("not sorted")
		}
	})
}

func TestParseBy_readsEveryMeasure(t *testing.T) {
	for by := range allBy {
		if got, err := ParseBy(By(by).String()); err != nil || got != By(by) {
			t.Errorf("%v, %v", got, err)
		}
	}
	if _, err := ParseBy("points"); err == nil || !strings.Contains(err.Error(), "progress, time, score, completions") {
		t.Errorf("error %v", err)
	}
}
