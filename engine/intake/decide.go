package intake

import (
	"context"
	"encoding/json"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
	"heed/engine/state"
)

// decided is an event on its way into the store, with what the rules made of it.
// Everything that is stored comes through here, whether it comes from outside,
// from heed itself, from a person's replay or from a timer.
type decided struct {
	Batch
	event     *event.Event
	decisions []engine.Decision
	overflow  []string // rules whose keys are too many
}

// DecideAndCommit decides an event by the active rules and stores it with what
// follows.
func (in *Intake) DecideAndCommit(ctx context.Context, stored *record.Event, e *event.Event) error {
	d, err := in.decide(ctx, stored, e, in.Rules(), in.Now().UTC())
	if err != nil {
		return err
	}
	return in.commit(ctx, d)
}

// decide tries the rules on an event. What depends on state is left to the
// transaction. The error is that of a context that has ended.
func (in *Intake) decide(
	ctx context.Context, stored *record.Event, e *event.Event, rules *engine.RuleSet, now time.Time,
) (_ *decided, err error) {
	engine.Identify(e, stored)
	lookups := in.lookups(ctx, e, stored.SignedAt)
	d := &decided{event: e, decisions: rules.Evaluate(e, now, lookups)}
	d.Event = stored
	stored.User, stored.UserKnown = e.User(), e.Tells()
	stored.RuleSet = rules.Hash()
	if stored.Facts, err = asked(ctx, lookups); err != nil {
		return nil, err
	}
	for i := range d.decisions {
		if e.Inert {
			keepQuiet(&d.decisions[i])
		}
		in.mute(&d.decisions[i], now)
	}
	in.prepare(d, now)
	return d, nil
}

// keepQuiet keeps a rule without state from sending for an inert event. Rules with
// state see from their input that it is inert.
func keepQuiet(d *engine.Decision) {
	if d.Rule.Time == nil && len(d.Requests) > 0 {
		d.Effects = []record.Effect{{Effect: record.Skipped, Reason: record.ByAct}}
		d.Requests = nil
	}
}

// mute keeps a muted rule without state from sending. Rules with state look for mutes
// in the transaction, where the key is known.
func (in *Intake) mute(d *engine.Decision, now time.Time) {
	if d.Rule.Time != nil || len(d.Requests) == 0 {
		return
	}
	if m, muted := in.Store.Muted(d.Rule.Name, "", now); muted {
		d.Effects = []record.Effect{m.Effect("")}
		d.Requests = nil
	}
}

// prepare makes the batch of the decisions.
func (in *Intake) prepare(d *decided, now time.Time) {
	d.Event.Decisions = outcomes(d.decisions)
	rows := make([][]record.Delivery, len(d.decisions))
	stateful := false
	for i := range d.decisions {
		decision := &d.decisions[i]
		rows[i] = in.deliveries(decision.Rule, decision.Requests, now)
		stateful = stateful || len(decision.Inputs) > 0
		for _, input := range decision.Inputs {
			d.Refs = append(d.Refs, decision.Rule.Time.Refs(input)...)
		}
		if !decision.Rule.Shadow {
			d.Deliveries = append(d.Deliveries, rows[i]...)
		}
	}
	if stateful {
		clock := state.Clock{Now: now, MaxAge: in.MaxAge}
		d.Resolve = func(seq int64, state state.Rows) bool {
			d.resolve(seq, state, rows, clock)
			return true
		}
	}
}

// resolve decides inside the transaction what depends on state. It may run more
// than once.
func (d *decided) resolve(seq int64, rows state.Rows, deliveries [][]record.Delivery, clock state.Clock) {
	d.Deliveries, d.overflow = nil, nil
	for i := range d.decisions {
		decision := &d.decisions[i]
		send := len(decision.Inputs) == 0 && !decision.Rule.Shadow
		if len(decision.Inputs) > 0 {
			decision.Effects = nil
		}
		for _, input := range decision.Inputs {
			input.Event.Seq = seq
			r := decision.Rule.Time.Fold(rows, input, clock)
			decision.Effects = append(decision.Effects, r.Effects...)
			send = send || r.Send
			if r.Overflow {
				d.overflow = append(d.overflow, decision.Rule.Name)
			}
		}
		if send {
			d.Deliveries = append(d.Deliveries, deliveries[i]...)
		}
	}
	d.Event.Decisions = outcomes(d.decisions)
}

