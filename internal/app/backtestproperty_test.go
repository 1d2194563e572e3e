package app

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heed/engine"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/internal/store"
)

// shapes are what a random rule does beside its condition. PER and SPAN are for its
// values.
var shapes = []string{
	"",
	"count: {at_least: 2, within: SPAN, per: PER}",
	"count: {at_least: 3, within: SPAN, per: PER, reset: data.score > 90}, quiet_hours: {use: night, during: hold}",
	"wait: {after: SPAN, per: PER, unless: {on: quiz.submitted, when: data.score > 80}}",
	"wait: {per: PER, again: restart, steps: [{after: SPAN}, {after: 5d, at: '09:00'}]}, quiet_hours: {use: night, during: hold}",
	"wait: {after: SPAN, per: PER}, digest: {every: weekday, at: '09:00'}",
	"digest: {every: day, at: '09:00', per: PER, one_per: data.userId}",
	"quiet_hours: {use: night, during: hold}",
	"quiet_hours: {use: night, during: drop}, throttle: {at_most: 2, within: SPAN, per: PER}",
	"throttle: {at_most: 1, every: day, per: PER}",
	"throttle: {at_most: 2, within: SPAN, rest: [{action: note, text: '{{ total }} more'}]}",
}

var (
	pers  = []string{"data.userId", "data.quizId", "[data.userId, data.quizId]"}
	spans = []string{"5h", "26h", "3d"}
)

// randomRule is a rule that edits change.
type randomRule struct {
	name, was, shape, per, span string
	below                       int
	shadow                      bool
	// edited says that its state is not what it would be had it always been so.
	edited bool
}

func drawRule(t *rapid.T, name string) randomRule {
	return randomRule{
		name: name, shape: rapid.SampledFrom(shapes).Draw(t, "shape"), per: rapid.SampledFrom(pers).Draw(t, "per"),
		span: rapid.SampledFrom(spans).Draw(t, "span"), below: rapid.IntRange(2, 10).Draw(t, "below") * 10,
		shadow: rapid.IntRange(0, 4).Draw(t, "shadow") == 0,
	}
}

// edit changes one thing of the rule.
func (r *randomRule) edit(t *rapid.T, n int) {
	before := *r
	r.was = ""
	switch what := rapid.SampledFrom([]string{"rename", "threshold", "per", "span", "live"}).Draw(t, "edit"); what {
	case "rename":
		r.was, r.name = r.name, fmt.Sprintf("%s-%d", strings.Split(r.name, "-")[0], n)
		return
	case "threshold":
		r.below = rapid.IntRange(2, 10).Draw(t, "below") * 10
	case "per":
		r.per = rapid.SampledFrom(pers).Draw(t, "per")
	case "span":
		r.span = rapid.SampledFrom(spans).Draw(t, "span")
	case "live":
		r.shadow = false
	}
	r.edited = r.edited || r.timed() && r.text() != before.text()
}

func (r *randomRule) timed() bool { return r.shape != "" }

// text is the rule without its name.
func (r *randomRule) text() string {
	fields := []string{"on: quiz.submitted", fmt.Sprintf("when: data.score < %d", r.below)}
	if r.shadow {
		fields = append(fields, "mode: shadow")
	}
	if r.shape != "" {
		fields = append(fields, strings.NewReplacer("PER", r.per, "SPAN", r.span).Replace(r.shape))
	}
	return strings.Join(append(fields, "do: [{action: note, text: '{{ now }}'}]"), ", ")
}

func (r *randomRule) yaml() string {
	name := "name: " + r.name
	if r.was != "" {
		name += ", was: " + r.was
	}
	return "- {" + name + ", " + r.text() + "}\n"
}

// history is a store with what random rules made of random events.
type history struct {
	t     *rapid.T
	dir   string
	db    *store.DB
	line  *ruletest.Timeline
	now   time.Time
	n     int // things that happened: each has a microsecond of its own
	rules []randomRule
	spans []span
	late  bool // something was due while heed did not run, or had just started
	// started is when heed was started last.
	started time.Time
}

// span is a time in which one set of rules was active.
type span struct {
	since time.Time
	rules *engine.RuleSet
	of    []randomRule
	late  bool
}

func newHistory(t *rapid.T, dir string) *history {
	h := &history{t: t, dir: dir, now: monday}
	for i := range rapid.IntRange(1, 4).Draw(t, "rules") {
		h.rules = append(h.rules, drawRule(t, fmt.Sprint("rule", i)))
	}
	h.open()
	rules := h.activate()
	h.run(rules, h.now)
	h.begin(rules)
	return h
}

