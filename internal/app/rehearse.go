package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine"
	"heed/engine/event"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/source"
)

// Past is an event that is to have come at a time.
type Past struct {
	At   time.Time
	Body []byte
}

// Rehearse stores events as if they had come at their times, which ascend, and lets
// end say how each attempt to send what follows ended: nothing is sent. The demo
// fills its store with it. It is called before Run.
func (a *App) Rehearse(ctx context.Context, past []Past, end func(*record.Delivery) delivery.End) error {
	var now time.Time
	o := a.intake.Options
	o.Now, o.NoSend = func() time.Time { return now }, false
	o.Stored = a.observePast
	in, err := intake.New(o)
	if err != nil {
		return err
	}
	of := a.sources().Find(source.Mindtickle)
	if of == nil {
		return nil // these rules have other sources
	}
	for i, p := range past {
		now = p.At
		if err := a.fireDue(ctx, in, now); err != nil {
			return err
		}
		signature := sha256.Sum256(fmt.Appendf(nil, "rehearsal %d", i))
		_, err := in.Accept(ctx, intake.Request{
			Source: of, ID: fmt.Sprintf("evt-%s-%03d", p.At.UTC().Format("0102"), i), SignedAt: p.At.Add(-time.Second),
			Signature: signature[:], Body: p.Body,
		})
		if err != nil {
			return err
		}
		if err := a.endDue(ctx, now.Add(time.Second), end); err != nil {
			return err
		}
	}
	now = time.Now()
	if err := errors.Join(a.fireDue(ctx, in, now), a.endDue(ctx, now.Add(time.Second), end)); err != nil {
		return err
	}
	if list := a.tallies.take(); len(list) > 0 {
		return a.store.AddTallies(ctx, list)
	}
	return nil
}

// observePast counts what became of an event of the past. Nobody is told of it.
func (a *App) observePast(
	_ context.Context, e *record.Event, _ *event.Event, decisions []engine.Decision, _ []record.Delivery,
) {
	a.tallies.add(e, decisions)
}

// fireDue fires what rules wait for up to a time.
func (a *App) fireDue(ctx context.Context, in *intake.Intake, now time.Time) error {
	due, _, err := a.store.DueRows(ctx, intake.DueQuery{Now: now, Limit: 100, Scopes: a.ruleSet().Scopes()})
	if err != nil || len(due) == 0 {
		return err
	}
	_, err = in.Fire(ctx, due)
	return err
}

// endDue claims what is due and ends it, as if it had been sent.
func (a *App) endDue(ctx context.Context, now time.Time, end func(*record.Delivery) delivery.End) error {
	const owner = "rehearsal"
	due, _, err := a.store.DueActions(ctx, now, a.actionNames())
	if err != nil || len(due) == 0 {
		return err
	}
	takes := make([]delivery.Take, len(due))
	for i, name := range due {
		takes[i] = delivery.Take{Action: name, N: 100, Lease: time.Hour, Timeout: time.Minute}
	}
	claimed, err := a.store.Exchange(ctx, owner, now, nil, takes)
	if err != nil || len(claimed.Deliveries) == 0 {
		return err
	}
	ends := make([]delivery.End, len(claimed.Deliveries))
	for i := range claimed.Deliveries {
		d := &claimed.Deliveries[i]
		ends[i] = end(d)
		ends[i].ID, ends[i].StartedAt, ends[i].At = d.ID, now, now.Add(420*time.Millisecond)
		if ends[i].State == record.Dead {
			a.tallies.gaveUp(d.Rule, now)
		}
		a.tallies.ended(d.Action, ends[i].State, now)
	}
	_, err = a.store.Exchange(ctx, owner, now.Add(time.Second), ends, nil)
	return err
}

// Arrived is the end of an attempt that arrived.
func Arrived() delivery.End {
	return delivery.End{State: record.Done, Outcome: actions.Outcome{Verdict: actions.Done, Response: "ok"}}
}

// Refused is the end of an attempt that the other side refused for good.
func Refused(why string) delivery.End {
	outcome := actions.Outcome{Verdict: actions.Dead, Error: why, Response: why}
	return delivery.End{State: record.Dead, Error: why, Outcome: outcome}
}
