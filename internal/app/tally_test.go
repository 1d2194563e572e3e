package app

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"heed/engine"
	"heed/engine/record"
)

// Outcomes and effects of accepted events are counted by hour; of firings only
// the effects, since no event came.
func TestTallies_countByRuleHourAndOutcome(t *testing.T) {
	var counts tallies
	hour := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	rule := &engine.Rule{Name: "low"}
	decided := func(status record.Status, d engine.Decision) {
		d.Rule = rule
		counts.add(&record.Event{Type: "quiz.submitted", Status: status, ReceivedAt: hour.Add(59 * time.Minute)}, []engine.Decision{d})
	}
	decided(record.Accepted, engine.Decision{Outcome: engine.Matched, Effects: []record.Effect{{Effect: record.Throttled}}})
	decided(record.Accepted, engine.Decision{Outcome: engine.NotMatched})
	decided(record.Accepted, engine.Decision{Outcome: engine.Unknown, Reason: "data.score is missing"})
	decided(record.Timed, engine.Decision{Outcome: engine.Matched, Effects: []record.Effect{{Effect: record.Sent}}})
	counts.gaveUp("low", hour.Add(time.Minute))
	want := []record.Tally{
		{Hour: hour, Outcome: "quiz.submitted", N: 3},
		{Rule: "low", Hour: hour, Outcome: "given_up", N: 1},
		{Rule: "low", Hour: hour, Outcome: "matched", N: 1},
		{Rule: "low", Hour: hour, Outcome: "sent", N: 1},
		{Rule: "low", Hour: hour, Outcome: "throttled", N: 1},
		{Rule: "low", Hour: hour, Outcome: "unknown", N: 1},
		{Rule: "low", Hour: hour, Outcome: "unknown: data.score is missing", N: 1},
	}
	got := counts.take()
	slices.SortFunc(got, func(a, b record.Tally) int {
		return cmp.Or(strings.Compare(a.Rule, b.Rule), strings.Compare(a.Outcome, b.Outcome))
	})
	if diff := diff.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if again := counts.take(); len(again) != 0 {
		t.Errorf("taken twice: %v", again)
	}
}

// Senders can invent types: beyond a bound new ones are not counted, known ones are.
func TestTallies_areBounded(t *testing.T) {
	var counts tallies
	for i := range maxTallies + 10 {
		counts.add(&record.Event{Type: fmt.Sprint("type ", i), Status: record.Accepted}, nil)
	}
	counts.add(&record.Event{Type: "type 0", Status: record.Accepted}, nil)
	list := counts.take()
	most := 0
	for _, tally := range list {
		most = max(most, tally.N)
	}
	if len(list) != maxTallies || most != 2 {
		t.Errorf("%d counts, at most %d", len(list), most)
	}
}
