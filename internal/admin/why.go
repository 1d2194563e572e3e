package admin

import (
	"context"
	"slices"
	"strconv"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/record"
)

// WhyQuery asks what rules made of events. Zero fields choose all.
type WhyQuery struct {
	User, Rule, Event, Source string
	// Outcome is an outcome or an effect.
	Outcome      string
	Since, Until time.Time
	Cursor       string
	Limit        int // of events
}

// WhyPage are decisions, those of the newest event first.
type WhyPage struct {
	Entries []WhyEntry `json:"entries"`
	// Next is the cursor of the next page; empty on the last.
	Next string `json:"next_cursor"`
}

// WhyEntry is what one rule made of one event, or of a time that came.
type WhyEntry struct {
	EventID string        `json:"event_id"`
	Event   string        `json:"event"`
	Source  string        `json:"source"`
	Status  record.Status `json:"status"`
	At      time.Time     `json:"at"`
	User    string        `json:"user,omitempty"`
	engine.Shown
	Deliveries []WhyDelivery `json:"deliveries,omitempty"`
}

// WhyDelivery is a delivery that followed.
type WhyDelivery struct {
	ID     string       `json:"id"`
	Action string       `json:"action"`
	State  record.State `json:"state"`
}

// Why says what rules made of events: of a person's, of one event, or by one
// rule. Rules that did not match are left out unless one event or one rule is
// asked for.
func (s *Service) Why(ctx context.Context, q WhyQuery) (page WhyPage, err error) {
	page.Entries = []WhyEntry{}
	if err := checkSpan(q.Since, q.Until); err != nil {
		return page, err
	}
	if err := checkOutcome(q.Outcome); err != nil {
		return page, err
	}
	events, next, err := s.whyEvents(ctx, q)
	if err != nil {
		return page, err
	}
	page.Next = next
	for _, e := range events {
		entries, err := s.whyOf(ctx, e.Seq, q)
		if err != nil {
			return page, err
		}
		page.Entries = append(page.Entries, entries...)
	}
	return page, nil
}

// whyEvents returns the events to look at, newest first and without bodies.
func (s *Service) whyEvents(ctx context.Context, q WhyQuery) (events []record.Event, next string, err error) {
	if q.Event != "" {
		events, err = s.o.Store.EventsByID(ctx, q.Event)
		if err == nil && len(events) == 0 {
			err = noEvent(q.Event)
		}
		return events, "", err
	}
	if err := checkLimit(q.Limit); err != nil {
		return nil, "", err
	}
	f := record.EventFilter{
		Source: q.Source, User: s.user(ctx, q.User), Outcome: q.Outcome, Since: q.Since, Until: q.Until,
		Limit: q.Limit + 1,
	}
	if f.Before, err = before(q.Cursor); err != nil {
		return nil, "", err
	}
	// A rule that does not match is not recorded: its events are those of its
	// types. Without a running server only what was recorded is found.
	f.Rule = q.Rule
	if rule := s.activeRule(q.Rule); rule != nil && q.Outcome == "" {
		f.Rule, f.Types = "", append(rule.Types(), event.TimedType)
	}
	if events, err = s.o.Store.Events(ctx, f); err != nil {
		return nil, "", err
	}
	if len(events) > q.Limit {
		events = events[:q.Limit]
		next = strconv.FormatInt(events[q.Limit-1].Seq, 10)
	}
	return events, next, nil
}

func (s *Service) activeRule(name string) *engine.Rule {
	if name == "" || s.o.Rules == nil {
		return nil
	}
	return s.o.Rules().Rule(name)
}

func (s *Service) whyOf(ctx context.Context, seq int64, q WhyQuery) (entries []WhyEntry, err error) {
	stored, ok, err := s.o.Store.EventBySeq(ctx, seq)
	if err != nil || !ok {
		return nil, err // it was deleted meanwhile
	}
	shown := &Event{Event: stored}
	s.decisionsOf(ctx, shown)
	m := s.masker(ctx)
	m.learn(&stored)
	m.shown(shown.Decisions)
	deliveries, err := s.deliveriesOf(ctx, seq)
	if err != nil {
		return nil, err
	}
	user := ""
	if e, err := event.Decode(stored.Body); err == nil {
		user = m.id(e.User())
	}
	for _, d := range shown.Decisions {
		quietly := d.Outcome == engine.NotMatched && len(d.Effects) == 0
		if q.Rule != "" && d.Rule != q.Rule || quietly && q.Rule == "" && q.Event == "" ||
			q.Outcome != "" && !has(&d, q.Outcome) {
			continue
		}
		entry := WhyEntry{
			EventID: stored.ID, Event: stored.Type, Source: stored.Source, Status: stored.Status,
			At: stored.ReceivedAt, User: user, Shown: d,
		}
		for i := range deliveries {
			if deliveries[i].Rule == d.Rule {
				entry.Deliveries = append(entry.Deliveries, WhyDelivery{
					deliveries[i].ID, deliveries[i].Action,
					deliveries[i].State,
				})
			}
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// has reports whether a decision has an outcome or an effect.
func has(d *engine.Shown, outcome string) bool {
	return string(d.Outcome) == outcome ||
		slices.ContainsFunc(d.Effects, func(e record.Effect) bool { return e.Effect == outcome })
}
