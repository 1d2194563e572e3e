package backtest

import (
	"slices"
	"time"

	"heed/engine"
	"heed/engine/expression"
	"heed/engine/record"
)

// unknowns records what cannot be known of the state that rules had.
type unknowns struct {
	timed   bool      // there are rules with state
	first   time.Time // when the first recorded event arrived
	partial bool      // there were events before it
	others  bool      // other rules decided some of the events
}

// begin records the first available event.
func (u *unknowns) begin(e *record.Event) {
	if u.first.IsZero() {
		u.first, u.partial = e.ReceivedAt, e.Seq > 1
	}
}

// decided records which rules decided an event or discarded state.
func (u *unknowns) decided(e *record.Event, sets []*engine.RuleSet) {
	u.others = u.others || (e.Status == record.Accepted || e.Status == record.Timed) &&
		!slices.ContainsFunc(sets, func(set *engine.RuleSet) bool { return set.Hash() == e.RuleSet })
}

func (u *unknowns) notes() (notes []string) {
	if !u.timed {
		return nil
	}
	if u.others {
		notes = append(notes, "counts, waits and limits are those that these rules would have had, not those of the "+
			"rules of then")
	}
	if u.partial {
		notes = append(notes, "what rules remember begins empty with the first event that is used, of "+
			u.first.UTC().Format(time.DateOnly))
	}
	return append(notes, "what was due is taken to be on time, also while heed did not run or had just started")
}

// notes returns what a backtest of the rules cannot know.
func notes(rules *engine.RuleSet) (notes []string) {
	asks := map[expression.Topic]bool{}
	for _, rule := range rules.Rules() {
		for _, q := range rule.Asks {
			asks[q.About] = true
		}
	}
	if asks[expression.AboutLookup] {
		notes = append(notes, "tables are as they are now, where an event does not record what was looked up")
	}
	if asks[expression.AboutUser] || asks[expression.AboutProgress] || asks[expression.AboutRank] {
		notes = append(notes, "people are what the recorded events tell: imports and deleted events are not known")
	}
	return append(notes, "mutes are not applied")
}
