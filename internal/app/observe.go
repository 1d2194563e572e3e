package app

import (
	"context"
	"fmt"
	"time"

	"heed/actions/delivery"
	"heed/engine"
	"heed/engine/event"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/source"
	"heed/internal/ingest"
	"heed/internal/notice"
	"heed/internal/plain"
	"heed/internal/receiver"
)

// What the parts tell the app becomes metrics and log lines here, one line for
// each fact.

// Answered counts the events of a request that was taken.
func (a *App) Answered(ctx context.Context, events []intake.Answer, took time.Duration) {
	a.notices.Received()
	for i := range events {
		a.answered(ctx, &events[i], took)
	}
}

func (a *App) answered(ctx context.Context, answer *intake.Answer, took time.Duration) {
	result := "accepted"
	switch {
	case answer.Duplicate:
		result = "duplicate"
	case answer.Quarantined != "":
		result = "quarantined"
	}
	a.metrics.Received(answer.Type, result, "", took)
	a.metrics.Sourced(answer.Source, result, 1)
	a.logRepetition(ctx, answer)
	if answer.Quarantined != "" && !answer.Duplicate {
		where := "heed events show " + answer.ID + " has its body."
		if answer.Quarantined == intake.SignatureReused {
			where = "heed events list --status quarantined counts such repetitions."
		}
		a.notices.Post(notice.EventQuarantined, answer.Quarantined, map[string]any{
			"message":   fmt.Sprintf("An event was set aside, and no rule saw it: %s. %s", answer.Quarantined, where),
			"eventId":   answer.ID,
			"eventType": answer.Type, "reason": answer.Quarantined,
		})
	}
}

// postFile tells that rows of a file cannot be used.
func (a *App) postFile(r *ingest.Result) {
	message := fmt.Sprintf("%s of %s, from the source %s, cannot be used.", plain.Count(r.Unusable, "row"), r.File,
		r.Source)
	if r.Broken {
		message = fmt.Sprintf("The file %s, from the source %s, cannot be read to its end.", r.File, r.Source)
	}
	reason := source.Unmapped
	if len(r.Problems) > 0 {
		first := r.Problems[0]
		message += fmt.Sprintf(" The first problem is in line %d: %s.", first.Line, first.Message)
	}
	a.notices.Post(notice.EventQuarantined, reason+" "+r.Source, map[string]any{"message": message, "reason": reason})
}

// Refused counts a request that was not taken.
func (a *App) Refused(_ context.Context, _ string, why receiver.Reason) {
	a.metrics.Received("", "refused", string(why), 0)
	if why == receiver.WrongSignature || why == receiver.WrongCredentials {
		a.notices.WrongSignature()
	}
}

func (a *App) observeStored(
	ctx context.Context, e *record.Event, said *event.Event, decisions []engine.Decision, deliveries []record.Delivery,
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
	for i := range decisions {
		for _, effect := range decisions[i].Effects {
			if record.Suppressed(effect.Effect) {
				a.metrics.Suppressed(decisions[i].Rule.Name, effect.Effect)
			}
		}
	}
	a.tallies.add(e, decisions)
	a.logEvent(ctx, e, said, decisions, deliveries)
	for i := range deliveries {
		d := &deliveries[i]
		if d.State != record.Pending {
			a.metrics.Delivered(d.Action, string(d.State), 0)
		}
		if d.State == record.Dead {
			a.tallies.gaveUp(d.Rule, e.ReceivedAt)
			a.tallies.ended(d.Action, record.Dead, e.ReceivedAt)
			a.postDead(d, d.LastError)
		}
	}
	if a.Stored != nil {
		a.Stored(ctx, e, decisions, deliveries)
	}
}

func (a *App) observeAttempt(ctx context.Context, d record.Delivery, end delivery.End) {
	took := end.At.Sub(end.StartedAt)
	a.metrics.Delivered(d.Action, string(end.State), took)
	a.logAttempt(ctx, &d, end, took)
	if end.State == record.Dead {
		a.tallies.gaveUp(d.Rule, end.At)
		a.postDead(&d, end.Error)
	}
	if end.State == record.Done || end.State == record.Dead {
		a.tallies.ended(d.Action, end.State, end.At)
	}
}

// postDead makes an event of a dead delivery, unless it was itself one of such
// an event.
func (a *App) postDead(d *record.Delivery, why string) {
	if intake.IsNotice(d.EventID) {
		return
	}
	a.notices.Post(notice.DeliveryDead, d.Action, map[string]any{
		"message": fmt.Sprintf(
			"A delivery of the rule %s by the action %s was given up: %s. heed deliveries show %s has all of it.",
			d.Rule, d.Action, why, d.ID),
		"rule": d.Rule, "action": d.Action, "kind": d.Kind, "delivery": d.ID, "eventId": d.EventID,
		"error": why, "attempts": d.Attempts,
	})
}
