// Package engine decides: it takes one event and one immutable set of rules and says
// for each rule that listens to the event's type whether it matched, why, and which
// requests follow. It does no I/O and has no clock of its own. The receiver, dry run,
// tests and replay all use it.
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
	"heed/engine/record"
	"heed/engine/state"
)

// Rule is one compiled rule.
type Rule struct {
	// Name is unique in the rule set; the rule's history belongs to it.
	Name        string
	Description string
	// On are the event types that the rule listens to.
	On        []string
	Condition *expression.Condition
	Steps     []Step
	// Time is what the rule remembers and waits for; nil for a rule that acts at
	// once.
	Time *Timing
	// Shadow says that the rule is decided and recorded, and never sends; ModeLine is
	// where its mode is written, 0 if it is not.
	Shadow   bool
	ModeLine int
	// Was is the rule's name before it was renamed; its state moves with it.
	Was string
	// Asks is what the rule looks up beyond the event, without users and keys.
	Asks []expression.Query
	// Digest identifies the text of the rule.
	Digest string
	// File and Line say where the rule is written.
	File string
	Line int
}

// ActionNames are the names of the actions that the rule takes.
func (r *Rule) ActionNames() (names []string) {
	all := slices.Clone(r.Steps)
	if r.Time != nil {
		all = append(all, slices.Concat(r.Time.WaitSteps...)...)
		all = append(all, r.Time.Rest...)
	}
	for _, step := range all {
		if !slices.Contains(names, step.Action) {
			names = append(names, step.Action)
		}
	}
	return names
}

