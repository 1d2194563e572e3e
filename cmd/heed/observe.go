package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"heed/actions/delivery"
	"heed/engine"
	"heed/engine/event"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/source"
	"heed/internal/mindtickle"
	"heed/internal/notice"
	"heed/internal/receiver"
)

// What the parts tell the app becomes metrics and log lines here, one line for
// each fact.

// Answered counts a request that was taken.
func (a *app) Answered(answer intake.Answer, took time.Duration) {
	result := "accepted"
	switch {
	case answer.Duplicate:
		result = "duplicate"
	case answer.Quarantined != "":
		result = "quarantined"
	}
	a.metrics.Received(answer.Type, result, "", took)
	a.board.Heard()
	a.logRepetition(&answer)
	if answer.Quarantined != "" {
		where := "heed events show " + answer.ID + " has its body."
		if answer.Quarantined == intake.SignatureReused {
			where = "heed events list --status quarantined counts such repetitions."
		}
		a.board.Post(notice.EventQuarantined, answer.Quarantined, map[string]any{
			"message":   fmt.Sprintf("An event was set aside, and no rule saw it: %s. %s", answer.Quarantined, where),
			"eventId":   answer.ID,
			"eventType": answer.Type, "reason": answer.Quarantined,
		})
	}
}

// Refused counts a request that was not taken.
func (a *app) Refused(why receiver.Reason) {
	a.metrics.Received("", "refused", string(why), 0)
	if why == receiver.WrongSignature {
		a.board.WrongSignature()
	}
}

func (a *app) observeStored(
	e *record.Event, said *event.Event, decisions []engine.Decision, deliveries []record.Delivery,
) {
	if e.Status == record.Accepted {
		a.metrics.Decided(e.RuleSet, e.Type, func(yield func(rule, outcome string) bool) {
			for i := range decisions {
				if !yield(decisions[i].Rule.Name, string(decisions[i].Outcome)) {
					return
				}
			}
		})
	}
	a.logEvent(e, said, decisions, deliveries)
	for i := range deliveries {
		d := &deliveries[i]
		if d.State != record.Pending {
			a.metrics.Delivered(d.Action, string(d.State), 0)
		}
		if d.State == record.Dead {
			a.postDead(d, d.LastError)
		}
	}
	if a.stored != nil {
		a.stored(e, decisions, deliveries)
	}
}

func (a *app) observeAttempt(d record.Delivery, end delivery.End) {
	took := end.At.Sub(end.StartedAt)
	a.metrics.Delivered(d.Action, string(end.State), took)
	a.logAttempt(&d, end, took)
	if end.State == record.Dead {
		a.postDead(&d, end.Error)
	}
}

// postDead makes an event of a dead delivery, unless it was itself one of such
// an event.
func (a *app) postDead(d *record.Delivery, why string) {
	if intake.IsNotice(d.EventID) {
		return
	}
	a.board.Post(notice.DeliveryDead, d.Action, map[string]any{
		"message": fmt.Sprintf("A delivery of the rule %s by the action %s was given up: %s. heed deliveries show %s has all of it.", d.Rule, d.Action, why, d.ID),
		"rule":    d.Rule, "action": d.Action, "kind": d.Kind, "delivery": d.ID, "eventId": d.EventID, "error": why, "attempts": d.Attempts,
	})
}

func (a *app) postReload(attempt rulefile.Attempt) {
	errors, warnings := tally(attempt.Problems)
	if attempt.Err == nil {
		a.board.Post(notice.RulesActivated, "", map[string]any{
			"message": fmt.Sprintf("Changed rules are active: %s.", count(len(attempt.Loaded.Rules.Rules()), "rule")),
			"rules":   len(attempt.Loaded.Rules.Rules()), "warnings": warnings, "version": attempt.Loaded.Hash[:12],
		})
		return
	}
	a.board.Post(notice.RulesRejected, "", map[string]any{
		"message": "Changed rule files cannot be used, and the old rules stay active: " + attempt.Err.Error(),
		"errors":  errors, "first": attempt.Err.Error(),
	})
}

func (a *app) observeReload(attempt rulefile.Attempt) {
	version := ""
	if attempt.Loaded != nil {
		version = attempt.Loaded.Hash
	}
	a.tried.Store(&attempt)
	a.metrics.Reloaded(attempt.Err == nil, version, attempt.At)
	if a.reloaded != nil {
		a.reloaded(attempt)
	}
	if attempt.Err != nil && a.watcher.Current() == nil {
		return // heed does not start, and says why itself
	}
	if a.board != nil { // else this is the start
		a.postReload(attempt)
	}
	if attempt.Err == nil {
		_, warnings := tally(attempt.Problems)
		a.warnUnsubscribed(attempt.Loaded.Rules)
		a.reconsider(attempt)
		a.log.Info("rules active", "rules", len(attempt.Loaded.Rules.Rules()), "version", version[:12], "warnings", warnings)
	}
	a.logProblems(attempt)
}

// reconsider has the waiting deliveries of changed actions tried at once: what
// they failed by may be mended.
func (a *app) reconsider(attempt rulefile.Attempt) {
	if attempt.Before == nil {
		return
	}
	for name, action := range attempt.Loaded.Actions {
		if before, ok := attempt.Before.Actions[name]; ok && before.Configuration == action.Configuration {
			continue
		}
		n, err := a.store.Reconsider(context.Background(), name, time.Now())
		switch {
		case err != nil:
			a.log.Error("reconsider deliveries", "action", name, "error", err)
		case n > 0:
			a.log.Info("the action has changed: its deliveries are tried again at once", "action", name, "deliveries", n)
		}
	}
}

// warnUnsubscribed says which event types the rules name that were not
// registered, if this directory remembers any registration: their events never
// come.
func (a *app) warnUnsubscribed(set *engine.RuleSet) {
	memory, err := mindtickle.Remember(a.data)
	if err != nil {
		a.log.Warn("webhooks: what was registered cannot be read", "error", err)
		return
	}
	if len(memory.Live()) == 0 {
		return // perhaps it was done by other means
	}
	needed := neededEvents(set)
	for _, name := range memory.Missing(slices.Sorted(maps.Keys(needed))) {
		a.log.Warn("an event type is used but not subscribed: heed webhooks register subscribes to it",
			"type", name, "rule", needed[name])
	}
}

// logProblems logs at most a screenful; heed check shows the rest.
func (a *app) logProblems(attempt rulefile.Attempt) {
	const most = 10
	var problems *rulefile.ProblemsError
	if attempt.Err != nil && !errors.As(attempt.Err, &problems) {
		a.log.Error("the rules cannot be loaded", "error", attempt.Err)
		return
	}
	if attempt.Err != nil {
		a.log.Error("the rule files have errors and were not activated", "errors", summary(attempt.Problems))
	}
	for i := range attempt.Problems[:min(most, len(attempt.Problems))] {
		p := &attempt.Problems[i]
		log, level := a.log, slog.LevelWarn
		if p.Hint != "" {
			log = log.With("hint", p.Hint)
		}
		if p.Severity == source.Error {
			level = slog.LevelError
		}
		log.Log(context.Background(), level, p.String())
	}
}
