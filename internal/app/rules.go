package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"heed/actions"
	"heed/engine"
	"heed/engine/document"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/internal/admin"
	"heed/internal/mindtickle"
	"heed/internal/notice"
	"heed/internal/plain"
)

func (a *App) ruleSet() *engine.RuleSet { return a.watcher.Current().Rules }

func (a *App) action(name string) (*actions.Configured, bool) {
	configured, ok := a.watcher.Current().Actions[name]
	return configured, ok
}

func (a *App) hasAction(name string) bool {
	_, ok := a.action(name)
	return ok
}

func (a *App) actionNames() []string {
	return slices.Collect(maps.Keys(a.watcher.Current().Actions))
}

// activate stores the text of a rule set before it decides anything, so that
// its decisions can be explained later.
func (a *App) activate(ctx context.Context, loaded *rulefile.Loaded) error {
	sources, err := a.usableSources(loaded)
	if err != nil {
		return err
	}
	set := record.RuleSet{Hash: loaded.Hash, ActivatedAt: time.Now().UTC()}
	for _, f := range loaded.Files {
		set.Files = append(set.Files, record.File{Name: f.Name, Text: string(f.Text)})
	}
	if err := a.store.SaveRuleSet(ctx, set); err != nil {
		return err
	}
	if err := a.activateState(ctx, loaded, time.Now().UTC()); err != nil {
		return err
	}
	a.activeSources.Store(sources)
	a.overflowed.Clear()
	listening := map[string][]string{}
	for _, rule := range loaded.Rules.Rules() {
		listening[rule.Name] = rule.On
	}
	a.metrics.Listen(loaded.Hash, listening)
	return nil
}

// Reload loads the rules now. The attempt is observed like any other.
func (a *App) Reload(ctx context.Context) error { return a.watcher.Reload(ctx) }

// errOldRules says what rule files with problems lead to.
var errOldRules = errors.New("the rule files cannot be used; the old rules stay active")

// reload is Reload for the admin listener.
func (a *App) reload(ctx context.Context) ([]document.Problem, error) {
	err := a.Reload(ctx)
	if problems, ok := errors.AsType[*rulefile.ProblemsError](err); ok {
		return problems.Problems, errOldRules
	}
	if err != nil {
		return nil, err
	}
	return a.watcher.Current().Problems, nil
}

// reloadStatus is how the last attempt to load the rules went.
func (a *App) reloadStatus() *admin.LastReload {
	attempt := a.lastReload.Load()
	if attempt == nil {
		return nil
	}
	last := &admin.LastReload{OK: attempt.Err == nil, At: attempt.At.UTC(), Problems: attempt.Problems}
	if _, ok := errors.AsType[*rulefile.ProblemsError](attempt.Err); ok {
		last.Error = errOldRules.Error()
	} else if attempt.Err != nil {
		last.Error = attempt.Err.Error()
	}
	return last
}

func (a *App) postReload(attempt rulefile.Attempt) {
	errorCount, warnings := document.Tally(attempt.Problems)
	if attempt.Err == nil {
		rules := len(attempt.Loaded.Rules.Rules())
		message := fmt.Sprintf("Changed rules are active: %s.", plain.Count(rules, "rule"))
		if attempt.Before != nil {
			if text := changesText(engine.Changes(attempt.Before.Rules, attempt.Loaded.Rules)); text != "" {
				message += " " + text + "."
			}
		}
		a.notices.Post(notice.RulesActivated, "", map[string]any{
			"message": message, "rules": rules, "warnings": warnings, "version": attempt.Loaded.Hash[:12],
		})
		return
	}
	a.notices.Post(notice.RulesRejected, "", map[string]any{
		"message": "Changed rule files cannot be used, and the old rules stay active: " + attempt.Err.Error(),
		"errors":  errorCount, "first": attempt.Err.Error(),
	})
}

