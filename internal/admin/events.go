package admin

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/record"
)

// EventPage is a page of events, newest first and without their bodies.
type EventPage struct {
	Events []ListedEvent `json:"events"`
	// Next is the cursor of the next page; empty on the last.
	Next string `json:"next_cursor"`
}

// ListedEvent is an event in a list.
type ListedEvent struct {
	record.Event
	// User is the person whom the event is about.
	User string `json:"user,omitempty"`
	// Rules are those that matched, or whose state changed.
	Rules []string `json:"rules,omitempty"`
}

// EventQuery chooses events. Zero fields choose all.
type EventQuery struct {
	Type   string
	Source string
	Status record.Status
	// User is the person whom events are about.
	User string
	// Rule is a rule that decided otherwise than not_matched; Outcome is what it, or
	// any rule, decided: an outcome or an effect.
	Rule, Outcome string
	Since, Until  time.Time
	// Cursor is that of the page before.
	Cursor string
	Limit  int
	// Look, if not 0, is how many events are looked at for those of a rule or an
	// outcome: the page may then have fewer than there are, and Next goes on.
	Look int64
}

// target returns the query as the audit log shows it.
func (q EventQuery) target() string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+"="+value)
		}
	}
	moment := func(name string, t time.Time) {
		if !t.IsZero() {
			add(name, t.UTC().Format(time.RFC3339))
		}
	}
	add("type", q.Type)
	add("source", q.Source)
	add("user", q.User)
	add("rule", q.Rule)
	add("outcome", q.Outcome)
	moment("since", q.Since)
	moment("until", q.Until)
	return strings.Join(parts, "&")
}

// check refuses a status and an outcome that no event has, and a span that is none.
func (q *EventQuery) check() error {
	if q.Status != "" && !slices.Contains(record.Statuses, q.Status) {
		return errorf(Invalid, "status is accepted, quarantined, replayed or timed")
	}
	if err := checkSpan(q.Since, q.Until); err != nil {
		return err
	}
	return checkOutcome(q.Outcome)
}

// Events lists events, newest first and without their bodies.
func (s *Service) Events(ctx context.Context, q EventQuery) (page EventPage, err error) {
	if err := checkLimit(q.Limit); err != nil {
		return page, err
	}
	if err := q.check(); err != nil {
		return page, err
	}
	f := record.EventFilter{
		Type: q.Type, Source: q.Source, Status: q.Status, User: s.user(ctx, q.User),
		Rule: q.Rule, Outcome: q.Outcome, Since: q.Since, Until: q.Until,
		Limit: q.Limit + 1,
	}
	if f.Before, err = before(q.Cursor); err != nil {
		return page, err
	}
	if err := s.lookAt(ctx, &f, q); err != nil {
		return page, err
	}
	events, err := s.o.Store.Events(ctx, f)
	if f.After > 1 {
		page.Next = strconv.FormatInt(f.After+1, 10)
	}
	if len(events) > q.Limit {
		events = events[:q.Limit]
		page.Next = strconv.FormatInt(events[q.Limit-1].Seq, 10)
	}
	page.Events = []ListedEvent{}
	if err == nil {
		page.Events, err = s.listed(ctx, events, s.masker(ctx))
	}
	return page, err
}

// lookAt bounds how many events are looked at for those that no index finds.
func (s *Service) lookAt(ctx context.Context, f *record.EventFilter, q EventQuery) error {
	if q.Look == 0 || q.Rule == "" && q.Outcome == "" {
		return nil
	}
	last := f.Before
	if last == 0 {
		newest, err := s.o.Store.Events(ctx, record.EventFilter{Limit: 1})
		if err != nil || len(newest) == 0 {
			return err
		}
		last = newest[0].Seq + 1
	}
	f.After = max(last-q.Look-1, 0)
	return nil
}

// listed returns events as rows of a list.
func (s *Service) listed(ctx context.Context, events []record.Event, m *masker) ([]ListedEvent, error) {
	seqs := make([]int64, len(events))
	for i := range events {
		seqs[i] = events[i].Seq
	}
	users, err := s.o.Store.Users(ctx, seqs)
	list := make([]ListedEvent, 0, len(events))
	for i := range events {
		listed := ListedEvent{Event: events[i], User: m.id(users[events[i].Seq])}
		listed.Detail = m.text(listed.Detail)
		for _, d := range events[i].Decisions {
			if d.Outcome == string(engine.Matched) || len(d.Effects) > 0 {
				listed.Rules = append(listed.Rules, d.Rule)
			}
		}
		list = append(list, listed)
	}
	return list, err
}

// outcomes are what events can be chosen by: those of rules, and their effects.
var outcomes = slices.Concat(
	[]string{string(engine.Matched), string(engine.Unknown), string(engine.Errored)}, record.Effects)

func checkOutcome(outcome string) error {
	if outcome == "" || slices.Contains(outcomes, outcome) {
		return nil
	}
	return errorf(Invalid, "outcome is one of %s", strings.Join(outcomes, ", "))
}

// before reads a cursor.
func before(cursor string) (seq int64, err error) {
	if cursor == "" {
		return 0, nil
	}
	if seq, err = strconv.ParseInt(cursor, 10, 64); err != nil || seq < 1 {
		return 0, errCursor
	}
	return seq, nil
}

// Outcomes returns the outcomes and effects by which events can be chosen.
func Outcomes() []string { return slices.Clone(outcomes) }
