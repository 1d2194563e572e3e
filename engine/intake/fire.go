package intake

import (
	"context"
	"fmt"
	"slices"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
	"heed/engine/state"
)

// Fire fires rows that are due: it decides and renders outside the transaction,
// which may be slow, and commits with a check that the rows are still the same.
// Those that changed meanwhile are left for the next time, when they are read
// again. fired counts those that were committed.
func (in *Intake) Fire(ctx context.Context, due []state.Row) (fired int, err error) {
	rules, now := in.Rules(), in.Now().UTC()
	var ready []*decided
	for _, row := range due {
		rule := rules.Rule(row.Scope.Rule)
		if rule == nil || rule.Time == nil || !slices.Contains(rule.Time.Scopes(), row.Scope) {
			continue
		}
		d, err := in.firing(ctx, rules, rule, row, now)
		switch {
		case err != nil && ctx.Err() != nil:
			return 0, err
		case err != nil: // it must not keep others from firing
			in.Log.Error("decide a rule that is due", "rule", rule.Name, "key", state.ShowKey(row.Key), "error", err)
		case d != nil:
			ready = append(ready, d)
		}
	}
	if len(ready) == 0 {
		return 0, nil
	}
	if err := in.commitAll(ctx, ready); err != nil {
		return 0, err
	}
	for _, d := range ready {
		in.committed(ctx, d)
		if d.Verdict == Stored {
			fired++
		}
	}
	return fired, nil
}

// commitAll commits firings together. If that fails, each is committed alone, so that
// one that cannot be stored does not stop the others. The verdict of those that were
// not committed is Stale.
func (in *Intake) commitAll(ctx context.Context, ready []*decided) error {
	batches := make([]*Batch, len(ready))
	for i, d := range ready {
		batches[i] = &d.Batch
	}
	err := in.Store.Commit(ctx, batches...)
	if err == nil || len(ready) == 1 {
		return err
	}
	committed := 0
	for _, b := range batches {
		if failure := in.Store.Commit(ctx, b); failure != nil {
			b.Verdict, err = Stale, failure
			continue
		}
		committed++
	}
	if committed == 0 {
		return err
	}
	in.Log.Error("store a rule that fired", "error", err)
	return nil
}

// firing decides what a due row asks for; nil if there is nothing.
func (in *Intake) firing(
	ctx context.Context, rules *engine.RuleSet, rule *engine.Rule, row state.Row, now time.Time,
) (_ *decided, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause) // of a row that cannot be read
		}
	}()
	clock := state.Clock{Now: now, MaxAge: in.MaxAge}
	f, ok := rule.Time.Next(row, clock)
	if !ok {
		return nil, nil
	}
	cause, err := in.cause(ctx, rule, &f)
	if err != nil {
		return nil, err
	}
	stored, err := in.timed(&f, rules, now)
	if err != nil {
		return nil, err
	}
	d := &decided{Batch: Batch{Event: stored}, event: &event.Event{Type: event.TimedType, Data: map[string]any{}}}
	fired := engine.Fired{Alert: state.Alert{Still: state.Gone}, Outcome: engine.Matched}
	if cause.Event != nil || f.Event.ID == "" { // else the event that caused it is gone
		lookups := in.firingLookups(ctx, cause.Event, d.event, now)
		fired = rules.Fire(rule, &f, cause, now, lookups)
		if stored.Facts, err = asked(ctx, lookups); err != nil {
			return nil, err
		}
	}
	d.decisions = []engine.Decision{{
		Rule: rule, Outcome: fired.Outcome, Reason: fired.Reason, Requests: fired.Requests,
	}}
	d.Refs = rule.Time.FireRefs(f, fired.Alert)
	deliveries := in.deliveries(rule, fired.Requests, now)
	d.Resolve = func(seq int64, rows state.Rows) bool {
		r, ok := rule.Time.Fire(rows, f, fired.Alert, clock)
		if !ok {
			return false
		}
		d.decisions[0].Effects = r.Effects
		if d.Deliveries = nil; r.Send {
			d.Deliveries = deliveries
		}
		d.Event.Decisions = outcomes(d.decisions)
		return true
	}
	return d, nil
}

