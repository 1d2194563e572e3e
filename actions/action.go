// Package actions owns what an action is: how a kind of action reads its
// configuration and a rule's parameters, renders a request from an event, and
// sends it. Each kind lives in a package of its own below this one, which
// imports this one and no other kind; internal/app registers them.
package actions

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"heed/engine/document"
	"heed/engine/expression"
	"heed/engine/record"
)

// Kind is a kind of action, such as slack or http.
type Kind interface {
	// Name is the key under which the configuration stands in a rule file.
	Name() string
	// Defaults are the settings of an action that does not set its own.
	Defaults() Settings
	// Configure reads an action's configuration and reports what is wrong with
	// it. The result must be usable for checking rules even then.
	Configure(c *Config) Action
	// Describe describes for editors what Configure and Step read.
	Describe() Description
}

// Action is one configured action. Rendering and sending are apart, so that a
// dry run is the same rendering without the sending. Both are safe for
// concurrent use.
type Action interface {
	// Step reads the parameters that a rule gives to the action, compiles them
	// and reports what is wrong with them.
	Step(p *Params) Step
	// Send sends a request that a Step of this kind rendered. It returns
	// within ctx, never panics on a request it does not understand, and never
	// puts a secret into the Outcome.
	Send(ctx context.Context, m Message) Outcome
}

// Step is one action of one rule, compiled.
type Step interface {
	// Render makes the request for an event: what would be sent, without
	// secrets, in the kind's own shape, ready for encoding/json. An error says
	// why there can be none, such as "data.userId is missing".
	Render(env *expression.Env) (any, error)
}

// Message is a rendered request on its way out.
type Message struct {
	// ID is the delivery's id, the same for every attempt, so that the other side
	// recognizes a repeat.
	ID string
	// Request is what Render made, as JSON.
	Request json.RawMessage
	// Attempt counts the sends of this message, from 1.
	Attempt int
	// Recipients is what became of each recipient in earlier attempts.
	Recipients []record.Recipient
}

// Destined is a Step that knows the destination of its requests. Deliveries to the same
// destination share its rate and its pauses. Those of other steps share the destination
// of their action.
type Destined interface {
	// Destination names where a request that the step rendered goes, without
	// secrets; empty for the action's own.
	Destination(request any) string
}

// Verdict is how a send ended.
type Verdict string

// A send is done, to be tried again, or dead, which means that no other try can help.
const (
	Done  Verdict = "done"
	Retry Verdict = "retry"
	Dead  Verdict = "dead"
)

// Cause is why a send that is to be tried again failed: it says something about the
// destination, or only about this delivery.
type Cause string

// The causes. A refused payload or recipient concerns only the delivery. A server that
// fails or cannot be reached would fail other deliveries as well. A server that throttles
// works, and wants a pause.
const (
	CauseDelivery  Cause = ""
	CauseServer    Cause = "server"
	CauseThrottled Cause = "throttled"
)

// Outcome is what became of a send.
type Outcome struct {
	Verdict Verdict
	// Cause says why a send that is to be tried again failed.
	Cause Cause
	// Error says what happened, for people. If the send is done it is empty, or says
	// what is not as intended.
	Error string
	// After is how long the other side asked to wait before the next try; zero
	// if it did not.
	After time.Duration
	// Attempts, if not zero, bounds how many attempts may fail with this Error, even if
	// the action's retry allows more.
	Attempts int
	// Response is the start of the other side's answer, at most 2 KiB.
	Response string
	// Recipients is what became of each recipient so far, for a delivery that has
	// several; the next attempt gets it again.
	Recipients []record.Recipient
}

// MaxResponse bounds Outcome.Response.
const MaxResponse = 2 << 10

// Settings are what every action can set in addition to its kind's own configuration.
type Settings struct {
	Retry RetryPolicy
	// Timeout bounds one attempt.
	Timeout time.Duration
	// Concurrency is how many attempts may run at once.
	Concurrency int
	// Rate is how many attempts may start per RatePer; zero is no limit.
	Rate    int
	RatePer time.Duration
	// AllowPrivate lets the action connect to loopback, link-local and private
	// addresses.
	AllowPrivate bool
}

// RetryPolicy says how often and how soon a failed attempt is repeated. The
// wait before attempt n+1 is random between zero and Min doubled n-1 times, at
// most Max (full jitter).
type RetryPolicy struct {
	Attempts int
	Min, Max time.Duration
}

// DefaultRetry keeps trying for about a day: an endpoint may be down for that
// long without losing anything.
var DefaultRetry = RetryPolicy{Attempts: 30, Min: 5 * time.Second, Max: 3 * time.Hour}

// Configured is an action under the name that rules use.
type Configured struct {
	Name string
	Kind string
	// Configuration tells whether the action's configuration has changed: it is
	// equal for equal ones.
	Configuration [32]byte
	Settings
	Action
}

// Registry is the set of kinds that a rule file can use.
type Registry struct{ kinds []Kind }

// NewRegistry makes a registry of the given kinds.
func NewRegistry(kinds ...Kind) *Registry { return &Registry{kinds} }

// Lookup finds a kind by its name.
func (r *Registry) Lookup(name string) (Kind, bool) {
	i := slices.IndexFunc(r.kinds, func(k Kind) bool { return k.Name() == name })
	if i < 0 {
		return nil, false
	}
	return r.kinds[i], true
}

// Names are the names of all kinds.
func (r *Registry) Names() []string {
	names := make([]string, len(r.kinds))
	for i, k := range r.kinds {
		names[i] = k.Name()
	}
	return names
}

// example is a kind for a hint: the one that the value names, else the first.
func (r *Registry) example(value *document.Node) string {
	if value.IsText() {
		if kind, ok := r.Lookup(value.Text()); ok {
			return kind.Name()
		}
	}
	return r.Names()[0]
}
