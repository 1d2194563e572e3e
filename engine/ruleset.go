// Package engine decides: it takes one event and one immutable set of rules
// and says for each rule that listens to the event's type whether it matched,
// why, and which requests follow. It does no I/O and has no clock of its own.
// The receiver's way, dry run, tests and replay all come through here.
package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"heed/engine/event"
	"heed/engine/expression"
)

// Rule is one compiled rule.
type Rule struct {
	// Name is unique in the rule set; the rule's history hangs on it.
	Name        string
	Description string
	// On are the event types that the rule listens to.
	On        []string
	Condition *expression.Condition
	Steps     []Step
	// Asks is what the rule asks beyond the event, without users and keys.
	Asks []expression.Query
	// File and Line say where the rule is written.
	File string
	Line int
}

// NotFor says why the rule has nothing to do with events of a type; empty if it
// has.
func (r *Rule) NotFor(eventType string) string {
	if slices.Contains(r.On, eventType) {
		return ""
	}
	return "the rule listens to " + strings.Join(r.On, ", ") + ", not to " + eventType
}

// Step is one entry of a rule's "do".
type Step struct {
	// Action is the configured action's name, Kind its kind.
	Action, Kind string
	Renderer     Renderer
	// OrderPer, if not nil, gives the key within which the action's requests are
	// sent in the order of their events.
	OrderPer *expression.Value
}

// MaxSteps is how many steps the rules for one event type may have together. A
// store must be able to take a delivery for each.
const MaxSteps = 20_000

// Renderer makes the request of a step for an event, ready for encoding/json.
// Its error says why there can be none.
type Renderer interface {
	Render(env *expression.Env) (any, error)
}

// destined is a Renderer that knows where a request goes.
type destined interface{ Destination(request any) string }

// Outcome is what became of a rule on an event.
type Outcome string

// The outcomes. A rule acts on Matched only. Unknown means that a value the
// condition needs is missing or of another kind than declared.
const (
	Matched    Outcome = "matched"
	NotMatched Outcome = "not_matched"
	Unknown    Outcome = "unknown"
	Errored    Outcome = "error"
)

// ModeLive is the mode of a rule whose requests are sent.
const ModeLive = "live"

// Decision is what one rule made of one event.
type Decision struct {
	Rule    *Rule
	Outcome Outcome
	// Reason says why the outcome is Unknown or Errored.
	Reason string
	// Requests are what a matched rule wants sent, one for each step.
	Requests []Request
	// Explanation is set by Explain only.
	Explanation *expression.Clause
}

// Request is a rendered step.
type Request struct {
	Action, Kind string
	// Body is what would be sent, in the kind's own shape; empty when the
	// step could not be rendered, and Problem says why.
	Body    json.RawMessage
	Problem string
	// Destination names where it goes, if not where all of its action's go.
	Destination string
	// OrderKey is the value of the step's order_per; empty if it has none.
	OrderKey string
}

// RuleSet is a set of compiled rules. It is immutable and safe for concurrent
// use.
type RuleSet struct {
	hash    string
	catalog *event.Catalog
	tables  expression.Resolver
	rules   []*Rule
	byType  map[string]*dispatch
}

// NewRuleSet makes a rule set. hash identifies the text it was compiled from;
// the catalogue types the events' fields; tables, which may be nil, answer the
// rules' lookups.
func NewRuleSet(hash string, catalog *event.Catalog, tables expression.Resolver, rules []*Rule) *RuleSet {
	listening := map[string][]*Rule{}
	for _, rule := range rules {
		for _, eventType := range rule.On {
			listening[eventType] = append(listening[eventType], rule)
		}
	}
	s := &RuleSet{hash: hash, catalog: catalog, tables: tables, rules: rules, byType: map[string]*dispatch{}}
	for eventType, rules := range listening {
		s.byType[eventType] = newDispatch(rules)
	}
	return s
}

// Hash identifies the text that the rule set was compiled from.
func (s *RuleSet) Hash() string { return s.hash }

// Rules are all rules in the order in which they are written.
func (s *RuleSet) Rules() []*Rule { return s.rules }

// Catalog is the catalogue of event types, widened by the rule file.
func (s *RuleSet) Catalog() *event.Catalog { return s.catalog }

// ListensTo says whether any rule names the event type.
func (s *RuleSet) ListensTo(eventType string) bool { return s.byType[eventType] != nil }

// Only is the rule set without the other rules.
func (s *RuleSet) Only(rule *Rule) *RuleSet {
	return NewRuleSet(s.hash, s.catalog, s.tables, []*Rule{rule})
}