func (h *history) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) open() {
	db, err := store.Open(h.t.Context(), store.Options{Dir: h.dir})
	h.check(err)
	h.db = db
}

func (h *history) close() { h.check(h.db.Close()) }

// activate makes the rules active, as a start and a reload do, and returns them.
func (h *history) activate() *engine.RuleSet {
	text := "timezone: Asia/Kolkata\nquiet_hours: {night: [{from: '20:00', to: '08:00'}]}\nactions: {note: {log: {}}}\nrules:\n"
	for i := range h.rules {
		text += h.rules[i].yaml()
	}
	loaded, problems := Compiler(os.LookupEnv).Compile(rulefile.NewSnapshot([]rulefile.File{{Name: "rules.yaml", Text: []byte(text)}}))
	if loaded == nil {
		h.t.Fatal(problems)
	}
	app := &App{Options: Options{MaxAge: DefaultMaxAge, Log: slog.New(slog.DiscardHandler)}, store: h.db}
	h.check(app.activateState(h.t.Context(), loaded, h.now))
	return loaded.Rules
}

// run runs the rules from a time on.
func (h *history) run(rules *engine.RuleSet, from time.Time) {
	line, err := ruletest.NewTimeline(rules, from, h.db)
	h.check(err)
	h.line = line
}

// tick lets time pass, at most for some hours. No two things happen at one time.
func (h *history) tick(hours int) {
	h.n++
	minutes := rapid.IntRange(1, hours*60).Draw(h.t, "minutes")
	h.now = h.now.Truncate(time.Second).Add(time.Duration(minutes)*time.Minute + time.Duration(h.n)*time.Microsecond)
}

// step is one thing that happens.
func (h *history) step() {
	h.tick(24)
	switch what := rapid.IntRange(0, 11).Draw(h.t, "what"); what {
	case 0:
		h.check(h.line.Advance(h.t.Context(), h.now))
		h.reload()
	case 1, 2:
		h.check(h.line.Advance(h.t.Context(), h.now))
		h.restart(what == 2)
	default:
		h.event()
	}
}

// settle is how long after a start waits are left alone that were due before it.
const settle = 15 * time.Minute

// beLate notes that firings are late in this span, which the state of all that follow
// can depend on.
func (h *history) beLate() {
	h.late = true
	h.spans[len(h.spans)-1].late = true
}

func (h *history) event() {
	late := time.Duration(rapid.IntRange(0, 7*60).Draw(h.t, "late")) * time.Minute
	if h.now.Before(h.started.Add(settle)) && h.now.Add(-late).Before(h.started) {
		h.beLate() // what it starts may have been due before
	}
	body := fmt.Appendf(nil, `{"event":"quiz.submitted","data":{"userId":"u%d","quizId":"q%d","score":%d}}`,
		rapid.IntRange(1, 3).Draw(h.t, "user"), rapid.IntRange(1, 2).Draw(h.t, "quiz"), rapid.IntRange(0, 100).Draw(h.t, "score"))
	h.check(h.line.Run(h.t.Context(), []rulefile.Given{{ID: fmt.Sprint("e", h.n), At: h.now.Add(-late), Arrives: late, Body: body}}))
}

// reload edits a rule.
func (h *history) reload() {
	for i := range h.rules {
		h.rules[i].was = ""
	}
	h.rules[rapid.IntRange(0, len(h.rules)-1).Draw(h.t, "rule")].edit(h.t, h.n)
	rules := h.activate()
	h.run(rules, h.now)
	h.begin(rules)
}

// begin begins a span.
func (h *history) begin(rules *engine.RuleSet) {
	h.spans = append(h.spans, span{h.now, rules, slices.Clone(h.rules), h.late})
}

// restart closes and opens the store, with new intake and timers, at once or after
// some time.
func (h *history) restart(down bool) {
	h.close()
	h.open()
	stopped := h.now
	if down {
		h.tick(2)
	}
	rules := h.activate()
	due, _, err := h.db.DueRows(h.t.Context(), intake.DueQuery{Now: h.now, Limit: 1, Scopes: rules.Scopes()})
	h.check(err)
	if len(due) > 0 {
		h.beLate()
	}
	h.started = h.now
	h.run(rules, stopped)
	h.check(h.line.Run(h.t.Context(), []rulefile.Given{{At: stopped, Down: h.now.Sub(stopped)}}))
}

// figures are what a rule did in a span.
type figures struct {
	Alerts, Unknown, Errors int
	Suppressed, PerDay      map[string]int
}

