package intake

import (
	"context"
	"fmt"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/record"
)

// Replay decides a stored event again, by the current rules, and returns the decision
// of every rule that listens to it, explained. It changes no state.
//
// Without send, nothing is stored: the effects are what would happen if the event
// arrived now, computed on a copy of the state. With send, the deliveries are stored
// under a new event with the status replayed and are sent like any other; the event's
// id still belongs to the first one. They are not throttled, since a person asked for
// them.
//
// Rules see the original receivedAt and the current now. An error says why the event
// cannot be replayed; nothing is stored then.
func (in *Intake) Replay(
	ctx context.Context, stored record.Event, send bool,
) ([]engine.Decision, []record.Delivery, error) {
	e, err := event.Decode(stored.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("it cannot be replayed: %w", err)
	}
	now := in.Now().UTC()
	rules := in.Rules()
	engine.Identify(&e, &stored)
	e.Inert = false // a person asks for it
	lookups := in.lookups(ctx, &e, stored.SignedAt)
	d := &decided{event: &e, decisions: rules.Explain(&e, now, lookups)}
	facts, err := asked(ctx, lookups)
	if err != nil {
		return nil, nil, err
	}
	d.Event = &record.Event{
		Source: stored.Source, IDs: stored.IDs, ID: stored.ID, Type: e.Type, CompanyID: e.CompanyID,
		Status: record.Replayed, ReceivedAt: now, SignedAt: stored.SignedAt, RuleSet: rules.Hash(),
		Facts: facts, Signature: stored.Signature, Body: stored.Body,
	}
	d.Event.User, d.Event.UserKnown = e.User(), e.Tells()
	var shown [][]record.Effect
	if !send {
		if shown, err = in.preview(ctx, d.decisions, stored.Seq, now); err != nil {
			return nil, nil, err
		}
	}
	for i := range d.decisions {
		skipState(&d.decisions[i])
	}
	in.prepare(d, now)
	if !send {
		for i, effects := range shown {
			d.decisions[i].Effects = effects
		}
		return d.decisions, d.Deliveries, nil
	}
	if err := in.commit(ctx, d); err != nil {
		return nil, nil, err
	}
	return d.decisions, d.Deliveries, nil
}

// skipState keeps a replayed event from touching state. An alert that needs none
// is sent; what a count, a wait or a digest would do is skipped.
func skipState(d *engine.Decision) {
	if len(d.Inputs) > 0 && !d.Rule.Time.Plain() {
		d.Effects = []record.Effect{{Effect: record.Skipped, Reason: record.ByReplay, Key: d.Inputs[0].Key}}
	}
	d.Inputs = nil
}
