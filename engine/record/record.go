// Package record owns the words for what heed remembers: events, the decisions
// on them, the deliveries these led to, and the attempts at each. It holds no
// behaviour, so that the intake which writes, the delivery loop which works
// and the admin listener which reads can share it without knowing each other.
package record

import (
	"encoding/json"
	"time"
)

// Status is what became of an event when it came in.
type Status string

// An accepted event was decided by the rules. A quarantined one was verified but
// could not be used; its bytes are kept and no rule ran. A replayed one was decided
// again, at a person's request and by the rules of that time, under the id of the
// event that it repeats. A timed one did not come as a request: a rule that waited or
// counted fired.
const (
	Accepted    Status = "accepted"
	Quarantined Status = "quarantined"
	Replayed    Status = "replayed"
	Timed       Status = "timed"
)

// Statuses are all statuses, in the order in which messages name them.
var Statuses = []Status{Accepted, Quarantined, Replayed, Timed}

// Event is one verified request as it is stored.
type Event struct {
	// Seq counts stored events from 1 in the order of their commits.
	Seq int64 `json:"seq"`
	// Source is the name of the source that it came from; heed for heed's own.
	Source string `json:"source"`
	// IDs names the source among whose ids the event's id must be unique; empty for
	// the published contract and heed's own events.
	IDs string `json:"-"`
	// ID is the event's id as its source gives it or, without one, the SHA-256 of
	// what it was made of, in hex. Among the same IDs it is unique among accepted
	// events; quarantined and replayed ones may share it.
	ID        string `json:"id"`
	Type      string `json:"type"`
	CompanyID string `json:"company_id,omitempty"`
	Status    Status `json:"status"`
	// Reason says why an event is quarantined: a short stable word such as "not_json"
	// or "id_reused".
	Reason string `json:"reason,omitempty"`
	// Detail says more of the reason, in a sentence.
	Detail     string    `json:"detail,omitempty"`
	ReceivedAt time.Time `json:"received_at"`
	// SignedAt is the event's own time: that in the signed timestamp header, or
	// what its source says.
	SignedAt time.Time `json:"signed_at"`
	// RuleSet is the hash of the rule set that decided the event; empty for a
	// quarantined one.
	RuleSet string `json:"rule_set,omitempty"`
	// Decisions are the outcomes other than not_matched: each rule that
	// listens to the type and is not named here did not match.
	Decisions []Decision `json:"-"`
	// Facts are what the rules asked beyond the event and the answers, in the
	// engine's own shape; empty if they asked nothing.
	Facts json.RawMessage `json:"-"`
	// Signature is the request's MAC, 32 bytes; of a replayed event that of the one
	// it repeats. It shows when a request is sent again under another id.
	Signature []byte `json:"-"`
	// Body is the raw body as it came; empty if the Original's has the same bytes.
	Body []byte `json:"-"`
	// Reuses counts, for an event that was quarantined since its signature is that
	// of the event Original, how often that came under ids other than its first.
	Reuses   int    `json:"reuses,omitempty"`
	Original string `json:"original,omitempty"`
	// Inert says that the event may trigger nothing: its source allows that only
	// for younger ones.
	Inert bool `json:"inert,omitempty"`
	// IDAlone says, of an event that is to be stored, that another with the same id
	// is the same event, whatever its body.
	IDAlone bool `json:"-"`
	// User is the person that an event to be stored is about, and UserKnown says
	// that this was looked at: it may be about nobody.
	User      string `json:"-"`
	UserKnown bool   `json:"-"`
	// Good says, of an event that is to be stored, that it shows that its source
	// works: it came from outside and was signed within the accepted window. An event
	// that was stored before shows nothing.
	Good bool `json:"-"`
}

// LastGood is the last new event that shows that its source works; its zero value
// says that there was none.
type LastGood struct {
	Seq int64
	At  time.Time // when it came
}