func (a *App) observeReload(ctx context.Context, attempt rulefile.Attempt) {
	version := ""
	if attempt.Loaded != nil {
		version = attempt.Loaded.Hash
	}
	a.lastReload.Store(&attempt)
	a.metrics.Reloaded(attempt.Err == nil, version, attempt.At)
	if a.Reloaded != nil {
		a.Reloaded(ctx, attempt)
	}
	if attempt.Err != nil && a.watcher.Current() == nil {
		return // heed does not start, and says why itself
	}
	if a.notices != nil { // else this is the start
		a.postReload(attempt)
	}
	ctx = context.WithoutCancel(ctx) // whether or not who asked for the rules still waits
	if attempt.Err == nil {
		_, warnings := document.Tally(attempt.Problems)
		a.store.RearmTimers() // what was read for the rules before may leave out what is due
		a.warnUnsubscribed(attempt.Loaded.Rules)
		a.reconsider(ctx, attempt)
		a.effects.begin(func() { a.runTests(attempt.Loaded) })
		if attempt.Before != nil {
			a.effects.begin(func() { a.logEffect(attempt.Before, attempt.Loaded) })
			if asksWhoUsersAre(attempt.Before) == "" {
				a.effects.begin(func() {
					ctx, stop := context.WithTimeout(ctx, effectLimit)
					defer stop()
					a.warnOfUnknownPeople(ctx, attempt.Loaded)
				})
			}
		}
		a.warnUnconfigured(ctx, attempt.Loaded)
		a.Log.Info("rules active",
			"rules", len(attempt.Loaded.Rules.Rules()), "version", version[:12], "warnings", warnings)
	}
	a.logProblems(ctx, attempt)
}

// reconsider has the waiting deliveries of changed actions tried at once: what
// they failed by may be fixed.
func (a *App) reconsider(ctx context.Context, attempt rulefile.Attempt) {
	if attempt.Before == nil {
		return
	}
	for name, action := range attempt.Loaded.Actions {
		if before, ok := attempt.Before.Actions[name]; ok && before.Configuration == action.Configuration {
			continue
		}
		n, err := a.store.Reconsider(ctx, name, time.Now())
		switch {
		case err != nil:
			a.Log.Error("reconsider deliveries", "action", name, "error", err)
		case n > 0:
			a.Log.Info("the action has changed: its deliveries are tried again at once",
				"action", name, "deliveries", n)
		}
	}
}

// warnUnconfigured says for which actions deliveries wait that are not configured.
func (a *App) warnUnconfigured(ctx context.Context, loaded *rulefile.Loaded) {
	pending, err := a.store.PendingByAction(ctx)
	if err != nil {
		a.Log.Error("count waiting deliveries", "error", err)
	}
	for _, name := range slices.Sorted(maps.Keys(pending)) {
		if _, ok := loaded.Actions[name]; !ok {
			a.Log.Warn("deliveries wait for an action that is not configured: add it again, or discard them",
				"action", name, "deliveries", pending[name])
		}
	}
}

// unsubscribed are the event types that rules need and that were not registered,
// if this directory remembers any registration: their events never come.
func (a *App) unsubscribed(set *engine.RuleSet) []string {
	memory, err := mindtickle.Remember(a.Data)
	if err != nil {
		a.Log.Warn("webhooks: what was registered cannot be read", "error", err)
		return nil
	}
	if len(memory.Live()) == 0 {
		return nil // perhaps it was done by other means
	}
	return memory.Missing(slices.Sorted(maps.Keys(NeededEvents(set))))
}

func (a *App) warnUnsubscribed(set *engine.RuleSet) {
	needed := NeededEvents(set)
	for _, name := range a.unsubscribed(set) {
		a.Log.Warn("an event type is used but not subscribed: heed webhooks register subscribes to it",
			"type", name, "rule", needed[name])
	}
}

// logProblems logs at most a screenful; heed check shows the rest.
func (a *App) logProblems(ctx context.Context, attempt rulefile.Attempt) {
	const most = 10
	var problems *rulefile.ProblemsError
	if attempt.Err != nil && !errors.As(attempt.Err, &problems) {
		a.Log.Error("the rules cannot be loaded", "error", attempt.Err)
		return
	}
	if attempt.Err != nil {
		a.Log.Error("the rule files have errors and were not activated", "errors", document.Summary(attempt.Problems))
	}
	for i := range attempt.Problems[:min(most, len(attempt.Problems))] {
		p := &attempt.Problems[i]
		log, level := a.Log, slog.LevelWarn
		if p.Hint != "" {
			log = log.With("hint", p.Hint)
		}
		if p.Severity == document.Error {
			level = slog.LevelError
		}
		log.Log(ctx, level, p.String())
	}
}

// runTests runs the tests that the rules carry, for the health of the rules.
func (a *App) runTests(loaded *rulefile.Loaded) {
	failing := map[string]int{}
	for _, report := range ruletest.Run(loaded, time.Now()) {
		if report.Source == nil && !report.Passed() {
			failing[report.Of()]++
		}
	}
	a.failing.Store(&failing)
}

// failingTests counts the tests of the active rules that fail.
func (a *App) failingTests() map[string]int {
	if failing := a.failing.Load(); failing != nil {
		return *failing
	}
	return nil
}
