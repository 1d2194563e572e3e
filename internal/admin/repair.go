package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
)

// What a person changes: replays, retries, discards, and people forgotten.

// Replay is what a replay did, or would do, in the shape of a dry run.
type Replay struct {
	Event string `json:"event"`
	ID    string `json:"id"`
	// Sent says that the deliveries were stored and are on their way.
	Sent      bool               `json:"sent"`
	Decisions []ReplayedDecision `json:"decisions"`
}

// ReplayedDecision is what a rule of now makes of the event.
type ReplayedDecision struct {
	Rule    string             `json:"rule"`
	Outcome string             `json:"outcome"`
	Mode    string             `json:"mode"`
	Reason  string             `json:"reason,omitempty"`
	Explain *expression.Clause `json:"explain,omitempty"`
	Actions []ReplayedAction   `json:"actions"`
}

// ReplayedAction is a request of such a decision.
type ReplayedAction struct {
	Action  string          `json:"action"`
	Kind    string          `json:"kind"`
	Request json.RawMessage `json:"request,omitempty"`
	Problem string          `json:"problem,omitempty"`
	// Delivery is the id of its delivery, if it was sent.
	Delivery string `json:"delivery,omitempty"`
}

// replay takes {"send": true|false}.
func (a *api) replay(w http.ResponseWriter, r *http.Request) {
	var wish struct {
		Send bool `json:"send"`
	}
	if !readBody(w, r, &wish) {
		return
	}
	if a.Replay == nil {
		problem(w, http.StatusConflict, "a replay decides by the rules of a running server: start heed serve first", nil)
		return
	}
	stored, ok := a.find(w, r)
	if !ok {
		return
	}
	decisions, deliveries, err := a.Options.Replay(r.Context(), stored, wish.Send)
	if _, garbage := errors.AsType[*event.DecodeError](err); garbage {
		problem(w, http.StatusConflict, err.Error(), nil)
		return
	}
	if err != nil {
		a.broken(w, r, err)
		return
	}
	write(w, http.StatusOK, replayOf(&stored, wish.Send, decisions, deliveries))
}

func replayOf(stored *record.Event, sent bool, decisions []engine.Decision, deliveries []record.Delivery) Replay {
	replay := Replay{Event: stored.Type, ID: stored.ID, Sent: sent, Decisions: []ReplayedDecision{}}
	for _, d := range decisions {
		shown := ReplayedDecision{
			Rule: d.Rule.Name, Outcome: string(d.Outcome), Mode: engine.ModeLive, Reason: d.Reason, Explain: d.Explanation, Actions: []ReplayedAction{},
		}
		for _, request := range d.Requests {
			action := ReplayedAction{Action: request.Action, Kind: request.Kind, Request: request.Body, Problem: request.Problem}
			if sent {
				action.Delivery = deliveries[0].ID
			}
			deliveries = deliveries[1:] // one for each request, in their order
			shown.Actions = append(shown.Actions, action)
		}
		replay.Decisions = append(replay.Decisions, shown)
	}
	return replay
}

// readBody reads a request's small JSON body; an empty one leaves into as it
// is. It answers a body that is none, and then returns false.
func readBody(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		problem(w, http.StatusBadRequest, "the body is not what this takes: "+err.Error(), nil)
		return false
	}
	return true
}

func (a *api) retry(w http.ResponseWriter, r *http.Request) {
	a.changeOne(w, r, retriable, func(ctx context.Context, f record.DeliveryFilter) (int, error) { return a.Store.Retry(ctx, f, a.Now()) })
}

func (a *api) discard(w http.ResponseWriter, r *http.Request) {
	a.changeOne(w, r, discardable, a.Store.Discard)
}

// obstacle says why a delivery cannot be changed so; empty if it can.
type obstacle func(*record.Delivery) string

func retriable(d *record.Delivery) string {
	switch {
	case d.State == record.Pending:
		return "it is on its way already"
	case len(d.Request) == 0:
		return "it could not be rendered, so there is nothing to send: mend the rule and replay the event"
	default:
		return ""
	}
}

func discardable(d *record.Delivery) string {
	if d.State == record.Done || d.State == record.Discarded {
		return "it is " + string(d.State) + " already"
	}
	return ""
}

type change func(context.Context, record.DeliveryFilter) (int, error)

