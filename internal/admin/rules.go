package admin

import (
	"context"
	"time"

	"heed/engine/document"
	"heed/engine/ruletest"
	"heed/engine/sentence"
)

// RuleList is the active rule set.
type RuleList struct {
	LastReload *LastReload `json:"last_reload,omitempty"`
	Rules      []Rule      `json:"rules"`
	// Version is the hash of the rules, as events have it.
	Version string `json:"version"`
}

// Rule is an active rule.
type Rule struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Sentence says in plain English what the rule does.
	Sentence string   `json:"sentence"`
	On       []string `json:"on"`
	When     string   `json:"when,omitempty"`
	Mode     string   `json:"mode"`
	Actions  []string `json:"actions"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	// Stats are the figures of the rule.
	Stats RuleStats `json:"stats"`
}

// LastReload is how the last attempt to load the rule files went: the current files
// are active, or why they are not.
type LastReload struct {
	OK       bool               `json:"ok"`
	At       time.Time          `json:"at"`
	Error    string             `json:"error,omitempty"`
	Problems []document.Problem `json:"problems"` // warnings too
}

// Rules lists the active rules of a running server.
func (s *Service) Rules(ctx context.Context) (RuleList, error) {
	if s.o.Rules == nil {
		return RuleList{}, errNoServer
	}
	set := s.o.Rules()
	list := RuleList{Version: set.Hash(), Rules: []Rule{}}
	f, err := s.figures(ctx, 0)
	if err != nil {
		return RuleList{}, err
	}
	for _, r := range set.Rules() {
		shown := Rule{
			Name: r.Name, Description: r.Description, Sentence: sentence.Of(r), On: r.On, When: r.Condition.Text,
			Mode: r.Mode(), Actions: orEmpty(r.ActionNames()), File: r.File, Line: r.Line, Stats: f.stats(r),
		}
		list.Rules = append(list.Rules, shown)
	}
	if s.o.LastReload != nil {
		list.LastReload = s.o.LastReload()
	}
	if last := list.LastReload; last != nil {
		last.Problems = orEmpty(last.Problems)
	}
	return list, nil
}

// Reload has a running server load its rules again, and returns the warnings. If the
// rules cannot be used, the old ones stay active, and the error is an *Error with the
// problems.
func (s *Service) Reload(ctx context.Context) ([]document.Problem, error) {
	if s.o.Reload == nil {
		return nil, errNoServer
	}
	problems, err := s.o.Reload(ctx)
	s.note(ctx, "reload rules", "", 0, err)
	if err != nil {
		return nil, &Error{Text: err.Error(), Problems: orEmpty(problems)}
	}
	return orEmpty(problems), nil
}

// maxDryRunEvents is how many events a dry run takes.
const maxDryRunEvents = 1000

// DryRun is what the rules would do, one result for each event, and what is wrong
// with the rules.
type DryRun struct {
	Problems []document.Problem `json:"problems"`
	Results  []ruletest.Result  `json:"results"`
}

// DryRun has a running server decide events by the rules of a text, or by the
// active ones if it is empty. Nothing is sent or stored.
func (s *Service) DryRun(ctx context.Context, rules string, events [][]byte) (DryRun, error) {
	if len(events) == 0 || len(events) > maxDryRunEvents {
		return DryRun{}, errorf(Invalid, "events is a list of 1 to %d events in the webhook's own format",
			maxDryRunEvents)
	}
	if s.o.DryRun == nil {
		return DryRun{}, errNoServer
	}
	results, problems, err := s.o.DryRun(ctx, rules, events)
	if err != nil {
		return DryRun{}, &Error{Text: err.Error(), Problems: orEmpty(problems)}
	}
	return DryRun{orEmpty(problems), results}, nil
}
