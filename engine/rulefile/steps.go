package rulefile

import "heed/engine"

// checkSteps reports each event type whose rules together have more steps than the number
// of deliveries an event may lead to. It reports the problem at the first rule too many.
func (b *build) checkSteps() {
	steps, reported := map[string]int{}, map[string]bool{}
	for _, rule := range b.rules {
		for _, eventType := range rule.On {
			steps[eventType] += len(rule.Steps)
			if steps[eventType] <= engine.MaxSteps || reported[eventType] {
				continue
			}
			reported[eventType] = true
			b.report.LaterErrorf(b.named[rule.Name], "too-many-steps",
				"with %s, the rules for %s have more than %d steps together",
				rule.Name, eventType, engine.MaxSteps).
				Suggest("each step of the rules that an event matches is a delivery: let one rule with a table do " +
					"what many do now")
		}
	}
}
