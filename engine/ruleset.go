// Package engine decides: it takes one event and one immutable rule set and determines,
// for each rule that listens to the event's type, whether it matched, why, and which
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

// A Rule is one compiled rule.
type Rule struct {
	// Name is unique in the rule set; the rule's history belongs to it.
	Name        string
	Description string
	// On lists the event types that the rule listens to.
	On        []string
	Condition *expression.Condition
	Steps     []Step
	// Time is what the rule remembers and waits for. It is nil for a rule that acts at
	// once.
	Time *Timing
	// Shadow means that the rule is decided and recorded, but never sends. ModeLine is
	// the line of its mode, or 0 if it has none.
	Shadow   bool
	ModeLine int
	// Was is the rule's name before it was renamed. Its state moves with it.
	Was string
	// Asks lists what the rule looks up beyond the event, without users and keys.
	Asks []expression.Query
	// Digest identifies the text of the rule.
	Digest string
	// File and Line say where the rule is written.
	File string
	Line int
}

// ActionNames returns the names of the actions that the rule takes.
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

// NotFor returns why the rule does not apply to events of a type, or "" if it does.
func (r *Rule) NotFor(eventType string) string {
	if slices.Contains(r.Types(), eventType) {
		return ""
	}
	return "the rule listens to " + strings.Join(r.Types(), ", ") + ", not to " + eventType
}

// A Step is one entry of a rule's "do".
type Step struct {
	// Action is the name of the configured action; Kind is its kind.
	Action, Kind string
	Renderer     Renderer
	// OrderPer, if not nil, gives the key within which the action's requests are sent in
	// event order.
	OrderPer *expression.Value
}

// MaxSteps is the maximum number of steps of all rules for one event type together. A
// store must be able to accept a delivery for each.
const MaxSteps = 20_000

// A Renderer makes the request of a step for an event, ready for encoding/json. It
// returns an error that says why if there can be none.
type Renderer interface {
	Render(env *expression.Env) (any, error)
}

// destined is a Renderer that knows the destination of its requests.
type destined interface{ Destination(request any) string }

// An Outcome is the result of a rule for an event.
type Outcome string

// The outcomes. A rule acts only on Matched. Unknown means that a value which the
// condition needs is missing or of another kind than declared.
const (
	Matched    Outcome = "matched"
	NotMatched Outcome = "not_matched"
	Unknown    Outcome = "unknown"
	Errored    Outcome = "error"
)

// The modes of a rule: live rules send their requests; shadow rules are only decided.
const (
	ModeLive   = "live"
	ModeShadow = "shadow"
)

// Mode returns the rule's mode.
func (r *Rule) Mode() string {
	if r.Shadow {
		return ModeShadow
	}
	return ModeLive
}

// A Decision is one rule's result for one event.
type Decision struct {
	Rule    *Rule
	Outcome Outcome
	// Reason says why the outcome is Unknown or Errored.
	Reason string
	// Requests are the requests of a matched rule, one for each step.
	Requests []Request
	// Inputs are what the event means to the rule's state: rows of these keys change. A
	// rule that did not match may have inputs too, from its reset or its unless.
	Inputs []state.Input
	// Effects are the results of the inputs. They are set when the event is committed.
	Effects []record.Effect
	// Explanation is set by Explain only.
	Explanation *expression.Clause
}

// A Request is a rendered step.
type Request struct {
	Action, Kind string
	// Body is what would be sent, in the kind's own format. It is empty if the step could
	// not be rendered; Problem then says why.
	Body    json.RawMessage
	Problem string
	// Destination names where the request goes. It is empty for the action's own
	// destination.
	Destination string
	// OrderKey is the value of the step's order_per, or empty.
	OrderKey string
}

// A RuleSet is a set of compiled rules. It is immutable and safe for concurrent use.
type RuleSet struct {
	hash    string
	catalog *event.Catalog
	tables  expression.Resolver
	rules   []*Rule
	byName  map[string]*Rule
	byType  map[string]*dispatch
	scopes  []state.Scope
}

// NewRuleSet returns a rule set. hash identifies the text it was compiled from. catalog
// determines the types of the events' fields. tables, which may be nil, answers the
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

// Hash returns the hash of the text that the rule set was compiled from.
func (s *RuleSet) Hash() string { return s.hash }

// Rules returns all rules, in the order in which they are written.
func (s *RuleSet) Rules() []*Rule { return s.rules }

// Names returns the names of the rules, in order.
func (s *RuleSet) Names() (names []string) {
	for _, rule := range s.rules {
		names = append(names, rule.Name)
	}
	return names
}

// Rule returns the rule of the given name, or nil.
func (s *RuleSet) Rule(name string) *Rule { return s.byName[name] }

// Scopes returns the scopes of the rules' state.
func (s *RuleSet) Scopes() []state.Scope { return s.scopes }

// Catalog returns the catalogue of event types, as extended by the rule file.
func (s *RuleSet) Catalog() *event.Catalog { return s.catalog }

// ListensTo reports whether any rule listens to the event type.
func (s *RuleSet) ListensTo(eventType string) bool { return s.byType[eventType] != nil }

// Only returns a rule set that has only the given rule.
func (s *RuleSet) Only(rule *Rule) *RuleSet {
	return NewRuleSet(s.hash, s.catalog, s.tables, []*Rule{rule})
}

// Unrendered returns a rule set whose steps render nothing, for callers that count alerts
// without looking at them.
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

// Evaluate decides an event by the rules that listen to its type. It returns the
// decisions other than NotMatched, in rule order: a rule that listens but is not among
// them did not match. The cost grows with the number of rules that the event could match,
// not with all rules. now is the time that rules see. lookups, which may be nil, answers
// and records what they look up beyond the event. Evaluate never fails: an error inside a
// rule is that rule's outcome.
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

// Explain decides an event like Evaluate, but returns the decision of every rule that
// listens to its type, with the value of every clause.
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

// decide adds what follows from the truth of a listener's condition to the decisions. The
// conditions of one rule are adjacent and make one decision.
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
		d.Inputs = append(d.Inputs, in) // one event cancels only once
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

// decision returns what follows from the truth of the rule's condition. left is how many
// more steps the event may lead to. Rule files with more steps are rejected, but the
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

// renderAll renders the requests of steps.
func renderAll(steps []Step, env *expression.Env) []Request {
	requests := make([]Request, len(steps))
	for i, step := range steps {
		requests[i] = step.render(env)
	}
	return requests
}

// maxRequest limits the size of a rendered request, which is stored with its event.
const maxRequest = 2 << 20

// render renders a step. If the step panics, only its own delivery fails, with the
// panic as the problem.
func (s Step) render(env *expression.Env) (r Request) {
	r = Request{Action: s.Action, Kind: s.Kind}
	defer func() {
		if cause := recover(); cause != nil {
			_ = env.Failure() // clear it, since it belongs to this step
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

// maxOrderKey limits the length of an order key, in bytes.
const maxOrderKey = 512

// orderKey returns the value of order_per. If there is none, the request must not be
// sent, since it would overtake requests that it should wait for.
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

// encode encodes JSON without HTML escapes, since people read these requests.
func encode(value any) (json.RawMessage, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buffer.Bytes(), "\n"), nil
}
