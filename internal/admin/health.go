package admin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/record"
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
	// Health is what is odd about the rule; empty if nothing is.
	Health []string `json:"health"`
}

// figures are the counts of all rules over some spans.
type figures struct {
	day, week, month map[string]map[string]int
	last             map[string]time.Time
}

// unknownReason starts the outcome that counts why a rule was unknown.
const unknownReason = "unknown: "

// figures reads the counts of the last month.
func (s *Service) figures(ctx context.Context) (f figures, err error) {
	now := s.o.Now()
	for _, span := range []struct {
		into *map[string]map[string]int
		days int
	}{{&f.day, 1}, {&f.week, 7}, {&f.month, 30}} {
		tallies, err := s.o.Store.Tallies(ctx, now.Add(-time.Duration(span.days)*24*time.Hour))
		if err != nil {
			return f, err
		}
		counts := map[string]map[string]int{}
		for _, t := range tallies {
			if counts[t.Rule] == nil {
				counts[t.Rule] = map[string]int{}
			}
			counts[t.Rule][t.Outcome] += t.N
			if span.days == 30 && t.Outcome == string(engine.Matched) {
				if f.last == nil {
					f.last = map[string]time.Time{}
				}
				f.last[t.Rule] = t.Hour
			}
		}
		*span.into = counts
	}
	return f, nil
}

// stats are the figures of one rule.
func (f *figures) stats(rule *engine.Rule, failing map[string]int) RuleStats {
	st := RuleStats{
		Rule: rule.Name, Day: f.of(f.day, rule), Week: f.of(f.week, rule), LastMatch: f.last[rule.Name],
		Health: f.health(rule),
	}
	if n := failing[rule.Name]; n > 0 {
		st.Health = append(st.Health, fmt.Sprintf("%d of its tests fail: heed test shows them", n))
	}
	return st
}

// of are a rule's counts in a span, with the number of events of its types.
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

// When figures are odd.
const (
	fewEvents  = 20 // fewer say nothing about a share
	surge      = 10 // times the usual of a day
	surgeLeast = 20
)

// health says what is odd about a rule.
func (f *figures) health(rule *engine.Rule) []string {
	odd := []string{}
	month, day, week := f.of(f.month, rule), f.of(f.day, rule), f.of(f.week, rule)
	events, matched, unknown := month["events"], month[string(engine.Matched)], month[string(engine.Unknown)]
	switch {
	case f.allEvents() < fewEvents: // heed is new, or nothing comes: no rule's fault
	case events == 0:
		odd = append(odd, "no event of its types came in 30 days")
	case matched == 0 && events >= fewEvents:
		odd = append(odd, "it never matched in 30 days")
	case matched >= events && events >= fewEvents && rule.Condition.Text != "":
		odd = append(odd, "it always matches: is the condition needed?")
	}
	if unknown*2 > events && events >= fewEvents {
		odd = append(odd, fmt.Sprintf("it is unknown for %d of %d events, mostly since %s", unknown, events, f.mainReason(rule)))
	}
	if n := day[string(engine.Errored)]; n > 0 {
		odd = append(odd, fmt.Sprintf("it could not be evaluated %d times in 24 hours", n))
	}
	today := day[string(engine.Matched)]
	if before := week[string(engine.Matched)] - today; before > 0 && today >= surgeLeast && today*6 >= surge*before {
		odd = append(odd, fmt.Sprintf("it matched %d times in 24 hours, and %d times in the 6 days before", today, before))
	}
	if n := day[record.Overflow]; n > 0 {
		odd = append(odd, fmt.Sprintf("%d keys were not tracked, since there are too many", n))
	}
	return odd
}

// allEvents is how many events came in the last month.
func (f *figures) allEvents() (n int) {
	for _, of := range f.month[""] {
		n += of
	}
	return n
}

// mainReason is why the rule was unknown most often.
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

// RuleStats are the figures of one active rule.
func (s *Service) RuleStats(ctx context.Context, name string) (*RuleStats, error) {
	if s.o.Rules == nil {
		return nil, errNoServer
	}
	rule := s.o.Rules().Rule(name)
	if rule == nil {
		return nil, errorf(NotFound, "there is no rule %q", name)
	}
	f, err := s.figures(ctx)
	if err != nil {
		return nil, err
	}
	st := f.stats(rule, s.failingTests())
	return &st, nil
}

// failingTests counts the tests of the active rules that fail.
func (s *Service) failingTests() map[string]int {
	if s.o.FailingTests == nil {
		return nil
	}
	return s.o.FailingTests()
}
