package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
	"heed/engine/state"
)

// Event is an event with all that is known of it.
type Event struct {
	record.Event
	// Body is the event's body, to the letter, if it is JSON; else its text as
	// a JSON string, with what is no UTF-8 replaced.
	Body json.RawMessage `json:"body"`
	// Facts are what the rules asked beyond the event, with the answers.
	Facts     json.RawMessage `json:"facts,omitempty"`
	Decisions []engine.Shown  `json:"decisions"`
	// OtherRules are the rules of the same set that did not decide the event,
	// since they do not listen to its type.
	OtherRules []OtherRule `json:"other_rules,omitempty"`
	Deliveries []Delivery  `json:"deliveries"`
	// Also are other events under the same id: its replays, and such as were
	// quarantined for reusing it.
	Also []Other `json:"also,omitempty"`
	// Answer says whether somebody was told of it.
	Answer Answer `json:"answer"`
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

// OtherRule is a rule that does not listen to an event.
type OtherRule struct {
	Rule string   `json:"rule"`
	On   []string `json:"on"`
}

func (s *Service) find(ctx context.Context, id string) (record.Event, error) {
	stored, ok, err := s.o.Store.Event(ctx, id)
	if err == nil && !ok {
		err = noEvent(id)
	}
	return stored, err
}

func noEvent(id string) error {
	return errorf(NotFound, "there is no event %q; it may never have come, or be older than the retention", id)
}

// Event returns an event with its deliveries and its decisions, explained.
func (s *Service) Event(ctx context.Context, id string) (*Event, error) {
	stored, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	shown := &Event{Event: stored, Body: body(stored.Body), Facts: stored.Facts, Decisions: []engine.Shown{}}
	if shown.Deliveries, err = s.deliveriesOf(ctx, stored.Seq); err != nil {
		return nil, err
	}
	s.decisionsOf(ctx, shown)
	if err := s.others(ctx, shown); err != nil {
		return nil, err
	}
	shown.Answer = s.answer(shown)
	s.masker(ctx).event(shown)
	return shown, nil
}

// others adds the other events under the same id, newest first, and the
// deliveries of those that are replays, oldest first.
func (s *Service) others(ctx context.Context, shown *Event) error {
	all, err := s.o.Store.EventsByID(ctx, shown.ID)
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(all) {
		if e.Seq == shown.Seq {
			continue
		}
		other := Other{Event: e}
		if e.Status == record.Replayed {
			made, err := s.deliveriesOf(ctx, e.Seq)
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

// decisionsOf adds the decisions: those of an event that came in explained, those
// of a firing as they were stored.
func (s *Service) decisionsOf(ctx context.Context, shown *Event) {
	switch shown.Status {
	case record.Accepted:
		s.explain(ctx, shown)
	case record.Timed, record.Replayed:
		for _, d := range shown.Event.Decisions {
			shown.Decisions = append(shown.Decisions, engine.ShowRecorded(d))
		}
	}
	for i := range shown.Decisions {
		d := &shown.Decisions[i]
		if rule := s.activeRule(d.Rule); len(d.Effects) > 0 && rule != nil && rule.Time != nil &&
			rule.Time.Location != time.UTC {
			d.Timezone = rule.Time.Location.String()
		}
		s.countingSince(ctx, d, shown.ReceivedAt)
	}
}

// countingSince says since when a rule has been counting where its count could
// have had older events: a new rule knows nothing of what came before it.
func (s *Service) countingSince(ctx context.Context, d *engine.Shown, at time.Time) {
	rule := s.activeRule(d.Rule)
	if rule == nil || rule.Time == nil || rule.Time.Count == nil {
		return
	}
	for i := range d.Effects {
		effect := &d.Effects[i]
		if effect.Effect != record.Counted {
			continue
		}
		since, err := s.o.Store.ScopeSince(ctx, rule.Time.Scope(state.BlockCount))
		window := cmp.Or(rule.Time.Count.Within, state.KeepMembers)
		if err == nil && at.Add(-window).Before(since) && since.Before(at) {
			d.Effects = slices.Clone(d.Effects)
			d.Effects[i].Since = since
		}
	}
}

// explain decides the event again, by the rule set that decided it, and adds what
// each of its rules made of the event, with every clause. What was stored then is
// what counts: where it differs, it is shown.
func (s *Service) explain(ctx context.Context, shown *Event) {
	stored := &shown.Event
	recorded := map[string]record.Decision{}
	for _, d := range stored.Decisions {
		recorded[d.Rule] = d
	}
	set, err := s.o.RuleSet(ctx, stored.RuleSet)
	var e event.Event
	if err == nil {
		e, err = event.Decode(stored.Body)
	}
	if err != nil {
		for _, d := range stored.Decisions {
			shown.Decisions = append(shown.Decisions, engine.ShowRecorded(d))
		}
		shown.Note = "the decisions cannot be explained: " + err.Error()
		return
	}
	engine.Identify(&e, stored)
	var known expression.Replayed
	if len(stored.Facts) > 0 {
		if err := json.Unmarshal(stored.Facts, &known); err != nil {
			shown.Note = "what the rules asked beyond the event cannot be read: " + err.Error()
		}
	}
	for _, d := range set.Explain(&e, stored.ReceivedAt, &expression.LookupLog{Resolver: known}) {
		now := d.Shown()
		if then, ok := recorded[now.Rule]; ok {
			now.Outcome, now.Reason, now.Effects = engine.Outcome(then.Outcome), then.Reason, then.Effects
		}
		shown.Decisions = append(shown.Decisions, now)
	}
	for _, rule := range set.Rules() {
		if rule.NotFor(e.Type) != "" {
			shown.OtherRules = append(shown.OtherRules, OtherRule{rule.Name, rule.On})
		}
	}
}