// changeOne answers with the delivery as it is afterwards, or 409 and why not.
func (a *api) changeOne(w http.ResponseWriter, r *http.Request, hinders obstacle, apply change) {
	id := r.PathValue("id")
	d, _, ok, err := a.Store.Delivery(r.Context(), id)
	switch {
	case err != nil:
		a.broken(w, r, err)
		return
	case !ok:
		problem(w, http.StatusNotFound, fmt.Sprintf("there is no delivery %q", id), nil)
		return
	}
	reason, changed := hinders(&d), 0
	if reason == "" {
		reason = "it is being sent right now"
		if changed, err = apply(r.Context(), record.DeliveryFilter{ID: id}); err != nil {
			a.broken(w, r, err)
			return
		}
	}
	if changed == 0 {
		problem(w, http.StatusConflict, fmt.Sprintf("the delivery %s cannot be changed so: %s", id, reason), nil)
		return
	}
	a.Log.Info("delivery changed by a person", "delivery", id, "event", d.EventID,
		"rule", d.Rule, "action", d.Action, "kind", d.Kind, "was", d.State)
	a.delivery(w, r)
}

// chosen is which deliveries a change of many takes.
type chosen struct {
	State  record.State `json:"state"`
	Action string       `json:"action"`
	Rule   string       `json:"rule"`
	// CountOnly asks how many there are and changes nothing.
	CountOnly bool `json:"count_only"`
}

func (a *api) retryMany(w http.ResponseWriter, r *http.Request) {
	a.changeMany(w, r, retriable, func(ctx context.Context, f record.DeliveryFilter) (int, error) { return a.Store.Retry(ctx, f, a.Now()) })
}

func (a *api) discardMany(w http.ResponseWriter, r *http.Request) {
	a.changeMany(w, r, discardable, a.Store.Discard)
}

// changeMany answers {"matching": n} or, when something was changed,
// {"changed": n}.
func (a *api) changeMany(w http.ResponseWriter, r *http.Request, hinders obstacle, apply change) {
	var c chosen
	if !readBody(w, r, &c) {
		return
	}
	filter := record.DeliveryFilter{State: c.State, Action: c.Action, Rule: c.Rule}
	switch {
	case filter == record.DeliveryFilter{}:
		problem(w, http.StatusBadRequest, "name a state, an action or a rule: this is for some deliveries, not for all", nil)
		return
	case c.State != "" && !slices.Contains(record.States, c.State):
		problem(w, http.StatusBadRequest, "state is one of "+stateNames(), nil)
		return
	}
	if c.CountOnly {
		n, err := a.count(r.Context(), filter, hinders)
		if err != nil {
			a.broken(w, r, err)
			return
		}
		write(w, http.StatusOK, map[string]int{"matching": n})
		return
	}
	n, err := apply(r.Context(), filter)
	if err != nil {
		a.broken(w, r, err)
		return
	}
	a.Log.Info("deliveries changed by a person", "path", r.URL.Path, "state", c.State, "action", c.Action, "rule", c.Rule, "count", n)
	write(w, http.StatusOK, map[string]int{"changed": n})
}

// count counts what a change of many would take: not what was sent, unless it
// is asked for by its state.
func (a *api) count(ctx context.Context, f record.DeliveryFilter, hinders obstacle) (n int, err error) {
	f.Limit = maxLimit
	for {
		page, next, err := a.Store.Deliveries(ctx, f)
		if err != nil {
			return 0, err
		}
		for i := range page {
			if hinders(&page[i]) == "" && (page[i].State != record.Done || f.State == record.Done) {
				n++
			}
		}
		if next == "" {
			return n, nil
		}
		f.Before = next
	}
}

// forget takes {"user": "u-1"} and answers {"events": n}.
func (a *api) forget(w http.ResponseWriter, r *http.Request) {
	var wish struct {
		User string `json:"user"`
	}
	if !readBody(w, r, &wish) {
		return
	}
	if strings.TrimSpace(wish.User) == "" {
		problem(w, http.StatusBadRequest, "name the user by the userId of the events", nil)
		return
	}
	n, err := a.Store.Forget(r.Context(), wish.User)
	if err != nil {
		a.broken(w, r, err)
		return
	}
	a.Log.Info("a user's events were forgotten", "events", n)
	write(w, http.StatusOK, map[string]int{"events": n})
}