// Evaluate decides an event by the rules that listen to its type and gives the
// decisions other than NotMatched, in the order of the rules: a rule that
// listens and is not among them did not match. It costs with the rules that
// the event could match, not with all there are. now is what rules see as now;
// the inquiry, which may be nil, answers what they ask beyond the event and
// keeps what it was asked. It never fails: what goes wrong inside a rule is that
// rule's outcome.
func (s *RuleSet) Evaluate(e *event.Event, now time.Time, inquiry *expression.LookupLog) []Decision {
	listening := s.byType[e.Type]
	if listening == nil {
		return nil
	}
	env := s.env(e, now, inquiry)
	var decisions []Decision
	left := MaxSteps
	var buffer [64]int
	for _, at := range listening.candidates(env, buffer[:0]) {
		truth, reason := listening.conditions[at].Eval(env)
		if truth != expression.False {
			decisions = append(decisions, listening.rules[at].decision(env, truth, reason, &left))
		}
	}
	return decisions
}

// Explain decides an event as Evaluate does and gives the decision of every
// rule that listens to its type, with the value of every clause.
func (s *RuleSet) Explain(e *event.Event, now time.Time, inquiry *expression.LookupLog) []Decision {
	listening := s.byType[e.Type]
	if listening == nil {
		return nil
	}
	env := s.env(e, now, inquiry)
	decisions := make([]Decision, len(listening.rules))
	left := MaxSteps
	for i, rule := range listening.rules {
		truth, reason := rule.Condition.Eval(env)
		decisions[i] = rule.decision(env, truth, reason, &left)
		decisions[i].Explanation = rule.Condition.Explain(env)
	}
	return decisions
}

func (s *RuleSet) env(e *event.Event, now time.Time, inquiry *expression.LookupLog) *expression.Env {
	env := expression.NewEnv(e, s.catalog.Lookup(e.Type), now)
	env.SetLookups(inquiry, s.tables)
	return env
}

var outcomes = map[expression.Truth]Outcome{
	expression.True: Matched, expression.False: NotMatched, expression.Undecided: Unknown, expression.Failed: Errored,
}

// decision is what follows from the truth of the rule's condition. left is how
// many steps the event may still lead to: rule files with more are refused, but
// whatever the rules are, the event must be storable.
func (r *Rule) decision(env *expression.Env, truth expression.Truth, reason string, left *int) Decision {
	d := Decision{Rule: r, Outcome: outcomes[truth], Reason: reason}
	if d.Outcome == Matched && len(r.Steps) > *left {
		d.Outcome, d.Reason = Errored, fmt.Sprintf("the event would lead to more than %d deliveries", MaxSteps)
	}
	if d.Outcome == Matched {
		*left -= len(r.Steps)
		d.Requests = make([]Request, len(r.Steps))
		for i, step := range r.Steps {
			d.Requests[i] = step.render(env)
		}
	}
	return d
}

// maxRequest bounds a rendered request, which is stored with its event.
const maxRequest = 2 << 20

// render keeps a step that panics from taking the engine down with it: the
// request then cannot be made, which is the delivery's problem alone.
func (s Step) render(env *expression.Env) (r Request) {
	r = Request{Action: s.Action, Kind: s.Kind}
	defer func() {
		if cause := recover(); cause != nil {
			_ = env.Failure() // it is this step's
			r.Body, r.Problem = nil, fmt.Sprintf("rendering broke: %v", cause)
		}
	}()
	request, err := s.Renderer.Render(env)
	if failure := env.Failure(); err == nil {
		err = failure
	}
	if err == nil {
		r.OrderKey, err = s.orderKey(env)
	}
	if err == nil {
		r.Body, err = encode(request)
	}
	if d, ok := s.Renderer.(destined); ok && err == nil {
		r.Destination = d.Destination(request)
	}
	if len(r.Body) > maxRequest {
		err = fmt.Errorf("the request would have %d bytes, more than %d", len(r.Body), maxRequest)
	}
	if err != nil {
		r.Body, r.Problem = nil, err.Error()
	}
	return r
}

// maxOrderKey bounds an order key, in bytes.
const maxOrderKey = 512

// orderKey is the value of order_per. Without one the request must not be sent:
// it would overtake those it should wait for.
func (s Step) orderKey(env *expression.Env) (string, error) {
	if s.OrderPer == nil {
		return "", nil
	}
	value, unknown := s.OrderPer.Eval(env)
	if unknown != nil {
		return "", fmt.Errorf("order_per has no value: %s", unknown.Reason())
	}
	key := expression.Text(value)
	if key == "" || len(key) > maxOrderKey {
		return "", fmt.Errorf("order_per gives a text of %d bytes; 1 to %d are possible", len(key), maxOrderKey)
	}
	return key, nil
}

// encode writes JSON without the escapes that are meant for HTML, since people
// read these requests.
func encode(value any) (json.RawMessage, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buffer.Bytes(), "\n"), nil
}
