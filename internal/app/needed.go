package app

import (
	"slices"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/people"
)

// NeededEvents are the event types of MindTickle's that the rules name, or by
// which heed learns what they ask, each with a rule that needs it.
func NeededEvents(set *engine.RuleSet) map[string]string {
	needed := map[string]string{}
	for _, rule := range set.Rules() {
		names := rule.Types()
		for _, q := range rule.Asks {
			names = append(slices.Clip(names), tellers(q)...)
		}
		for _, name := range names {
			if _, have := needed[name]; !have && event.Standard().Lookup(name) != nil && !event.Reserved(name) {
				needed[name] = rule.Name
			}
		}
	}
	return needed
}

// tellers are the event types that tell heed the answer to a question.
func tellers(q expression.Query) []string {
	switch q.About {
	case expression.AboutUser:
		return []string{"user.provisioned", "user.deprovisioned"}
	case expression.AboutProgress:
		return []string{"module.progress"}
	case expression.AboutRank: // among those who have not left
		switch by, _ := people.ParseBy(q.Key); by {
		case people.ByScore:
			return []string{"course.completed", "quiz.submitted", "user.deprovisioned"}
		case people.ByCompletions:
			return []string{"module.progress", "course.completed", "quiz.submitted", "user.deprovisioned"}
		default:
			return []string{"module.progress", "user.deprovisioned"}
		}
	}
	return nil
}