// commit stores decided events in one transaction, and then passes them on.
func (in *Intake) commit(ctx context.Context, all ...*decided) error {
	batches := make([]*Batch, len(all))
	for i, d := range all {
		batches[i] = &d.Batch
	}
	if err := in.Store.Commit(ctx, batches...); err != nil {
		return err
	}
	for _, d := range all {
		in.committed(ctx, d)
	}
	return nil
}

// committed passes a stored event on to Learn and to the observers.
func (in *Intake) committed(ctx context.Context, d *decided) {
	if d.Verdict != Stored {
		return
	}
	in.learn(ctx, d.Event, d.event)
	if d.Event.Status == record.Quarantined {
		d.decisions, d.Deliveries = nil, nil
	}
	if in.Stored != nil {
		in.Stored(ctx, d.Event, d.event, d.decisions, d.Deliveries)
	}
	for _, rule := range d.overflow {
		if in.Overflow != nil {
			in.Overflow(ctx, rule)
		}
	}
}

// learn calls Learn, with a nil event if there is nothing to learn from it.
func (in *Intake) learn(ctx context.Context, stored *record.Event, e *event.Event) {
	if in.Learn == nil {
		return
	}
	if stored.Status != record.Accepted || event.Reserved(stored.Type) {
		e = nil
	}
	in.Learn(ctx, stored, e)
}

// lookups answers what rules ask beyond an event.
func (in *Intake) lookups(ctx context.Context, e *event.Event, signedAt time.Time) *expression.LookupLog {
	lookups := new(expression.LookupLog)
	if in.Known != nil {
		lookups.Resolver = in.Known(ctx, e, signedAt)
	}
	return lookups
}

// asked is what rules asked and the answers, as they are stored; nil if they asked
// nothing. If the context has ended an answer may be missing, and what was decided does
// not count.
func asked(ctx context.Context, lookups *expression.LookupLog) (json.RawMessage, error) {
	if err := ctx.Err(); err != nil || len(lookups.Answers) == 0 {
		return nil, err
	}
	text, err := json.Marshal(lookups.Answers)
	if err != nil {
		return nil, nil // cannot happen: answers are texts and numbers
	}
	return text, nil
}

// deliveries are a rule's requests as rows. One that could not be rendered is
// dead from the start, with its reason.
func (in *Intake) deliveries(rule *engine.Rule, requests []engine.Request, now time.Time) []record.Delivery {
	if len(requests) == 0 {
		return nil
	}
	rows := make([]record.Delivery, len(requests))
	for i, request := range requests {
		row := &rows[i]
		*row = record.Delivery{
			ID: newID(now), Rule: rule.Name, Action: request.Action, Kind: request.Kind,
			State: record.Pending, Request: request.Body, CreatedAt: now, DueAt: now, LastError: request.Problem,
			Destination: request.Destination, OrderKey: request.OrderKey,
		}
		switch {
		case request.Problem != "":
			row.State, row.DueAt = record.Dead, time.Time{}
		case in.NoSend:
			row.State, row.DueAt = record.Held, time.Time{}
		}
	}
	return rows
}

// outcomes are the decisions as they are stored. Most are left out: those of rules
// that did not match and whose state did not change.
func outcomes(decisions []engine.Decision) []record.Decision {
	stored := make([]record.Decision, 0, len(decisions))
	for i := range decisions {
		d := &decisions[i]
		if d.Outcome == engine.NotMatched && len(d.Effects) == 0 {
			continue
		}
		row := record.Decision{Rule: d.Rule.Name, Outcome: string(d.Outcome), Reason: d.Reason, Effects: d.Effects}
		if d.Rule.Shadow {
			row.Mode = engine.ModeShadow
		}
		stored = append(stored, row)
	}
	return stored
}
