package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
)

// Event is an event as the API shows it whole.
type Event struct {
	record.Event
	// Body is the event's body, to the letter, if it is JSON; else its text as
	// a JSON string, with what is no UTF-8 replaced.
	Body json.RawMessage `json:"body"`
	// Facts are what the rules asked beyond the event, with the answers.
	Facts     json.RawMessage `json:"facts,omitempty"`
	Decisions []Decision      `json:"decisions"`
	// OtherRules are the rules of the same set that did not decide the event,
	// since they do not listen to its type.
	OtherRules []OtherRule `json:"other_rules,omitempty"`
	Deliveries []Delivery  `json:"deliveries"`
	// Also are other events under the same id: its replays, and such as were
	// quarantined for reusing it.
	Also []Other `json:"also,omitempty"`
	// Note says why decisions could not be explained.
	Note string `json:"note,omitempty"`
}

// Other is another event under the id of the one that is shown.
type Other struct {
	record.Event
	// Deliveries are the ids of those, among the deliveries of the event that is
	// shown, that a replay made.
	Deliveries []string `json:"deliveries,omitempty"`
}

// Decision is a rule's decision with its explanation.
type Decision struct {
	Rule    string             `json:"rule"`
	Outcome string             `json:"outcome"`
	Mode    string             `json:"mode"`
	Reason  string             `json:"reason,omitempty"`
	Explain *expression.Clause `json:"explain,omitempty"`
}

// OtherRule is a rule that does not listen to an event.
type OtherRule struct {
	Rule string   `json:"rule"`
	On   []string `json:"on"`
}

// Delivery is a delivery with its attempts, where they were asked for.
type Delivery struct {
	record.Delivery
	History []record.Attempt `json:"history,omitempty"`
}

const (
	defaultLimit = 50
	maxLimit     = 500
)

// limit reads ?limit; false if it answered that it is none.
func limit(w http.ResponseWriter, r *http.Request) (int, bool) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return defaultLimit, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		problem(w, http.StatusBadRequest, fmt.Sprintf("limit is a number from 1 to %d", maxLimit), nil)
		return 0, false
	}
	return n, true
}

