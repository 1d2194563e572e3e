package admin

import (
	"context"
	"errors"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/ruletest"
)

// Replay is what a replay did, or would do, in the shape of a dry run.
type Replay struct {
	Event string `json:"event"`
	ID    string `json:"id"`
	// Sent says that the deliveries were stored and are on their way.
	Sent      bool               `json:"sent"`
	Decisions []ReplayedDecision `json:"decisions"`
}

// ReplayedDecision is what a current rule makes of the event.
type ReplayedDecision struct {
	engine.Shown
	Actions []ReplayedAction `json:"actions"`
}

// Messages counts what goes out, or would: a rule in shadow mode sends nothing, nor
// is a request sent that could not be rendered.
func (d *ReplayedDecision) Messages() (n int) {
	if d.Mode == engine.ModeShadow {
		return 0
	}
	for i := range d.Actions {
		if d.Actions[i].Problem == "" {
			n++
		}
	}
	return n
}

// Messages counts what goes out, or would, by all rules.
func (r *Replay) Messages() (n int) {
	for i := range r.Decisions {
		n += r.Decisions[i].Messages()
	}
	return n
}

// ReplayedAction is a request of such a decision.
type ReplayedAction struct {
	ruletest.Action
	// Delivery is the id of its delivery, if it was sent.
	Delivery string `json:"delivery,omitempty"`
}

// Replay decides an event by the current rules; with send, what follows is sent.
func (s *Service) Replay(ctx context.Context, id string, send bool) (r Replay, err error) {
	r, err = s.replay(ctx, id, send)
	if send {
		s.note(ctx, "replay", "event="+id, r.Messages(), err)
	}
	return r, err
}

func (s *Service) replay(ctx context.Context, id string, send bool) (Replay, error) {
	if s.o.Replay == nil {
		return Replay{}, errorf(Conflict,
			"a replay decides by the rules of a running server: start heed serve first")
	}
	stored, err := s.find(ctx, id)
	if err != nil {
		return Replay{}, err
	}
	decisions, deliveries, err := s.o.Replay(ctx, stored, send)
	if _, garbage := errors.AsType[*event.DecodeError](err); garbage {
		return Replay{}, errorf(Conflict, "%v", err)
	}
	if err != nil {
		return Replay{}, err
	}
	replay := Replay{Event: stored.Type, ID: stored.ID, Sent: send, Decisions: []ReplayedDecision{}}
	for _, d := range decisions {
		shown := ReplayedDecision{d.Shown(), []ReplayedAction{}}
		for _, r := range d.Requests {
			action := ReplayedAction{
				Action: ruletest.Action{Action: r.Action, Kind: r.Kind, Request: r.Body, Problem: r.Problem},
			}
			if !d.Rule.Shadow { // which has requests to look at, and no deliveries
				if send {
					action.Delivery = deliveries[0].ID
				}
				deliveries = deliveries[1:] // one for each request, in their order
			}
			shown.Actions = append(shown.Actions, action)
		}
		replay.Decisions = append(replay.Decisions, shown)
	}
	s.masker(ctx).replay(&stored, &replay)
	return replay, nil
}
