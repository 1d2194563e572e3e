package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
	"heed/engine/ruletest"
	"heed/engine/state"
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

// target is the query as the audit log has it.
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

// listed are events as they stand in a list.
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

// Event is an event with its decisions, explained, and its deliveries.
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

// Outcomes are the outcomes and effects by which events can be chosen.
func Outcomes() []string { return slices.Clone(outcomes) }
