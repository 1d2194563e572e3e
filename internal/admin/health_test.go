package admin

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/engine"
	"heed/engine/expression"
)

// What is odd about a rule is said, and nothing is where few events came.
func TestHealth_saysWhatIsOdd(t *testing.T) {
	type counts = map[string]int
	const on = "quiz.submitted"
	for name, tc := range map[string]struct {
		came             counts // by type, in the last month
		day, week, month counts
		want             []string
	}{
		"a fresh store":       {want: []string{}},
		"a first other event": {came: counts{"course.completed": 1}, want: []string{}},
		"a first event":       {came: counts{on: 1}, want: []string{}},
		"as it should be":     {came: counts{on: 100}, month: counts{"matched": 10}, want: []string{}},
		"no events":           {came: counts{"course.completed": 50}, want: []string{"no event of its types came in 30 days"}},
		"never":               {came: counts{on: 50}, want: []string{"it never matched in 30 days"}},
		"always":              {came: counts{on: 50}, month: counts{"matched": 50}, want: []string{"it always matches: is the condition needed?"}},
		"always, of few":      {came: counts{on: 19, "other": 9}, month: counts{"matched": 19}, want: []string{}},
		"half of it unknown":  {came: counts{on: 40}, month: counts{"matched": 1, "unknown": 20}, want: []string{}},
		"mostly unknown": {
			came:  counts{on: 40},
			month: counts{"matched": 1, "unknown": 30, "unknown: a": 10, "unknown: b is missing": 12, "unknown: c": 8},
			want:  []string{"it is unknown for 30 of 40 events, mostly since b is missing"},
		},
		"errors":    {came: counts{on: 40}, month: counts{"matched": 1}, day: counts{"error": 3}, want: []string{"it could not be evaluated 3 times in 24 hours"}},
		"surge":     {came: counts{on: 400}, month: counts{"matched": 36}, day: counts{"matched": 24}, week: counts{"matched": 36}, want: []string{"it matched 24 times in 24 hours, and 12 times in the 6 days before"}},
		"first day": {came: counts{on: 400}, month: counts{"matched": 36}, day: counts{"matched": 36}, week: counts{"matched": 36}, want: []string{}},
		"overflow":  {came: counts{on: 40}, month: counts{"matched": 1}, day: counts{"overflow": 2}, want: []string{"2 keys were not tracked, since there are too many"}},
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

// Failing tests are part of a rule's health; why it was unknown is none of its counts.
func TestStats_haveFailingTestsAndNoReasons(t *testing.T) {
	f := figures{day: map[string]map[string]int{"r": {"unknown": 2, "unknown: a": 2}}}
	st := f.stats(&engine.Rule{Name: "r", Condition: &expression.Condition{}}, map[string]int{"r": 2})
	if diff := cmp.Diff(map[string]int{"events": 0, "unknown": 2}, st.Day); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"2 of its tests fail: heed test shows them"}, st.Health); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