func (a *api) events(w http.ResponseWriter, r *http.Request) {
	n, ok := limit(w, r)
	if !ok {
		return
	}
	query := r.URL.Query()
	filter := record.EventFilter{Type: query.Get("type"), Status: record.Status(query.Get("status")), Limit: n + 1}
	if filter.Status != "" && !slices.Contains(record.Statuses, filter.Status) {
		problem(w, http.StatusBadRequest, "status is accepted, quarantined or replayed", nil)
		return
	}
	if cursor := query.Get("cursor"); cursor != "" {
		before, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil || before < 1 {
			problem(w, http.StatusBadRequest, "cursor is not one that a page gave", nil)
			return
		}
		filter.Before = before
	}
	events, err := a.Store.Events(r.Context(), filter)
	if err != nil {
		a.broken(w, r, err)
		return
	}
	next := ""
	if len(events) > n {
		events = events[:n]
		next = strconv.FormatInt(events[n-1].Seq, 10)
	}
	write(w, http.StatusOK, map[string]any{"events": orEmpty(events), "next_cursor": next})
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// find gives the event that the request's path names, or answers why it cannot.
func (a *api) find(w http.ResponseWriter, r *http.Request) (record.Event, bool) {
	id := r.PathValue("id")
	stored, ok, err := a.Store.Event(r.Context(), id)
	switch {
	case err != nil:
		a.broken(w, r, err)
		return record.Event{}, false
	case !ok:
		problem(w, http.StatusNotFound, fmt.Sprintf("there is no event %q; it may never have come, or be older than the retention", id), nil)
	}
	return stored, ok
}

func (a *api) event(w http.ResponseWriter, r *http.Request) {
	stored, ok := a.find(w, r)
	if !ok {
		return
	}
	shown := Event{Event: stored, Body: body(stored.Body), Facts: stored.Facts, Decisions: []Decision{}, Deliveries: []Delivery{}}
	var err error
	if shown.Deliveries, err = a.deliveriesOf(r.Context(), stored.Seq); err != nil {
		a.broken(w, r, err)
		return
	}
	if stored.Status == record.Accepted {
		a.explain(r.Context(), &shown)
	}
	if err := a.others(r.Context(), &shown); err != nil {
		a.broken(w, r, err)
		return
	}
	write(w, http.StatusOK, shown)
}

// others adds the other events under the same id, newest first, and the
// deliveries of those that are replays, oldest first.
func (a *api) others(ctx context.Context, shown *Event) error {
	all, err := a.Store.EventsByID(ctx, shown.ID)
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(all) {
		if e.Seq == shown.Seq {
			continue
		}
		other := Other{Event: e}
		if e.Status == record.Replayed {
			made, err := a.deliveriesOf(ctx, e.Seq)
			if err != nil {
				return err
			}
			for i := range made {
				other.Deliveries = append(other.Deliveries, made[i].ID)
			}
			shown.Deliveries = append(shown.Deliveries, made...)
		}
		shown.Also = append(shown.Also, other)
	}
	slices.Reverse(shown.Also)
	return nil
}

func body(raw []byte) json.RawMessage {
	if json.Valid(raw) && utf8.Valid(raw) {
		return raw
	}
	text, _ := json.Marshal(string(raw)) // a string always can be
	return text
}

func (a *api) deliveriesOf(ctx context.Context, seq int64) ([]Delivery, error) {
	list := []Delivery{}
	filter := record.DeliveryFilter{EventSeq: seq, Limit: maxLimit}
	for {
		page, next, err := a.Store.Deliveries(ctx, filter)
		if err != nil {
			return nil, err
		}
		for i := range page {
			list = append(list, a.shown(&page[i]))
		}
		if next == "" {
			slices.Reverse(list) // oldest first: in the order of the rules
			return list, nil
		}
		filter.Before = next
	}
}

// explain decides the event once more, by the rule set that decided it, and
// adds what each rule of it had to do with the event, with every clause. What was
// stored then is what counts: where it differs, it is shown.
func (a *api) explain(ctx context.Context, shown *Event) {
	stored := &shown.Event
	recorded := map[string]record.Decision{}
	for _, d := range stored.Decisions {
		recorded[d.Rule] = d
	}
	set, err := a.RuleSet(ctx, stored.RuleSet)
	var e event.Event
	if err == nil {
		e, err = event.Decode(stored.Body)
	}
	if err != nil {
		for _, d := range stored.Decisions {
			shown.Decisions = append(shown.Decisions, Decision{Rule: d.Rule, Outcome: d.Outcome, Mode: engine.ModeLive, Reason: d.Reason})
		}
		shown.Note = "the decisions cannot be explained: " + err.Error()
		return
	}
	e.ID, e.ReceivedAt = stored.ID, stored.ReceivedAt
	var known expression.Replayed
	if len(stored.Facts) > 0 {
		if err := json.Unmarshal(stored.Facts, &known); err != nil {
			shown.Note = "what the rules asked beyond the event cannot be read: " + err.Error()
		}
	}
	for _, d := range set.Explain(&e, stored.ReceivedAt, &expression.LookupLog{Resolver: known}) {
		now := Decision{Rule: d.Rule.Name, Outcome: string(d.Outcome), Mode: engine.ModeLive, Reason: d.Reason, Explain: d.Explanation}
		if then, ok := recorded[now.Rule]; ok {
			now.Outcome, now.Reason = then.Outcome, then.Reason
		}
		shown.Decisions = append(shown.Decisions, now)
	}
	for _, rule := range set.Rules() {
		if rule.NotFor(e.Type) != "" {
			shown.OtherRules = append(shown.OtherRules, OtherRule{rule.Name, rule.On})
		}
	}
}

func (a *api) deliveries(w http.ResponseWriter, r *http.Request) {
	n, ok := limit(w, r)
	if !ok {
		return
	}
	query := r.URL.Query()
	filter := record.DeliveryFilter{State: record.State(query.Get("state")), Action: query.Get("action"), Rule: query.Get("rule"), Before: query.Get("cursor"), Limit: n}
	if filter.State != "" && !slices.Contains(record.States, filter.State) {
		problem(w, http.StatusBadRequest, "state is one of "+stateNames(), nil)
		return
	}
	page, next, err := a.Store.Deliveries(r.Context(), filter)
	if err != nil {
		a.broken(w, r, err)
		return
	}
	for i := range page {
		page[i] = a.shown(&page[i]).Delivery
	}
	write(w, http.StatusOK, map[string]any{"deliveries": orEmpty(page), "next_cursor": next})
}

// shown is a delivery as it is shown: what it waited for in the past is nobody's
// concern.
func (a *api) shown(d *record.Delivery) Delivery {
	if d.Waits != nil && !d.Waits.Until.IsZero() && d.Waits.Until.Before(a.Now()) {
		d.Waits = nil
	}
	return Delivery{Delivery: *d}
}

func stateNames() string {
	var names []string
	for _, s := range record.States {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

func (a *api) delivery(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	d, attempts, ok, err := a.Store.Delivery(r.Context(), id)
	switch {
	case err != nil:
		a.broken(w, r, err)
	case !ok:
		problem(w, http.StatusNotFound, fmt.Sprintf("there is no delivery %q", id), nil)
	default:
		shown := a.shown(&d)
		shown.History = orEmpty(attempts)
		write(w, http.StatusOK, shown)
	}
}
