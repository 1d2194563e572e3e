package console

import (
	"net/http"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/ruletest"
	"heed/internal/admin"
)

type eventData struct {
	*admin.Event
	User    string
	Moments []admin.Moment
	// Active says whether a rule is active still, so that it has a page.
	Quiet []engine.Shown // those that had nothing to do with it
	Loud  []engine.Shown
}

func (c *console) event(q *request) (answer, error) {
	e, err := c.Service.Event(q.ctx(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	for i := range e.Deliveries { // the timeline has the attempts
		if full, err := c.Service.Delivery(q.ctx(), e.Deliveries[i].ID); err == nil && i < maxTimeline {
			e.Deliveries[i].History = full.History
		}
	}
	d := eventData{Event: e, User: userOf(e.Body), Moments: e.Timeline()}
	for _, decision := range e.Decisions {
		if decision.Outcome == engine.NotMatched && len(decision.Effects) == 0 {
			d.Quiet = append(d.Quiet, decision)
		} else {
			d.Loud = append(d.Loud, decision)
		}
	}
	return view{
		Title: "Event " + e.ID, Nav: "Events", Template: "event", Data: d,
		Command: "heed events show " + quoted(e.ID), API: "/api/v1/events/" + admin.Segment(e.ID),
	}, nil
}

// maxTimeline is for how many deliveries the timeline shows the attempts.
const maxTimeline = 20

func userOf(body []byte) string {
	e, err := event.Decode(body)
	if err != nil {
		return ""
	}
	return e.User()
}

// fixture returns only the event, without personal values, for tests and dry runs.
func (c *console) fixture(q *request) (answer, error) {
	e, err := c.Service.Event(q.ctx(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	redacted, err := ruletest.Redact([]ruletest.Fixture{{File: e.ID, Source: e.Source, Body: e.Body}}, event.Standard())
	if err != nil {
		return nil, &pageError{
			http.StatusConflict,
			"Its body is not an event, so it cannot be made a fixture: " + e.Reason + ".",
		}
	}
	return download{"event.json", "application/json", append(redacted[0].Body, '\n')}, nil
}

// replayData is what a replay would do, next to the first decision.
type replayData struct {
	ID    string
	Rules []replayedRule
	// Messages is how many would be sent.
	Messages int
}

type replayedRule struct {
	admin.ReplayedDecision
	Before  engine.Outcome // empty where the rule did not decide it then
	Differs bool
}

func (c *console) previewReplay(q *request) (answer, error) {
	id := q.PathValue("id")
	e, err := c.Service.Event(q.ctx(), id)
	if err != nil {
		return nil, err
	}
	replay, err := c.Service.Replay(q.ctx(), id, false)
	if err != nil {
		return nil, err
	}
	before := map[string]engine.Outcome{}
	for i := range e.Decisions {
		before[e.Decisions[i].Rule] = e.Decisions[i].Outcome
	}
	d := replayData{ID: e.ID}
	for _, decision := range replay.Decisions {
		rule := replayedRule{ReplayedDecision: decision, Before: before[decision.Rule]}
		rule.Differs = rule.Before != decision.Outcome
		d.Messages += decision.Messages()
		d.Rules = append(d.Rules, rule)
	}
	return view{
		Title: "Replay " + e.ID, Nav: "Events", Template: "replay", Data: d,
		Command: "heed events replay " + quoted(e.ID),
	}, nil
}

func (c *console) replay(q *request) (answer, error) {
	replay, err := c.Service.Replay(q.ctx(), q.PathValue("id"), true)
	if err != nil {
		return nil, err
	}
	return done("/ui/events/"+admin.Segment(replay.ID), "replayed", replay.Messages()), nil
}
