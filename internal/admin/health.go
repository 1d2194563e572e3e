package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"heed/engine"
	"heed/engine/record"
	"heed/internal/plain"
)

// RuleStats are the figures of a rule.
type RuleStats struct {
	Rule string `json:"rule"`
	// Day and Week count outcomes and effects of the last 24 hours and 7 days;
	// events is how many events of the rule's types came.
	Day  map[string]int `json:"24h"`
	Week map[string]int `json:"7d"`
	// LastMatch is about when the rule matched last, to the hour.
	LastMatch time.Time `json:"last_match,omitzero"`
	// Health lists what is odd about the rule; empty if nothing is.
	Health []Oddity `json:"health"`
}

// Oddity is something that is odd about a rule.
type Oddity struct {
	// Problem is one of the constants below, which programs rely on.
	Problem string `json:"problem"`
	Text    string `json:"text"`
}

// What is odd about a rule.
const (
	NoEvents      = "no_events"      // no event of its types comes
	NeverMatched  = "never_matched"  // though events come
	AlwaysMatches = "always_matches" // though it has a condition
	MostlyUnknown = "mostly_unknown"
	CannotDecide  = "errors"
	Surge         = "surge" // it matches far more often than before
	TooManyKeys   = "overflow"
	FailingTests  = "failing_tests"
	FailingAction = "failing_action"
)

// figures are the counts of all rules over some spans, and what else their health
// depends on.
type figures struct {
	day, week, month map[string]map[string]int
	last             map[string]time.Time
	failingTests     map[string]int       // by rule
	failing          map[string]time.Time // since when actions keep failing
}

// unknownReason starts the outcome that counts why a rule was unknown.
const unknownReason = "unknown: "

// lastSums are the tallies that were read last.
type lastSums struct {
	sync.Mutex
	at   time.Time
	sums []record.TallySum
}

// sums returns the tallies of the last 30 days, 7 days and day. They may be up to
// maxAge old, because reading the tallies of 300 rules takes a second.
func (s *Service) sums(ctx context.Context, maxAge time.Duration) ([]record.TallySum, error) {
	const day = 24 * time.Hour
	last, now := &s.lastSums, s.o.Now()
	last.Lock()
	defer last.Unlock()
	if !last.at.IsZero() && now.Sub(last.at) < maxAge {
		return last.sums, nil
	}
	sums, err := s.o.Store.Tallies(ctx, now.Add(-30*day), now.Add(-7*day), now.Add(-day))
	if err == nil {
		last.at, last.sums = now, sums
	}
	return sums, err
}

// figures reads the counts of the last month, or takes those that were read up to
// some time ago.
func (s *Service) figures(ctx context.Context, maxAge time.Duration) (f figures, err error) {
	sums, err := s.sums(ctx, maxAge)
	if err != nil {
		return f, err
	}
	if f.failing, err = s.o.Store.Failing(ctx); err != nil {
		return f, err
	}
	if s.o.FailingTests != nil {
		f.failingTests = s.o.FailingTests()
	}
	f.last = map[string]time.Time{}
	for i, into := range []*map[string]map[string]int{&f.month, &f.week, &f.day} {
		*into = map[string]map[string]int{}
		for _, sum := range sums {
			if sum.N[i] == 0 {
				continue
			}
			if (*into)[sum.Rule] == nil {
				(*into)[sum.Rule] = map[string]int{}
			}
			(*into)[sum.Rule][sum.Outcome] = sum.N[i]
		}
	}
	for _, sum := range sums {
		if sum.Outcome == string(engine.Matched) {
			f.last[sum.Rule] = sum.Last
		}
	}
	return f, nil
}

// stats returns the figures of one rule.
func (f *figures) stats(rule *engine.Rule) RuleStats {
	return RuleStats{
		Rule: rule.Name, Day: f.of(f.day, rule), Week: f.of(f.week, rule), LastMatch: f.last[rule.Name],
		Health: f.health(rule),
	}
}

// of returns the counts of a rule in a span, with the number of events of its types.
func (f *figures) of(span map[string]map[string]int, rule *engine.Rule) map[string]int {
	counts := map[string]int{"events": 0}
	for _, name := range rule.On {
		counts["events"] += span[""][name]
	}
	for outcome, n := range span[rule.Name] {
		if !strings.HasPrefix(outcome, unknownReason) {
			counts[outcome] = n
		}
	}
	return counts
}

// The limits from which on figures are odd.
const (
	fewEvents  = 20 // fewer say nothing about a share
	surge      = 10 // times the usual of a day
	surgeLeast = 20
)

