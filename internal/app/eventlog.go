package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"heed/actions/delivery"
	"heed/engine"
	"heed/engine/event"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/source"
	"heed/internal/ingest"
	"heed/internal/plain"
)

// Each event and each attempt at a delivery is a line of the log. The names of
// the fields are the same on every line, here and in all packages:
//
//	event, type, user, status     of an event: id, type, data.userId
//	source                        of an event, if it is not the published webhook
//	rule, rules                   by name
//	effects                       what the rules' state did, each with its rule
//	delivery, action, kind, state of a delivery: id, the action's name and kind
//	attempts, took                of a delivery: the sends so far, how long the last took
//	reason                        why an event was quarantined or a rule not decided
//	error                         what went wrong
//
// Nothing is made ready for a line that is not logged: acceptance waits for it.

// logEvent logs an event that was stored, with the rules that it matched and the
// actions that follow, and what went wrong with it.
func (a *App) logEvent(
	ctx context.Context, e *record.Event, said *event.Event, decisions []engine.Decision, deliveries []record.Delivery,
) {
	message, level := "event accepted", slog.LevelInfo
	switch e.Status {
	case record.Quarantined:
		message, level = "event quarantined", slog.LevelWarn
	case record.Replayed:
		message = "event replayed"
	case record.Timed:
		message = "rule fired"
	}
	if a.Log.Enabled(ctx, level) {
		attrs := make([]slog.Attr, 0, 8)
		attrs = append(attrs, slog.String("event", e.ID), slog.String("type", loggable(e.Type)))
		if !source.IsBuiltIn(e.Source) {
			attrs = append(attrs, slog.String("source", e.Source))
		}
		if user := userOf(said); user != "" {
			attrs = append(attrs, slog.String("user", user))
		}
		attrs = append(attrs, slog.String("status", string(e.Status)))
		if e.Reason != "" {
			attrs = append(attrs, slog.String("reason", e.Reason))
		}
		if matched := matchedRules(decisions); len(matched) > 0 {
			attrs = append(attrs,
				slog.String("rules", listed(matched)), slog.String("actions", listed(actionsOf(deliveries))))
		}
		if effects := effectsOf(decisions); len(effects) > 0 {
			attrs = append(attrs, slog.String("effects", listed(effects)))
		}
		a.Log.LogAttrs(ctx, level, message, attrs...)
	}
	for i := range decisions {
		if d := &decisions[i]; d.Outcome == engine.Errored {
			a.Log.WarnContext(ctx, "a rule could not be evaluated", "event", e.ID, "type", loggable(e.Type),
				"rule", d.Rule.Name, "reason", plain.Line(d.Reason))
		}
	}
	for i := range deliveries {
		if d := &deliveries[i]; d.State == record.Dead {
			a.Log.ErrorContext(ctx, "a delivery cannot be made", "delivery", d.ID, "event", e.ID,
				"rule", d.Rule, "action", d.Action, "kind", d.Kind, "state", string(d.State),
				"error", plain.Line(d.LastError))
		}
	}
}

// logRepetition logs a request that repeated another, of which nothing was
// stored.
func (a *App) logRepetition(ctx context.Context, answer *intake.Answer) {
	switch {
	case !a.Log.Enabled(ctx, slog.LevelInfo):
	case answer.Duplicate:
		a.Log.LogAttrs(ctx, slog.LevelInfo, "event received again",
			slog.String("event", answer.ID), slog.String("type", loggable(answer.Type)),
			slog.String("status", "duplicate"))
	case answer.Repeated:
		a.Log.LogAttrs(ctx, slog.LevelInfo, "request repeated under another id",
			slog.String("event", answer.ID), slog.String("type", loggable(answer.Type)),
			slog.String("status", string(record.Quarantined)), slog.String("reason", answer.Quarantined))
	}
}

