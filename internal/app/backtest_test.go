package app

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/engine/record"
	"heed/engine/rulefile"
)

const backtestedRules = `
- {name: plain, on: quiz.submitted, when: data.score < 50, do: [{action: note, text: "{{ data.userId }} {{ data.score }}"}]}
- {name: daily, on: quiz.submitted, when: data.score < 80, throttle: {per: data.userId, at_most: 1, every: day}, do: [{action: note, text: "{{ data.userId }}"}]}
- {name: three, on: quiz.submitted, when: data.score < 60, count: {at_least: 3, within: 2d, per: data.userId}, do: [{action: note, text: "{{ data.userId }} {{ total }}"}]}
- {name: wait, on: quiz.submitted, when: data.score < 60, wait: {after: 12h, per: data.userId, unless: {on: quiz.submitted, when: data.score > 90}}, do: [{action: note, text: "{{ data.userId }} {{ due }}"}]}
- {name: digest, on: quiz.submitted, when: data.score < 60, digest: {every: day, at: "09:00", one_per: data.userId}, do: [{action: note, text: "{{ total }}"}]}
- {name: night, on: quiz.submitted, when: data.score < 40, quiet_hours: {use: night}, do: [{action: note, text: "{{ data.userId }}"}]}
- {name: storm, on: quiz.submitted, throttle: {at_most: 5, within: 6h, rest: [{action: note, text: "{{ total }} more"}]}, do: [{action: note, text: "{{ data.userId }}"}]}
- {name: shadow, mode: shadow, on: quiz.submitted, when: data.score < 50, do: [{action: note, text: a}]}
`

// A backtest by the rules that were active finds what was recorded: the same
// alerts of each rule, and the same suppressions.
func TestBacktest_reproducesWhatWasRecorded(t *testing.T) {
	if underRace {
		t.Skip("slow under the race detector; other tests cover what runs concurrently")
	}
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			e := newEditing(t)
			e.rules(backtestedRules)
			var entries []rulefile.Given
			for i := range 300 {
				entries = append(entries, rulefile.Given{
					ID: fmt.Sprint("e", i), After: time.Duration(random.IntN(3600*2)) * time.Second,
					Body: fmt.Appendf(nil, `{"event":"quiz.submitted","data":{"userId":"u%d","score":%d}}`, random.IntN(8), random.IntN(101)),
				})
			}
			if err := e.line.Run(t.Context(), entries); err != nil {
				t.Fatal(err)
			}
			type counts struct {
				Alerts     int
				Suppressed map[string]int
			}
			want, got := map[string]counts{}, map[string]counts{}
			for _, r := range e.line.RuleSet().Names() {
				c := counts{Suppressed: map[string]int{}}
				for _, effect := range e.line.Effects(r) {
					if record.Suppressed(effect.Effect) {
						c.Suppressed[effect.Effect]++
					}
				}
				c.Alerts = len(e.line.Alerts(r))
				want[r] = c
			}
			result, err := Backtest(t.Context(), e.db, BacktestOptions{
				Rules: e.line.RuleSet(), Against: e.line.RuleSet(), Since: monday, Until: e.line.Now().Add(time.Second),
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range result.Rules {
				got[r.Rule] = counts{r.Alerts, r.Suppressed}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-recorded +backtest)\n%s", diff)
			}
			if d := result.Diff; d.Added+d.Removed+d.Changed != 0 || d.Same == 0 || result.Events != 300 {
				t.Errorf("%d events; the same rules differ: %+v", result.Events, *d)
			}
		})
	}
}

