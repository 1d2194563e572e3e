package app

import (
	"context"
	"slices"

	"heed/engine/expression"
	"heed/engine/people"
)

// warnOfUnknownPeople says that rules ask who users are while nobody is known:
// events tell of those alone who are provisioned after the webhook is.
func (a *App) warnOfUnknownPeople(ctx context.Context) {
	loaded := a.watcher.Current()
	asking := ""
	for _, rule := range loaded.Rules.Rules() {
		if slices.Contains(rule.Asks, expression.Query{About: expression.AboutUser}) {
			asking = rule.Name
			break
		}
	}
	if asking == "" || loaded.TellsUsers {
		return
	}
	known, err := a.people.List(ctx, people.Filter{Limit: 1})
	if err != nil || len(known) > 0 {
		return
	}
	a.Log.Warn("rules ask who users are, and nobody is known: import them with heed people import", "rule", asking)
}