// Decision is what one rule made of one event.
type Decision struct {
	Rule    string `json:"rule"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
	// Mode is "shadow" for a rule that never sends; empty for live.
	Mode string `json:"mode,omitempty"`
	// Effects are what the rule's state made of it; empty for a rule without.
	Effects []Effect `json:"effects,omitempty"`
}

// State is where a delivery stands.
type State string

// Pending and Retrying deliveries will be sent when they are due; the others
// will not: Done was sent, Dead was given up, Held was never to be sent
// (--no-send), Discarded was taken out by a person.
const (
	Pending   State = "pending"
	Retrying  State = "retrying"
	Done      State = "done"
	Dead      State = "dead"
	Held      State = "held"
	Discarded State = "discarded"
)

// States are all states, in the order in which messages name them.
var States = []State{Pending, Retrying, Done, Dead, Held, Discarded}

// Delivery is one action of one rule for one event.
type Delivery struct {
	ID       string `json:"id"`
	EventSeq int64  `json:"-"`
	EventID  string `json:"event_id"`
	Rule     string `json:"rule"`
	// Action is the name of the configured action, Kind its kind when the request was
	// rendered.
	Action string `json:"action"`
	Kind   string `json:"kind"`
	State  State  `json:"state"`
	// Request is what is sent, rendered when the event was decided, in the
	// kind's own shape and without secrets. Empty when it could not be
	// rendered; the delivery is then dead from the start.
	Request   json.RawMessage `json:"request,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
	// DueAt is when a pending or retrying delivery is to be sent next.
	DueAt time.Time `json:"due_at,omitzero"`
	// Attempts counts the sends that were started; Spent counts those before the last
	// retry by a person, and Generation counts these retries.
	Attempts   int    `json:"attempts"`
	Spent      int    `json:"-"`
	Generation int    `json:"generation,omitempty"`
	LastError  string `json:"last_error,omitempty"`
	// Destination names where it goes, if that is narrower or wider than the action;
	// empty means the action.
	Destination string `json:"destination,omitempty"`
	// OrderKey is the value of the step's order_per; empty if it has none. Deliveries
	// of an action with the same key are sent in the order of their events.
	OrderKey string `json:"order_key,omitempty"`
	// Recipients is what became of each recipient so far, of a delivery that has
	// several.
	Recipients []Recipient `json:"recipients,omitempty"`
	// Waits says what a delivery that is due waits for; nil if it does not wait.
	Waits *Wait `json:"waits,omitempty"`
	// Alike is set on a delivery that was just claimed. It counts the attempts since
	// the last retry by a person that failed with LastError.
	Alike int `json:"-"`
	// Interrupted is set on a delivery that was just claimed. It says that the last
	// attempt was not completed: it may still be under way.
	Interrupted bool `json:"-"`
}

// Recipient is what became of one recipient of a delivery.
type Recipient struct {
	Address string `json:"address"`
	// State is Done, Dead for one that was refused for good, or Retrying.
	State State `json:"state"`
	// Error is why the recipient was refused.
	Error string `json:"error,omitempty"`
}

// Wait is what a delivery that is due waits for.
type Wait struct {
	// For is "rate", "retry_after", "failing" or "order".
	For string `json:"for"`
	// Until is when it can be sent at the earliest, if that is known.
	Until time.Time `json:"until,omitzero"`
}

// Attempt is one send of a delivery. It is written before the send and
// completed after it: one without an end was cut short by a crash.
type Attempt struct {
	N         int       `json:"n"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// Outcome is "done", "retry", "dead", or "interrupted".
	Outcome string `json:"outcome,omitempty"`
	Error   string `json:"error,omitempty"`
	// Response is the start of what the other side answered.
	Response string `json:"response,omitempty"`
}

// Process is one of those that share a store.
type Process struct {
	ID       string `json:"id"`
	Host     string `json:"host"`
	PID      int    `json:"pid"`
	AdminURL string `json:"admin_url,omitempty"`
	Version  string `json:"version"`
	// RuleSet is the hash of the rules that are active there.
	RuleSet   string    `json:"rules"`
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at"`
	// Skew is by how much its clock is ahead of the store's. Gone says that it has
	// been silent for a long time.
	Skew time.Duration `json:"-"`
	Gone bool          `json:"gone,omitempty"`
}

// RuleSet is the text of a rule set that was once active, so that its decisions can
// be explained later.
type RuleSet struct {
	Hash        string    `json:"hash"`
	ActivatedAt time.Time `json:"activated_at"`
	Files       []File    `json:"files"`
}

// File is one file of a rule set.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// EventFilter chooses events for a page, newest first. Zero fields choose all.
type EventFilter struct {
	Source string
	Type   string
	Types  []string // any of these
	Status Status
	// User is the person whom events are about.
	User string
	// Rule is a rule that decided otherwise than not_matched, Outcome an outcome or
	// an effect of that rule or, without one, of any.
	Rule, Outcome string
	// Since and Until bound when events came; Until is exclusive.
	Since, Until time.Time
	// Before is the Seq before which the page starts; 0 starts at the newest. After
	// is the Seq at which it ends, exclusively.
	Before, After int64
	Limit         int
}

// DeliveryFilter chooses deliveries, for a page newest first. Zero fields choose
// all.
type DeliveryFilter struct {
	ID string
	// IDs, if not nil, are those that are chosen.
	IDs      []string
	State    State
	Action   string
	Rule     string
	EventSeq int64
	// Look, if not 0, is how many deliveries are looked at for those of a rule or an
	// action: the page may then have fewer, and its cursor continues there.
	Look int
	// Before is the cursor that the page before this one gave; empty starts
	// at the newest.
	Before string
	Limit  int
}
