// Package record defines what heed remembers: events, the decisions on them, the
// deliveries these led to, and the attempts at each. It holds no behaviour, so that the
// intake, which writes, the delivery loop, which works, and the admin listener, which
// reads, can share it without knowing each other.
package record

import (
	"encoding/json"
	"time"
)

// A Status is what became of an event when it arrived.
type Status string

// An accepted event was decided by the rules. A quarantined one was verified but could
// not be used: its bytes are kept and no rule ran. A replayed one was decided again, at a
// person's request and by the rules of that time, under the ID of the event it repeats. A
// timed one did not arrive as a request: a rule that waited or counted fired.
const (
	Accepted    Status = "accepted"
	Quarantined Status = "quarantined"
	Replayed    Status = "replayed"
	Timed       Status = "timed"
)

// Statuses lists all statuses, in the order in which messages name them.
var Statuses = []Status{Accepted, Quarantined, Replayed, Timed}

// An Event is one verified request as it is stored.
type Event struct {
	// Seq counts stored events from 1 in the order of their commits.
	Seq int64 `json:"seq"`
	// Source is the name of the event's source; heed for heed's own events.
	Source string `json:"source"`
	// IDs names the source within which the event's ID must be unique. It is empty for
	// the published contract and heed's own events.
	IDs string `json:"-"`
	// ID is the event's ID as given by its source or, if there is none, the SHA-256, in
	// hex, of what the event was made of. It is unique among accepted events with the
	// same IDs; quarantined and replayed events may share it.
	ID        string `json:"id"`
	Type      string `json:"type"`
	CompanyID string `json:"company_id,omitempty"`
	Status    Status `json:"status"`
	// Reason says why an event is quarantined: a short stable word such as "not_json"
	// or "id_reused".
	Reason string `json:"reason,omitempty"`
	// Detail explains the reason in a sentence.
	Detail     string    `json:"detail,omitempty"`
	ReceivedAt time.Time `json:"received_at"`
	// SignedAt is the event's own time: the signed timestamp header, or what its source
	// says.
	SignedAt time.Time `json:"signed_at"`
	// RuleSet is the hash of the rule set that decided the event; empty for a
	// quarantined one.
	RuleSet string `json:"rule_set,omitempty"`
	// Decisions are the outcomes other than not_matched. A rule that listens to the type
	// and is not listed here did not match.
	Decisions []Decision `json:"-"`
	// Facts are the rules' lookups beyond the event and their answers, in the engine's
	// own format; empty if there were none.
	Facts json.RawMessage `json:"-"`
	// Signature is the request's MAC, 32 bytes. A replayed event has that of the event it
	// repeats. It reveals a request that is sent again under another ID.
	Signature []byte `json:"-"`
	// Body is the raw body as received. It is empty if the Original's has the same bytes.
	Body []byte `json:"-"`
	// Reuses is set for an event quarantined because its signature is that of the event
	// Original. It counts how often that request arrived under IDs other than its first.
	Reuses   int    `json:"reuses,omitempty"`
	Original string `json:"original,omitempty"`
	// Inert means that the event may trigger nothing: its source lets only newer events
	// do so.
	Inert bool `json:"inert,omitempty"`
	// IDAlone means, for an event to be stored, that another event with the same ID is
	// the same event, whatever its body.
	IDAlone bool `json:"-"`
	// User is the person that an event to be stored is about. UserKnown reports whether
	// this was determined; the event may be about nobody.
	User      string `json:"-"`
	UserKnown bool   `json:"-"`
	// Good means, for an event to be stored, that it shows that its source works: it came
	// from outside and was signed within the accepted window. An event already stored
	// shows nothing.
	Good bool `json:"-"`
}

// LastGood is the last new event that shows that its source works; the zero value if
// there was none.
type LastGood struct {
	Seq int64
	At  time.Time // when it arrived
}