// logAttempt logs how an attempt at a delivery ended.
func (a *App) logAttempt(ctx context.Context, d *record.Delivery, end delivery.End, took time.Duration) {
	message, level := "delivery done", slog.LevelInfo
	switch end.State {
	case record.Dead:
		message, level = "delivery given up", slog.LevelError
	case record.Retrying:
		message, level = "delivery will be tried again", slog.LevelWarn
	}
	if !a.Log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("delivery", d.ID), slog.String("event", d.EventID), slog.String("rule", d.Rule),
		slog.String("action", d.Action), slog.String("kind", d.Kind), slog.String("state", string(end.State)),
		slog.Int("attempts", d.Attempts), slog.String("took", took.Round(100*time.Microsecond).String()))
	if end.Error != "" {
		attrs = append(attrs, slog.String("error", plain.Line(end.Error)))
	}
	if end.State == record.Retrying {
		attrs = append(attrs, slog.String("due", end.DueAt.UTC().Format(time.RFC3339)))
	}
	a.Log.LogAttrs(ctx, level, message, attrs...)
}

// userOf is the id of the person that an event is about; empty without one.
func userOf(e *event.Event) string {
	switch id := e.Data["userId"].(type) {
	case string:
		return loggable(id)
	case int:
		return strconv.Itoa(id)
	case float64, event.BadNumber:
		return loggable(fmt.Sprint(id))
	default:
		return ""
	}
}

// effectsOf are the effects, each with its rule: tell-manager throttled.
func effectsOf(decisions []engine.Decision) (effects []string) {
	for i := range decisions {
		for _, e := range decisions[i].Effects {
			effects = append(effects, decisions[i].Rule.Name+" "+e.Effect)
		}
	}
	return effects
}

func matchedRules(decisions []engine.Decision) []string {
	var names []string
	for i := range decisions {
		if decisions[i].Outcome == engine.Matched {
			names = append(names, decisions[i].Rule.Name)
		}
	}
	return names
}

// actionsOf are the actions of deliveries that could be rendered, each once.
func actionsOf(deliveries []record.Delivery) []string {
	var names []string
	for i := range deliveries {
		if d := &deliveries[i]; d.State != record.Dead && !slices.Contains(names, d.Action) {
			names = append(names, d.Action)
		}
	}
	return names
}

// maxListed is how many names a line lists.
const maxListed = 10

func listed(names []string) string {
	if more := len(names) - maxListed; more > 0 {
		return strings.Join(names[:maxListed], ",") + ",and " + strconv.Itoa(more) + " more"
	}
	return strings.Join(names, ",")
}

// maxLoggable is how many characters of what a sender wrote a line shows.
const maxLoggable = 100

// loggable is what a sender wrote as it may stand in the log: not too long, and
// on one line, whatever shows the log.
func loggable(text string) string {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || i >= maxLoggable {
			return plain.Cut(plain.Line(text[:min(len(text), 4*maxLoggable)]), maxLoggable)
		}
	}
	return text
}

// observeFile tells how the reading of a file went.
func (a *App) observeFile(ctx context.Context, r *ingest.Result, err error) {
	level := slog.LevelInfo
	if err != nil || r.Unusable > 0 || r.Broken {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{
		slog.String("source", r.Source), slog.String("file", plain.Line(r.File)), slog.Int("rows", r.Rows),
		slog.Int("new", r.New), slog.Int("known", r.Known), slog.Int("unusable", r.Unusable),
		slog.Int("alerts", r.Alerts),
	}
	if len(r.Problems) > 0 {
		first := r.Problems[0]
		attrs = append(attrs, slog.String("problem", plain.Line(fmt.Sprintf("line %d: %s", first.Line, first.Message))))
		if first.Hint != "" {
			attrs = append(attrs, slog.String("hint", plain.Line(first.Hint)))
		}
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	a.Log.LogAttrs(ctx, level, "file read", attrs...)
	if r.Unusable > 0 || r.Broken {
		a.postFile(r)
	}
	a.metrics.Sourced(r.Source, "accepted", r.New)
	a.metrics.Sourced(r.Source, "duplicate", r.Known)
	a.metrics.Sourced(r.Source, "quarantined", r.Unusable)
}