// recorded are the figures that the store tells. Days are those of the rules with
// time or, without any, in UTC.
func (h *history) recorded(of []randomRule, since, until time.Time) map[string]figures {
	events, err := h.db.Events(h.t.Context(), record.EventFilter{Since: since, Until: until})
	h.check(err)
	zone := time.UTC
	if slices.ContainsFunc(of, func(r randomRule) bool { return r.timed() }) {
		zone, err = time.LoadLocation("Asia/Kolkata")
		h.check(err)
	}
	all := map[string]figures{}
	for _, e := range events {
		deliveries, _, err := h.db.Deliveries(h.t.Context(), record.DeliveryFilter{EventSeq: e.Seq})
		h.check(err)
		for _, d := range e.Decisions {
			if len(d.Effects) > 0 && (d.Effects[0].Reason == record.Edited || d.Effects[0].Reason == record.Removed) {
				continue // that was an edit
			}
			f, ok := all[d.Rule]
			if !ok {
				f = figures{Suppressed: map[string]int{}, PerDay: map[string]int{}}
			}
			sent := slices.ContainsFunc(deliveries, func(row record.Delivery) bool { return row.Rule == d.Rule })
			for _, effect := range d.Effects {
				if record.Suppressed(effect.Effect) {
					f.Suppressed[effect.Effect]++
				}
				sent = sent || d.Mode == engine.ModeShadow && effect.Effect == record.Sent
			}
			if sent || d.Mode == engine.ModeShadow && d.Outcome == string(engine.Matched) && len(d.Effects) == 0 {
				f.Alerts++
				f.PerDay[e.ReceivedAt.In(zone).Format(time.DateOnly)]++
			}
			all[d.Rule] = f
		}
	}
	return all
}

// backtested are the figures that a backtest finds, and what it says it cannot know.
func (h *history) backtested(rules *engine.RuleSet, since, until time.Time) (map[string]figures, []string) {
	result, err := Backtest(h.t.Context(), h.db, BacktestOptions{Rules: rules, Since: since, Until: until})
	h.check(err)
	all := map[string]figures{}
	for _, r := range result.Rules {
		f := figures{r.Alerts, r.Unknown, r.Errors, r.Suppressed, map[string]int{}}
		for _, day := range r.PerDay {
			f.PerDay[day.Day] = day.Alerts
		}
		all[r.Rule] = f
	}
	return all, result.Notes
}

// By the rules that were active, a backtest finds the alerts and the effects that
// were recorded, over restarts and reloads. What it cannot know it says: the state
// that other rules left, and what was late since heed did not run.
func TestBacktest_reproducesWhatWasRecordedOverRestartsAndReloads(t *testing.T) {
	if underRace {
		t.Skip("slow under the race detector; other tests cover what runs concurrently")
	}
	compared := map[bool]int{} // alerts, by whether the rule has state
	runs, unlike := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		h := newHistory(rt, t.TempDir())
		defer h.close()
		for range rapid.IntRange(8, 24).Draw(rt, "steps") {
			h.step()
		}
		h.tick(4 * 24)
		h.check(h.line.Advance(rt.Context(), h.now))
		for i, s := range h.spans {
			until := h.now
			if i+1 < len(h.spans) {
				until = h.spans[i+1].since
			}
			want := h.recorded(s.of, s.since, until)
			got, notes := h.backtested(s.rules, s.since, until)
			said := func(text string) bool {
				return slices.ContainsFunc(notes, func(note string) bool { return strings.Contains(note, text) })
			}
			if i == 0 && said("rules of then") {
				rt.Errorf("no other rules were active before %s: %q", until, notes)
			}
			for _, rule := range s.of {
				empty := figures{Suppressed: map[string]int{}, PerDay: map[string]int{}}
				if _, ok := want[rule.name]; !ok {
					want[rule.name] = empty
				}
				diff := cmp.Diff(want[rule.name], got[rule.name])
				switch {
				case diff == "":
				case rule.edited && said("rules of then"), s.late && rule.timed() && said("while heed did not run"):
					unlike++
					continue
				default:
					rt.Errorf("span %d, from %s to %s: %s (-recorded +backtest)\n%s%q", i, s.since, until, rule.yaml(), diff, notes)
				}
				compared[rule.timed()] += got[rule.name].Alerts
			}
		}
	})
	if compared[true] < 2*runs || 2*compared[false] < runs || runs >= 50 && unlike == 0 {
		t.Errorf("in %d runs only %v alerts were compared, %d results are said to be unlike", runs, compared, unlike)
	}
}
