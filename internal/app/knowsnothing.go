package app

import (
	"context"
	"slices"
	"time"

	"heed/engine"
	"heed/engine/expression"
	"heed/engine/people"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/state"
	"heed/internal/plain"
)

// warnOfUnknownPeople says that rules ask who users are while nobody is known:
// events tell of those alone who are provisioned after the webhook is.
func (a *App) warnOfUnknownPeople(ctx context.Context, loaded *rulefile.Loaded) {
	asking := asksWhoUsersAre(loaded)
	if asking == "" {
		return
	}
	known, err := a.people.List(ctx, people.Filter{Limit: 1})
	if err != nil || len(known) > 0 {
		return
	}
	a.Log.Warn("rules ask who users are, and nobody is known: import them with heed people import", "rule", asking)
}

// asksWhoUsersAre is a rule that asks who users are, unless tables tell it; empty if
// there is none.
func asksWhoUsersAre(loaded *rulefile.Loaded) string {
	for _, rule := range loaded.Rules.Rules() {
		if !loaded.TellsUsers && slices.Contains(rule.Asks, expression.Query{About: expression.AboutUser}) {
			return rule.Name
		}
	}
	return ""
}

// warnOfColdRules says which rules that send something once and never again were
// added at a time, after events for them had come: those do not count.
func (a *App) warnOfColdRules(ctx context.Context, rules *engine.RuleSet, added time.Time) {
	for _, rule := range rules.Rules() {
		if rule.Time == nil || rule.Time.Throttle == nil || !rule.Time.Throttle.Forever() {
			continue
		}
		since, err := a.store.ScopeSince(ctx, rule.Time.Scope(state.BlockThrottle))
		if err != nil || since.Before(added.Truncate(time.Microsecond)) { // as exactly as the store has it
			continue
		}
		came, err := a.store.Events(ctx, record.EventFilter{Types: rule.On, Status: record.Accepted, Limit: 1})
		if err == nil && len(came) > 0 {
			a.Log.Warn("a rule has sent nothing yet: what came before it does not count, so within: forever begins now",
				"rule", plain.Line(rule.Name))
		}
	}
}