// NotFor says why the rule has nothing to do with events of a type; empty if it
// has.
func (r *Rule) NotFor(eventType string) string {
	if slices.Contains(r.Types(), eventType) {
		return ""
	}
	return "the rule listens to " + strings.Join(r.Types(), ", ") + ", not to " + eventType
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

// destined is a Renderer that knows the destination of its requests.
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

// The modes of a rule: its requests are sent, or it is only decided.
const (
	ModeLive   = "live"
	ModeShadow = "shadow"
)

// Mode is the rule's mode.
func (r *Rule) Mode() string {
	if r.Shadow {
		return ModeShadow
	}
	return ModeLive
}

// Decision is what one rule made of one event.
type Decision struct {
	Rule    *Rule
	Outcome Outcome
	// Reason says why the outcome is Unknown or Errored.
	Reason string
	// Requests are what a matched rule wants sent, one for each step.
	Requests []Request
	// Inputs are what the event means to the rule's state: rows of these keys
	// change. A rule that did not match may have some, of its reset or its unless.
	Inputs []state.Input
	// Effects are what became of the inputs, set when the event is committed.
	Effects []record.Effect
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
	// Destination names where it goes; empty for the action's own destination.
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
	byName  map[string]*Rule
	byType  map[string]*dispatch
	scopes  []state.Scope
}

// NewRuleSet makes a rule set. hash identifies the text it was compiled from;
// the catalogue types the events' fields; tables, which may be nil, answer the
// rules' lookups.
func NewRuleSet(hash string, catalog *event.Catalog, tables expression.Resolver, rules []*Rule) *RuleSet {
	listening := map[string][]listener{}
	for _, rule := range rules {
		for _, eventType := range rule.Types() {
			listening[eventType] = append(listening[eventType], rule.listeners(eventType)...)
		}
	}
	s := &RuleSet{
		hash: hash, catalog: catalog, tables: tables, rules: rules,
		byName: map[string]*Rule{}, byType: map[string]*dispatch{},
	}
	for _, rule := range rules {
		s.byName[rule.Name] = rule
		if rule.Time != nil {
			s.scopes = append(s.scopes, rule.Time.Scopes()...)
		}
	}
	for eventType, listeners := range listening {
		s.byType[eventType] = newDispatch(listeners)
	}
	return s
}

// Hash identifies the text that the rule set was compiled from.
func (s *RuleSet) Hash() string { return s.hash }

// Rules are all rules in the order in which they are written.
func (s *RuleSet) Rules() []*Rule { return s.rules }

// Names are the names of the rules, in their order.
func (s *RuleSet) Names() (names []string) {
	for _, rule := range s.rules {
		names = append(names, rule.Name)
	}
	return names
}

// Rule finds a rule by its name; nil if there is none.
func (s *RuleSet) Rule(name string) *Rule { return s.byName[name] }

// Scopes are the scopes of the state that the rules keep.
func (s *RuleSet) Scopes() []state.Scope { return s.scopes }

// Catalog is the catalogue of event types, widened by the rule file.
func (s *RuleSet) Catalog() *event.Catalog { return s.catalog }

// ListensTo says whether any rule names the event type.
func (s *RuleSet) ListensTo(eventType string) bool { return s.byType[eventType] != nil }

// Only is the rule set without the other rules.
func (s *RuleSet) Only(rule *Rule) *RuleSet {
	return NewRuleSet(s.hash, s.catalog, s.tables, []*Rule{rule})
}

// Unrendered is the rule set with steps that render nothing, for callers that count
// alerts and do not look at them.
func (s *RuleSet) Unrendered() *RuleSet {
	rules := make([]*Rule, len(s.rules))
	for i, rule := range s.rules {
		own := *rule
		own.Steps = unrendered(rule.Steps)
		if rule.Time != nil {
			t := *rule.Time
			t.WaitSteps, t.Rest = slices.Clone(t.WaitSteps), unrendered(t.Rest)
			for j, steps := range t.WaitSteps {
				t.WaitSteps[j] = unrendered(steps)
			}
			own.Time = &t
		}
		rules[i] = &own
	}
	return NewRuleSet(s.hash, s.catalog, s.tables, rules)
}

func unrendered(steps []Step) []Step {
	steps = slices.Clone(steps)
	for i := range steps {
		steps[i].Renderer, steps[i].OrderPer = nothing{}, nil
	}
	return steps
}

// nothing is a Renderer that renders nothing.
type nothing struct{}

// Render implements Renderer.
func (nothing) Render(*expression.Env) (any, error) { return nil, nil }

// Evaluate decides an event by the rules that listen to its type and returns the
// decisions other than NotMatched, in the order of the rules: a rule that listens and
// is not among them did not match. Its cost grows with the rules that the event could
// match, not with all rules. now is what rules see as now. lookups, which may be nil,
// answers what they ask beyond the event and records it. Evaluate never fails: what
// goes wrong inside a rule is that rule's outcome.
func (s *RuleSet) Evaluate(e *event.Event, now time.Time, lookups *expression.LookupLog) []Decision {
	listening := s.byType[e.Type]
	if listening == nil {
		return nil
	}
	env := s.env(e, now, lookups)
	var decisions []Decision
	left := MaxSteps
	var buffer [64]int
	for _, at := range listening.candidates(env, buffer[:0]) {
		truth, reason := listening.conditions[at].Eval(env)
		if truth != expression.False {
			decisions = listening.all[at].decide(env, e, truth, reason, decisions, &left)
		}
	}
	return decisions
}

// Explain decides an event as Evaluate does and gives the decision of every
// rule that listens to its type, with the value of every clause.
func (s *RuleSet) Explain(e *event.Event, now time.Time, lookups *expression.LookupLog) []Decision {
	listening := s.byType[e.Type]
	if listening == nil {
		return nil
	}
	env := s.env(e, now, lookups)
	var decisions []Decision
	left := MaxSteps
	for i := range listening.all {
		l := &listening.all[i]
		truth, reason := l.condition.Eval(env)
		if l.role == roleWhen || truth == expression.True {
			decisions = l.decide(env, e, truth, reason, decisions, &left)
		}
		if l.role == roleWhen {
			decisions[len(decisions)-1].Explanation = l.condition.Explain(env)
		}
	}
	return decisions
}

// decide adds what follows from the truth of a listener's condition to the decisions.
// The conditions of one rule come one after another and make one decision.
func (l *listener) decide(
	env *expression.Env, e *event.Event, truth expression.Truth, reason string, decisions []Decision, left *int,
) []Decision {
	if l.role == roleWhen {
		d := l.rule.decision(env, e, truth, reason, left)
		if last := len(decisions) - 1; last >= 0 && decisions[last].Rule == l.rule {
			d.Inputs = append(decisions[last].Inputs, d.Inputs...)
			decisions = decisions[:last]
		}
		return append(decisions, d)
	}
	if truth != expression.True {
		return decisions // an unknown unless or reset has no effect
	}
	in := mark(e, state.Cancel)
	if l.role == roleReset {
		in.Kind = state.Reset
	}
	key, missing := l.per.eval(env)
	if missing != "" {
		return decisions
	}
	in.Key = key
	if last := len(decisions) - 1; last < 0 || decisions[last].Rule != l.rule {
		decisions = append(decisions, Decision{Rule: l.rule, Outcome: NotMatched})
	}
	d := &decisions[len(decisions)-1]
	if l.role == roleReset || !slices.ContainsFunc(d.Inputs,
		func(in state.Input) bool { return in.Kind == state.Cancel }) {
		d.Inputs = append(d.Inputs, in) // one event cancels once
	}
	return decisions
}

func (s *RuleSet) env(e *event.Event, now time.Time, lookups *expression.LookupLog) *expression.Env {
	env := expression.NewEnv(e, s.catalog.Lookup(e.Type), now)
	env.SetLookups(lookups, s.tables)
	return env
}

var outcomes = map[expression.Truth]Outcome{
	expression.True: Matched, expression.False: NotMatched, expression.Undecided: Unknown, expression.Failed: Errored,
}

// decision is what follows from the truth of the rule's condition. left is how many
// more steps the event may lead to. Rule files with more steps are refused, but the
// event must be storable whatever the rules are.
func (r *Rule) decision(
	env *expression.Env, e *event.Event, truth expression.Truth, reason string, left *int,
) Decision {
	d := Decision{Rule: r, Outcome: outcomes[truth], Reason: reason}
	if d.Outcome == Matched && len(r.Steps) > *left {
		d.Outcome, d.Reason = Errored, fmt.Sprintf("the event would lead to more than %d deliveries", MaxSteps)
	}
	if d.Outcome == Matched && r.Time != nil {
		in, missing := r.Time.input(env, e)
		if missing != "" {
			d.Outcome, d.Reason = Unknown, missing
			return d
		}
		d.Inputs = []state.Input{in}
	}
	if d.Outcome == Matched && (r.Time == nil || r.Time.Plain()) {
		*left -= len(r.Steps)
		d.Requests = renderAll(r.Steps, env)
	}
	return d
}

// renderAll makes the requests of steps.
func renderAll(steps []Step, env *expression.Env) []Request {
	requests := make([]Request, len(steps))
	for i, step := range steps {
		requests[i] = step.render(env)
	}
	return requests
}

// maxRequest bounds a rendered request, which is stored with its event.
const maxRequest = 2 << 20

// render renders a step. If the step panics, only its own delivery fails, with the
// panic as the problem.
func (s Step) render(env *expression.Env) (r Request) {
	r = Request{Action: s.Action, Kind: s.Kind}
	defer func() {
		if cause := recover(); cause != nil {
			_ = env.Failure() // clear it: it belongs to this step
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
