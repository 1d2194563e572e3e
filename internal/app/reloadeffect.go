package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/rulefile"
	"heed/internal/plain"
)

// How much of the recent past a reload is held against, and for how long at most.
const (
	effectSpan  = 24 * time.Hour
	effectLimit = time.Second
)

// logEffect logs what a reload changed, and what the last day would have been
// under the new rules. It runs after the activation and never delays it.
func (a *App) logEffect(before, now *rulefile.Loaded) {
	changes := engine.Changes(before.Rules, now.Rules)
	if len(changes) == 0 {
		return
	}
	for i, c := range changes {
		if i == maxLoggedChanges {
			a.Log.Info("and other rules were changed", "rules", len(changes)-i)
			break
		}
		a.Log.Info("rule "+c.Change, "rule", plain.Line(c.Rule), "what", strings.Join(c.What, ", "))
	}
	ctx, stop := context.WithTimeout(context.Background(), effectLimit)
	defer stop()
	until := time.Now().UTC()
	result, err := Backtest(ctx, a.store, BacktestOptions{
		Rules: now.Rules, Against: before.Rules, Since: until.Add(-effectSpan), Until: until, Quick: true,
	})
	if err != nil || result.Diff == nil || result.Events == 0 {
		return // it is a courtesy
	}
	d := result.Diff
	old, alerts := d.Removed+d.Changed+d.Same, d.Added+d.Changed+d.Same
	message := fmt.Sprintf("under these rules the last 24 h would have had %d alerts instead of %d", alerts, old)
	if !result.Stopped.IsZero() {
		message += ", as far as could be seen in a second"
	}
	a.Log.Info(message, "added", d.Added, "removed", d.Removed, "changed", d.Changed)
}

// maxLoggedChanges is how many changed rules a reload logs by name.
const maxLoggedChanges = 20

// changesText names the rules that an edit changed, for a notice.
func changesText(changes []engine.Change) string {
	var parts []string
	for _, c := range changes[:min(len(changes), maxLoggedChanges)] {
		text := c.Rule + " " + c.Change
		if len(c.What) > 0 {
			text += " (" + strings.Join(c.What, ", ") + ")"
		}
		parts = append(parts, text)
	}
	if more := len(changes) - maxLoggedChanges; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}