// Stricter rules: the alerts that go are listed, each with its reason.
func TestBacktest_saysWhyAlertsGo(t *testing.T) {
	e := newEditing(t)
	e.rules(`
- {name: low, on: quiz.submitted, when: data.score < 70, do: [{action: note, text: "{{ data.userId }}"}]}
- {name: gone, on: quiz.submitted, do: [{action: note, text: a}]}
`)
	e.event(`{"userId":"u1","score":61}`)
	e.pass(time.Hour)
	e.event(`{"userId":"u1","score":40}`)
	e.pass(time.Hour)
	e.event(`{"userId":"u1","score":30}`)
	old, until := e.line.RuleSet(), e.now.Add(time.Hour)
	e.rules(`
- {name: low, on: quiz.submitted, when: data.score < 60, throttle: {per: data.userId, at_most: 1, every: day}, do: [{action: note, text: "{{ data.userId }}"}]}
- {name: new, on: quiz.submitted, when: data.score < 35, do: [{action: note, text: a}]}
`)
	result, err := Backtest(t.Context(), e.db, BacktestOptions{Rules: e.line.RuleSet(), Against: old, Since: monday, Until: until})
	if err != nil {
		t.Fatal(err)
	}
	var samples []string
	for _, s := range result.Diff.Samples {
		samples = append(samples, s.Change+" "+s.Rule+" "+s.EventID+": "+s.Why)
	}
	want := []string{
		"added new e3: the old rules have no rule new",
		"removed gone e1: the new rules have no rule gone",
		"removed low e1: data.score < 60 is false, data.score is 61",
		"removed gone e2: the new rules have no rule gone",
		"removed gone e3: the new rules have no rule gone",
		"removed low e3: the new rules: throttled: 1 of 1 today (UTC)",
	}
	if diff := cmp.Diff(want, samples); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What it cannot know of the state that rules had it says, and only where there is
// something.
func TestBacktest_saysWhatItCannotKnowOfState(t *testing.T) {
	const (
		mutes  = "mutes are not applied"
		others = "counts, waits and limits are those that these rules would have had, not those of the rules of then"
		late   = "what was due is taken to be on time, also while heed did not run or had just started"
		empty  = "what rules remember begins empty with the first event that is used, of 2026-03-11"
	)
	e := newEditing(t)
	notes := func(o BacktestOptions, want ...string) {
		t.Helper()
		o.Rules, o.Since, o.Until = e.line.RuleSet(), e.now.Add(-time.Hour), e.now.Add(time.Hour)
		result, err := Backtest(t.Context(), e.db, o)
		if diff := cmp.Diff(want, result.Notes); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	}
	e.rules(`- {name: low, on: quiz.submitted, do: [{action: note, text: a}]}`)
	e.event(fail)
	notes(BacktestOptions{}, mutes)
	e.rules(fmt.Sprintf(limitRule, 1, "5h"))
	notes(BacktestOptions{}, mutes, others, late)
	e.pass(9 * 24 * time.Hour)
	e.event(fail)
	notes(BacktestOptions{}, mutes, others, late)
	notes(BacktestOptions{Quick: true}, mutes, empty, late)
}

// An interrupted backtest says what is known by then, also if that is nothing yet
// and rules were due on the way.
func TestBacktest_interruptedSaysHowFarItGot(t *testing.T) {
	e := newEditing(t)
	e.rules(`- {name: wait, on: quiz.submitted, wait: {after: 1h, per: data.userId}, do: [{action: note, text: a}]}`)
	e.event(`{"userId":"u1","score":61}`)
	e.pass(2 * time.Hour)
	e.event(`{"userId":"u2","score":61}`)
	last := e.now
	for since, alerts := range map[time.Time]int{monday: 1, e.now.AddDate(1, 0, 0): 0} {
		ctx, interrupt := context.WithCancel(t.Context())
		interrupt()
		result, err := Backtest(ctx, e.db, BacktestOptions{
			Rules: e.line.RuleSet(), Against: e.line.RuleSet(), Since: since, Until: since.AddDate(2, 0, 0),
		})
		if err != nil {
			t.Fatal(err)
		}
		if !result.Stopped.Equal(last) || result.Rules[0].Alerts != alerts {
			t.Errorf("since %s: stopped at %s with %d alerts, want %s and %d", since, result.Stopped, result.Rules[0].Alerts,
				last, alerts)
		}
	}
}