// firingLookups answers what a rule asks when it fires: about the event that caused
// the firing, or about the firing's own if it has none. A fact that the event tells
// counts from the event's own time on, so that it does not hide what was learnt since.
func (in *Intake) firingLookups(
	ctx context.Context, cause, own *event.Event, now time.Time,
) *expression.LookupLog {
	switch {
	case cause == nil:
		return in.lookups(ctx, own, now)
	case cause.At.IsZero():
		return in.lookups(ctx, cause, now)
	default:
		return in.lookups(ctx, cause, cause.At)
	}
}

// RecordEffects stores what an edit of a rule did to its state, as an event of
// its own.
func RecordEffects(
	ctx context.Context, s Store, rule *engine.Rule, ruleSet string, effects []record.Effect, now time.Time,
) error {
	e, err := timedEvent(state.IDPrefix+newID(now), "", map[string]any{"rule": rule.Name, "edited": true}, ruleSet, now)
	if err != nil {
		return err
	}
	e.Decisions = outcomes([]engine.Decision{{Rule: rule, Outcome: engine.NotMatched, Effects: effects}})
	return s.Commit(ctx, &Batch{Event: e})
}

// timedEvent makes an event of what rules did because of the time.
func timedEvent(
	id, company string, data map[string]any, ruleSet string, now time.Time,
) (*record.Event, error) {
	e, err := ownEvent(id, event.TimedType, company, data, now)
	if err != nil {
		return nil, err
	}
	e.Status, e.RuleSet, e.UserKnown = record.Timed, ruleSet, true
	return e, nil
}

// timed is the event as which a firing is stored.
func (in *Intake) timed(f *state.Firing, rules *engine.RuleSet, now time.Time) (*record.Event, error) {
	data := map[string]any{"rule": f.Row.Scope.Rule, "block": f.Row.Scope.Block, "key": state.ShowKey(f.Key)}
	if f.Event.ID != "" {
		data["eventId"] = f.Event.ID
	}
	if f.User != "" {
		data["userId"] = f.User
	}
	e, err := timedEvent(f.ID(), in.Company, data, rules.Hash(), now)
	if err == nil {
		e.User = f.User
	}
	return e, err
}

// cause reads the events that a firing is about. One that is gone is left out.
func (in *Intake) cause(ctx context.Context, rule *engine.Rule, f *state.Firing) (c engine.Cause, err error) {
	if len(f.Prefixes) > 0 {
		var rows []state.Row
		for _, prefix := range f.Prefixes {
			part, err := in.Store.StateRows(ctx, rule.Time.Scope(state.BlockItem), prefix)
			if err != nil {
				return c, err
			}
			rows = append(rows, part...)
		}
		f.AddItems(rows, rule.Shadow)
	}
	seqs := make([]int64, 0, len(f.Items)+1)
	for _, item := range f.Items {
		seqs = append(seqs, item.Seq)
	}
	if f.Event.Seq != 0 {
		seqs = append(seqs, f.Event.Seq)
	}
	stored, err := in.Store.EventsBySeq(ctx, seqs)
	if err != nil {
		return c, err
	}
	bySeq := map[int64]*event.Event{}
	for i := range stored {
		if e, err := event.Decode(stored[i].Body); err == nil { // it was decided once, so it decodes
			engine.Identify(&e, &stored[i])
			bySeq[stored[i].Seq] = &e
		}
	}
	for _, item := range f.Items {
		if e := bySeq[item.Seq]; e != nil {
			e.At = item.Time()
			c.Items = append(c.Items, e)
		}
	}
	if c.Event = bySeq[f.Event.Seq]; c.Event != nil && f.By != "" {
		own := *c.Event
		own.ID = f.By
		c.Event = &own
	}
	return c, nil
}
