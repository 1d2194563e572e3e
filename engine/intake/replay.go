package intake

import (
	"context"
	"fmt"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/record"
)

// Replay decides a stored event once more, by the rules of now, and gives the
// decision of every rule that listens to it, explained. With send the new
// deliveries are stored as well, under an event of their own with the status
// replayed, and go out like any other; the event's id stays claimed by the
// first. receivedAt is what it was, now is now. An error says why it cannot be
// done; nothing was then stored.
func (in *Intake) Replay(ctx context.Context, stored record.Event, send bool) ([]engine.Decision, []record.Delivery, error) {
	e, err := event.Decode(stored.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("it cannot be replayed: %w", err)
	}
	now := in.Now().UTC()
	rules := in.Rules()
	e.ID, e.ReceivedAt = stored.ID, stored.ReceivedAt
	inquiry := in.inquiry(&e, stored.SignedAt)
	decisions := rules.Explain(&e, now, inquiry)
	deliveries := in.deliveries(decisions, now)
	if !send {
		return decisions, deliveries, nil
	}
	again := record.Event{
		ID: stored.ID, Type: e.Type, CompanyID: e.CompanyID, Status: record.Replayed, ReceivedAt: now,
		SignedAt: stored.SignedAt, RuleSet: rules.Hash(), Decisions: outcomes(decisions), Facts: asked(inquiry), Signature: stored.Signature, Body: stored.Body,
	}
	if _, err := in.Store.Commit(ctx, &again, deliveries); err != nil {
		return nil, nil, err
	}
	in.learn(&again, &e)
	if in.Stored != nil {
		in.Stored(&again, &e, decisions, deliveries)
	}
	return decisions, deliveries, nil
}
