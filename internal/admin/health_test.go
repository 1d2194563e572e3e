package admin

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
)

// What is odd about a rule is said, and nothing is where few events came.
func TestHealth_saysWhatIsOdd(t *testing.T) {
	type counts = map[string]int
	const on = "quiz.submitted"
	for name, tc := range map[string]struct {
		came             counts // by type, in the last month
		day, week, month counts
		want             []Oddity
	}{
		"a fresh store":       {want: []Oddity{}},
		"a first other event": {came: counts{"course.completed": 1}, want: []Oddity{}},
		"a first event":       {came: counts{on: 1}, want: []Oddity{}},
		"as it should be":     {came: counts{on: 100}, month: counts{"matched": 10}, want: []Oddity{}},
		"no events":           {came: counts{"course.completed": 50}, want: []Oddity{{NoEvents, "no event of its types came in 30 days"}}},
		"never":               {came: counts{on: 50}, want: []Oddity{{NeverMatched, "it never matched in 30 days"}}},
		"always":              {came: counts{on: 50}, month: counts{"matched": 50}, want: []Oddity{{AlwaysMatches, "it always matches: is the condition needed?"}}},
		"always, of few":      {came: counts{on: 19, "other": 9}, month: counts{"matched": 19}, want: []Oddity{}},
		"half of it unknown":  {came: counts{on: 40}, month: counts{"matched": 1, "unknown": 20}, want: []Oddity{}},
		"mostly unknown": {
			came:  counts{on: 40},
			month: counts{"matched": 1, "unknown": 30, "unknown: a": 10, "unknown: b is missing": 12, "unknown: c": 8},
			want:  []Oddity{{MostlyUnknown, "it is unknown for 30 of 40 events, mostly since b is missing"}},
		},
		"errors":    {came: counts{on: 40}, month: counts{"matched": 1}, day: counts{"error": 3}, want: []Oddity{{CannotDecide, "it could not be evaluated 3 times in 24 hours"}}},
		"surge":     {came: counts{on: 400}, month: counts{"matched": 36}, day: counts{"matched": 24}, week: counts{"matched": 36}, want: []Oddity{{Surge, "it matched 24 times in 24 hours, and 12 times in the 6 days before"}}},
		"first day": {came: counts{on: 400}, month: counts{"matched": 36}, day: counts{"matched": 36}, week: counts{"matched": 36}, want: []Oddity{}},
		"overflow":  {came: counts{on: 40}, month: counts{"matched": 1}, day: counts{"overflow": 2}, want: []Oddity{{TooManyKeys, "2 keys were not tracked, since there are too many"}}},
	} {
		t.Run(name, func(t *testing.T) {
			of := func(c counts) map[string]map[string]int { return map[string]map[string]int{"r": c, "": tc.came} }
			f := figures{day: of(tc.day), week: of(tc.week), month: of(tc.month)}
			if len(tc.came) == 0 {
				f.month = map[string]map[string]int{}
			}
			rule := &engine.Rule{Name: "r", On: []string{on}, Condition: &expression.Condition{Text: "data.score < 70"}}
			if diff := cmp.Diff(tc.want, f.health(rule)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Failing tests and actions are part of a rule's health, if the rule sends; why it
// was unknown is none of its counts.
func TestStats_haveWhatFailsAndNoReasons(t *testing.T) {
	f := figures{
		day:          map[string]map[string]int{"r": {"unknown": 2, "unknown: a": 2, record.GivenUp: 1}},
		failingTests: map[string]int{"r": 2},
		failing:      map[string]time.Time{"lms": time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), "other": {}},
	}
	rule := &engine.Rule{Name: "r", Condition: &expression.Condition{}, Steps: []engine.Step{{Action: "chat"}, {Action: "lms"}}}
	st := f.stats(rule)
	if diff := cmp.Diff(map[string]int{"events": 0, "unknown": 2, "given_up": 1}, st.Day); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want := []Oddity{
		{FailingTests, "2 of its tests fail: heed test shows them"},
		{FailingAction, "1 delivery was given up in 24 hours: heed deliveries list --state dead --rule r shows why"},
		{FailingAction, "its action lms has been failing since 2026-03-02 10:00Z: heed deliveries list --action lms shows how"},
	}
	if diff := cmp.Diff(want, st.Health); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if rule.Shadow = true; len(f.health(rule)) != 2 {
		t.Errorf("in shadow mode: %v", f.health(rule))
	}
}

// healthStore has the figures of a busy month.
type healthStore struct {
	Store
	tallies []record.TallySum
	reads   *int
}

func (s healthStore) Tallies(context.Context, ...time.Time) ([]record.TallySum, error) {
	if s.reads != nil {
		*s.reads++
	}
	return s.tallies, nil
}

func (s healthStore) Failing(context.Context) (map[string]time.Time, error) {
	return map[string]time.Time{"lms": {}}, nil
}

// The words for what is odd are those of the list, each once.
func TestHealth_isThatOfTheList(t *testing.T) {
	rules := []*engine.Rule{
		{Name: "fine", On: []string{"quiz.submitted"}, Condition: &expression.Condition{}},
		{Name: "odd", On: []string{"quiz.submitted"}, Condition: &expression.Condition{}, Steps: []engine.Step{{Action: "lms"}}},
	}
	set := engine.NewRuleSet("", event.Standard(), nil, rules)
	s := New(Options{
		Store: healthStore{tallies: []record.TallySum{
			{Outcome: "quiz.submitted", N: []int{50, 50, 0}},
			{Rule: "fine", Outcome: "matched", N: []int{10, 10, 0}},
			{Rule: "odd", Outcome: record.GivenUp, N: []int{1, 1, 1}},
		}},
		Rules: func() *engine.RuleSet { return set }, Now: time.Now,
	})
	problems, err := s.Health(t.Context())
	if diff := cmp.Diff(map[string][]string{"odd": {NeverMatched, FailingAction}}, problems); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	st, err := s.RuleStats(t.Context(), "odd")
	if err != nil || len(st.Health) != 3 {
		t.Errorf("%v: %+v", err, st)
	}
}

// The figures of a month are not read each time that the metrics are.
func TestHealth_readsCountsOnceAMinute(t *testing.T) {
	set, now, reads := engine.NewRuleSet("", event.Standard(), nil, nil), time.Now(), 0
	s := New(Options{
		Store: healthStore{reads: &reads}, Rules: func() *engine.RuleSet { return set }, Now: func() time.Time { return now },
	})
	for _, want := range []int{1, 1, 1, 1, 2} {
		if _, err := s.Health(t.Context()); err != nil || reads != want {
			t.Errorf("%s: %v, read %d times, want %d", now, err, reads, want)
		}
		now = now.Add(15 * time.Second)
	}
}
