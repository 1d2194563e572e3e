package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/engine/record"
	"heed/internal/store/storetest"
)

// Counts of the same hour are added up, and old ones go.
func TestTallies_addUpAndArePruned(t *testing.T) {
	db, hour := openTemp(t), time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for _, list := range [][]record.Tally{
		{{Rule: "low", Hour: hour, Outcome: "matched", N: 2}, {Hour: hour, Outcome: "quiz.submitted", N: 5}},
		{{Rule: "low", Hour: hour, Outcome: "matched", N: 3}, {Rule: "low", Hour: hour.Add(time.Hour), Outcome: "matched", N: 1}},
	} {
		if err := db.AddTallies(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	check := func(since []time.Time, want ...record.TallySum) {
		t.Helper()
		got, err := db.Tallies(t.Context(), since...)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got, func(a, b record.TallySum) int { return len(a.Rule) - len(b.Rule) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("since %s (-want +got)\n%s", since, diff)
		}
	}
	next := hour.Add(time.Hour)
	check([]time.Time{hour, next},
		record.TallySum{Last: hour, Outcome: "quiz.submitted", N: []int{5, 0}},
		record.TallySum{Rule: "low", Last: next, Outcome: "matched", N: []int{6, 1}})
	check([]time.Time{next}, record.TallySum{Rule: "low", Last: next, Outcome: "matched", N: []int{1}})
	day := hour.Truncate(24 * time.Hour)
	for range 2 { // again changes nothing
		if err := db.pruneTallies(t.Context(), hour.Add(keepHours+24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		check([]time.Time{day},
			record.TallySum{Last: day, Outcome: "quiz.submitted", N: []int{5}},
			record.TallySum{Rule: "low", Last: day, Outcome: "matched", N: []int{6}})
	}
	if err := db.AddTallies(t.Context(), []record.Tally{{Rule: "low", Hour: next, Outcome: "matched", N: 2}}); err != nil {
		t.Fatal(err)
	}
	if err := db.pruneTallies(t.Context(), hour.Add(keepHours+24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	check([]time.Time{day},
		record.TallySum{Last: day, Outcome: "quiz.submitted", N: []int{5}},
		record.TallySum{Rule: "low", Last: day, Outcome: "matched", N: []int{8}})
	if err := db.pruneTallies(t.Context(), hour.Add(keepTallies+time.Hour)); err != nil {
		t.Fatal(err)
	}
	check([]time.Time{day})
}

// What a rule in shadow mode would have sent: matches of rules without time, and
// what was sent of those with it, since a time, each person once.
func TestShadowAlerts_countsWhatWouldHaveBeenSent(t *testing.T) {
	db, start := openTemp(t), time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for i, e := range []struct{ user, decision string }{
		{"u0", `{"rule": "trial", "mode": "shadow", "outcome": "matched"}`}, // before since
		{"u1", `{"rule": "trial", "mode": "shadow", "outcome": "matched"}`},
		{"u1", `{"rule": "trial", "mode": "shadow", "outcome": "matched", "effects": [{"effect": "sent"}]}`},
		{"u2", `{"rule": "trial", "mode": "shadow", "outcome": "matched", "effects": [{"effect": "throttled"}]}`},
		{"u3", `{"rule": "trial", "mode": "shadow", "outcome": "unknown"}`},
		{"u4", `{"rule": "trial", "outcome": "matched"}`},
		{"u5", `{"rule": "other", "mode": "shadow", "outcome": "matched"}`},
		{"u6", `{"rule": "trial", "mode": "shadow", "outcome": "matched"}`},
	} {
		var decision record.Decision
		if err := json.Unmarshal([]byte(e.decision), &decision); err != nil {
			t.Fatal(err)
		}
		row := event(fmt.Sprint("e", i))
		row.ReceivedAt = start.Add(time.Duration(i) * time.Hour)
		row.Body = fmt.Appendf(nil, `{"data": {"userId": %q}}`, e.user)
		row.Decisions = []record.Decision{decision}
		if _, err := storetest.Commit(t.Context(), db, row, nil); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.ShadowAlerts(t.Context(), "trial", start.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	want := record.ShadowAlerts{Alerts: 3, People: 2, First: start.Add(time.Hour), Last: start.Add(7 * time.Hour)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if none, err := db.ShadowAlerts(t.Context(), "nothing", start); err != nil || none != (record.ShadowAlerts{}) {
		t.Errorf("%+v, error %v", none, err)
	}
}

// A reader sees what the process that holds the store has committed.
func TestReader_readsAStoreThatIsHeld(t *testing.T) {
	dir := t.TempDir()
	db := openDir(t, dir)
	r, err := OpenReader(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, found, err := r.NewestRuleSet(t.Context()); found || err != nil {
		t.Errorf("found %v, error %v", found, err)
	}
	for i := range 3 {
		row := event(fmt.Sprint("e", i))
		row.ReceivedAt = row.ReceivedAt.Add(time.Duration(i) * 24 * time.Hour)
		if _, err := storetest.Commit(t.Context(), db, row, nil); err != nil {
			t.Fatal(err)
		}
	}
	seq, err := r.SeqBefore(t.Context(), event("").ReceivedAt.Add(24*time.Hour))
	if seq != 1 || err != nil {
		t.Errorf("before the second day: %d, error %v", seq, err)
	}
	if all, err := r.SeqBefore(t.Context(), event("").ReceivedAt.Add(99*24*time.Hour)); all != 3 || err != nil {
		t.Errorf("before a day of which there is nothing: %d, error %v", all, err)
	}
	var ids []string
	for after := seq; ; {
		events, err := r.EventsFrom(t.Context(), after, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) == 0 {
			break
		}
		after = events[0].Seq
		ids = append(ids, events[0].ID+" "+string(events[0].Body))
	}
	if diff := cmp.Diff([]string{"e1 body of e1", "e2 body of e2"}, ids); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if kept, err := r.Scopes(t.Context()); len(kept) != 0 || err != nil {
		t.Errorf("%v, error %v", kept, err)
	}
	for i, hash := range []string{"a", "b", "a"} { // an edit, and back
		at := time.Unix(int64(1e9+i), 0).UTC()
		if err := db.SaveRuleSet(t.Context(), record.RuleSet{Hash: hash, ActivatedAt: at}); err != nil {
			t.Fatal(err)
		}
		if set, found, err := r.NewestRuleSet(t.Context()); set.Hash != hash || !found || err != nil {
			t.Errorf("newest is %q, found %v, error %v; want %s", set.Hash, found, err, hash)
		}
	}
}

// There is nothing to read where there is no store.
func TestOpenReader_refusesADirectoryWithoutAStore(t *testing.T) {
	if _, err := OpenReader(t.Context(), Options{Dir: t.TempDir()}); err == nil {
		t.Error("no error")
	}
}
