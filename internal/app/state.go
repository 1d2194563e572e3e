package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"heed/engine"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/state"
	"heed/internal/notice"
	"heed/internal/plain"
	"heed/internal/store"
)

// activateState makes the state of the rules follow an edit: renamed rules keep
// theirs, a changed per discards it, and waits with changed times get new due times.
func (a *App) activateState(ctx context.Context, loaded *rulefile.Loaded, now time.Time) error {
	var uses []store.ScopeUse
	for _, rule := range loaded.Rules.Rules() {
		if rule.Was != "" && loaded.Rules.Rule(rule.Was) == nil {
			if err := a.store.RenameMutes(ctx, rule.Was, rule.Name); err != nil {
				return err
			}
		}
		if rule.Time == nil {
			continue
		}
		for _, scope := range rule.Time.Scopes() {
			uses = append(uses, store.ScopeUse{Scope: scope, Was: rule.Was, Settings: settingsOf(rule)})
		}
	}
	changes, err := a.store.ActivateScopes(ctx, uses, now)
	if err != nil {
		return err
	}
	a.warnOfColdRules(ctx, loaded.Rules, now)
	for _, c := range changes {
		if c.Change != store.ScopeEdited {
			a.Log.Info("the state of a rule has changed with the rules", "rule", c.Rule, "block", c.Block, "change",
				c.Change, "keys", c.Keys)
		}
		switch c.Change {
		case store.ScopeEdited, store.ScopeRestored:
			err = a.editWaits(ctx, loaded.Rules, c.Scope, c.Change == store.ScopeRestored, now)
		case store.ScopeDiscarded:
			err = a.recordLost(ctx, loaded.Hash, c, record.Edited, "of the old per, discarded", now)
		case store.ScopeRemoved:
			err = a.recordLost(ctx, loaded.Hash, c, record.Removed, "kept for 7d", now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// recordLost records that rows of a rule are not used any more.
func (a *App) recordLost(
	ctx context.Context, ruleSet string, c store.ScopeChange, reason, what string, now time.Time,
) error {
	if c.Block == state.BlockItem {
		return nil // that is recorded of its digest
	}
	lost := record.Effect{
		Effect: record.Skipped, Reason: reason,
		Limit: fmt.Sprintf("%s of %s %s", plain.Count(c.Keys, "key"), c.Block, what),
	}
	rule := &engine.Rule{Name: c.Rule}
	return intake.RecordEffects(ctx, a.store, rule, ruleSet, []record.Effect{lost}, now)
}

// settingsOf identifies what the due times of a rule's rows depend on.
func settingsOf(rule *engine.Rule) string {
	if rule.Time.Wait == nil {
		return ""
	}
	text, err := json.Marshal([]any{rule.Time.Wait.Steps, rule.Time.Location.String()})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// editWaits computes again when waits are due. What would be past is skipped, and
// listed in an event.
func (a *App) editWaits(
	ctx context.Context, rules *engine.RuleSet, scope state.Scope, restored bool, now time.Time,
) error {
	rule := rules.Rule(scope.Rule)
	skipped, err := a.store.EditRows(ctx, scope, func(rows state.Rows, ref state.Ref) []record.Effect {
		return rule.Time.Edited(rows, ref, restored, state.Clock{Now: now, MaxAge: a.MaxAge})
	})
	if err == nil {
		err = a.store.ConfirmScope(ctx, scope, settingsOf(rule))
	}
	if err != nil || len(skipped) == 0 {
		return err
	}
	a.Log.Info("waits are skipped, since their changed times are past", "rule", rule.Name, "waits", len(skipped))
	return intake.RecordEffects(ctx, a.store, rule, rules.Hash(), skipped, now)
}

// overflow reports a rule with too many keys, once for each version of it.
func (a *App) overflow(_ context.Context, rule string) {
	if _, before := a.overflowed.LoadOrStore(rule, true); before {
		return
	}
	a.notices.Post(notice.RuleOverflow, rule, map[string]any{
		"message": fmt.Sprintf("The rule %s has so many keys that new ones are not tracked any more: give it another "+
			"per.", plain.Line(rule)),
		"rule": rule,
	})
}