// health says what is odd about a rule.
func (f *figures) health(rule *engine.Rule) []Oddity {
	h := &health{odd: []Oddity{}}
	f.ofMatches(h, rule)
	day, week := f.of(f.day, rule), f.of(f.week, rule)
	if n := day[string(engine.Errored)]; n > 0 {
		h.add(CannotDecide, "it could not be evaluated %d times in 24 hours", n)
	}
	today := day[string(engine.Matched)]
	if before := week[string(engine.Matched)] - today; before > 0 && today >= surgeLeast && today*6 >= surge*before {
		h.add(Surge, "it matched %d times in 24 hours, and %d times in the 6 days before", today, before)
	}
	if n := day[record.Overflow]; n > 0 {
		h.add(TooManyKeys, "%d keys were not tracked, since there are too many", n)
	}
	if n := f.failingTests[rule.Name]; n > 0 {
		h.add(FailingTests, "%d of its tests fail: heed test shows them", n)
	}
	f.ofActions(h, rule)
	return h.odd
}

// health gathers what is odd about a rule.
type health struct{ odd []Oddity }

func (h *health) add(problem, format string, args ...any) {
	h.odd = append(h.odd, Oddity{problem, fmt.Sprintf(format, args...)})
}

// ofMatches says what is odd about how often a rule matched and was unknown.
func (f *figures) ofMatches(h *health, rule *engine.Rule) {
	month := f.of(f.month, rule)
	events, matched, unknown := month["events"], month[string(engine.Matched)], month[string(engine.Unknown)]
	switch {
	case f.allEvents() < fewEvents: // heed is new, or nothing comes: no rule's fault
	case events == 0:
		h.add(NoEvents, "no event of its types came in 30 days")
	case matched == 0 && events >= fewEvents:
		h.add(NeverMatched, "it never matched in 30 days")
	case matched >= events && events >= fewEvents && rule.Condition.Text != "":
		h.add(AlwaysMatches, "it always matches: is the condition needed?")
	}
	if unknown*2 > events && events >= fewEvents {
		h.add(MostlyUnknown, "it is unknown for %d of %d events, mostly since %s", unknown, events, f.mainReason(rule))
	}
}

// ofActions says whether what a rule sends arrives.
func (f *figures) ofActions(h *health, rule *engine.Rule) {
	if n := f.day[rule.Name][record.GivenUp]; n > 0 {
		h.add(FailingAction, "%s given up in 24 hours: heed deliveries list --state dead --rule %s shows why",
			plain.Were(n, "delivery"), rule.Name)
	}
	if rule.Shadow {
		return
	}
	for _, name := range rule.ActionNames() {
		if since, ok := f.failing[name]; ok {
			h.add(FailingAction, "its action %s has been failing since %s: heed deliveries list --action %s shows how",
				name, since.UTC().Format("2006-01-02 15:04Z"), name)
		}
	}
}

// allEvents returns how many events came in during the last month.
func (f *figures) allEvents() (n int) {
	for _, of := range f.month[""] {
		n += of
	}
	return n
}

// mainReason returns the most frequent reason why the rule was unknown.
func (f *figures) mainReason(rule *engine.Rule) (reason string) {
	most := 0
	for outcome, n := range f.month[rule.Name] {
		text, is := strings.CutPrefix(outcome, unknownReason)
		if is && (n > most || n == most && text < reason) {
			reason, most = text, n
		}
	}
	return reason
}

// RuleStats returns the figures of one active rule.
func (s *Service) RuleStats(ctx context.Context, name string) (*RuleStats, error) {
	if s.o.Rules == nil {
		return nil, errNoServer
	}
	rule := s.o.Rules().Rule(name)
	if rule == nil {
		return nil, errorf(NotFound, "there is no rule %q", name)
	}
	f, err := s.figures(ctx, 0)
	if err != nil {
		return nil, err
	}
	st := f.stats(rule)
	return &st, nil
}

// healthAge is how old the counts for Health may be: they cover a month, and Health
// is asked for often.
const healthAge = time.Minute

// Health describes what is odd about the active rules, by rule. Each description occurs
// once.
func (s *Service) Health(ctx context.Context) (map[string][]string, error) {
	if s.o.Rules == nil {
		return nil, errNoServer
	}
	f, err := s.figures(ctx, healthAge)
	if err != nil {
		return nil, err
	}
	problems := map[string][]string{}
	for _, rule := range s.o.Rules().Rules() {
		for _, odd := range f.health(rule) {
			if !slices.Contains(problems[rule.Name], odd.Problem) {
				problems[rule.Name] = append(problems[rule.Name], odd.Problem)
			}
		}
	}
	return problems, nil
}