// A Decision is one rule's decision on one event.
type Decision struct {
	Rule    string `json:"rule"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
	// Mode is "shadow" for a rule that never sends; empty for live.
	Mode string `json:"mode,omitempty"`
	// Effects are the effects on the rule's state; empty for a rule without state.
	Effects []Effect `json:"effects,omitempty"`
}

// A State is the state of a delivery.
type State string

// Pending and Retrying deliveries will be sent when they are due. The others will not:
// Done was sent, Dead was given up, Held was never to be sent (--no-send), Discarded was
// removed by a person.
const (
	Pending   State = "pending"
	Retrying  State = "retrying"
	Done      State = "done"
	Dead      State = "dead"
	Held      State = "held"
	Discarded State = "discarded"
)

// States lists all states, in the order in which messages name them.
var States = []State{Pending, Retrying, Done, Dead, Held, Discarded}

// A Delivery is one action of one rule for one event.
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
	// Request is what is sent. It is rendered when the event is decided, in the kind's
	// own format and without secrets. It is empty if it could not be rendered; the
	// delivery is then dead from the start.
	Request   json.RawMessage `json:"request,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
	// DueAt is when a pending or retrying delivery is next sent.
	DueAt time.Time `json:"due_at,omitzero"`
	// Attempts counts the sends that were started. Spent counts those before the last
	// retry by a person, and Generation counts such retries.
	Attempts   int    `json:"attempts"`
	Spent      int    `json:"-"`
	Generation int    `json:"generation,omitempty"`
	LastError  string `json:"last_error,omitempty"`
	// Destination names where it goes, if that is narrower or wider than the action;
	// empty means the action itself.
	Destination string `json:"destination,omitempty"`
	// OrderKey is the value of the step's order_per, or empty. Deliveries of an action
	// with the same key are sent in event order.
	OrderKey string `json:"order_key,omitempty"`
	// Recipients are the results so far for each recipient, if there are several.
	Recipients []Recipient `json:"recipients,omitempty"`
	// Waits says what a due delivery waits for; nil if it does not wait.
	Waits *Wait `json:"waits,omitempty"`
	// Alike is set only on a delivery that was just claimed. It counts the attempts since
	// the last retry by a person that failed with LastError.
	Alike int `json:"-"`
	// Interrupted is set only on a delivery that was just claimed. It means that the last
	// attempt was not completed, and may still be in flight.
	Interrupted bool `json:"-"`
}

// A Recipient is the result for one recipient of a delivery.
type Recipient struct {
	Address string `json:"address"`
	// State is Done, Dead if the recipient was permanently refused, or Retrying.
	State State `json:"state"`
	// Error is why the recipient was refused.
	Error string `json:"error,omitempty"`
}

// A Wait is what a due delivery waits for.
type Wait struct {
	// For is "rate", "retry_after", "failing" or "order".
	For string `json:"for"`
	// Until is the earliest time at which it can be sent, if known.
	Until time.Time `json:"until,omitzero"`
}

// An Attempt is one send of a delivery. It is written before the send and completed
// afterwards; an attempt without an end was interrupted by a crash.
type Attempt struct {
	N         int       `json:"n"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// Outcome is "done", "retry", "dead", or "interrupted".
	Outcome string `json:"outcome,omitempty"`
	Error   string `json:"error,omitempty"`
	// Response is the start of the response.
	Response string `json:"response,omitempty"`
}

// A Process is one of the processes that share a store.
type Process struct {
	ID       string `json:"id"`
	Host     string `json:"host"`
	PID      int    `json:"pid"`
	AdminURL string `json:"admin_url,omitempty"`
	Version  string `json:"version"`
	// RuleSet is the hash of the rules active in the process.
	RuleSet   string    `json:"rules"`
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at"`
	// Skew is how far its clock is ahead of the store's. Gone reports that the process
	// has been silent for a long time.
	Skew time.Duration `json:"-"`
	Gone bool          `json:"gone,omitempty"`
}

// A RuleSet is the text of a rule set that was once active, kept so that its decisions
// can be explained later.
type RuleSet struct {
	Hash        string    `json:"hash"`
	ActivatedAt time.Time `json:"activated_at"`
	Files       []File    `json:"files"`
}

// A File is one file of a rule set.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// An EventFilter selects events for a page, newest first. Zero fields select everything.
type EventFilter struct {
	Source string
	Type   string
	Types  []string // any of these
	Status Status
	// User is the person whom events are about.
	User string
	// Rule selects events on which the rule's decision is other than not_matched. Outcome
	// selects an outcome or an effect, of that rule or, without one, of any.
	Rule, Outcome string
	// Since and Until limit when events arrived; Until is exclusive.
	Since, Until time.Time
	// Before is the Seq before which the page starts; 0 starts at the newest. After is
	// the Seq at which it ends, exclusively.
	Before, After int64
	Limit         int
}

// A DeliveryFilter selects deliveries, newest first for a page. Zero fields select
// everything.
type DeliveryFilter struct {
	ID string
	// IDs, if not nil, selects the deliveries with these IDs.
	IDs      []string
	State    State
	Action   string
	Rule     string
	EventSeq int64
	// Look, if not 0, limits how many deliveries are searched for those of a rule or an
	// action. The page may then have fewer, and its cursor continues there.
	Look int
	// Before is the cursor returned with the previous page; empty starts at the newest.
	Before string
	Limit  int
}
