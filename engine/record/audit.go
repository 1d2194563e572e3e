package record

import "time"

// Audit is one thing that a person did.
type Audit struct {
	ID int64     `json:"id"`
	At time.Time `json:"at"`
	// Who is the name of the token, Role the role that it had.
	Who  string `json:"who"`
	Role string `json:"role"`
	// What is a short stable word, such as "retry". Target is what it was done to: an
	// id, or the filter that chose the targets.
	What   string `json:"what"`
	Target string `json:"target,omitempty"`
	// N is how many things it was done to.
	N int `json:"n"`
	// Result is "ok" or why it failed.
	Result string `json:"result"`
}

// DeadDelivery is what the groups of dead deliveries need to know about each.
type DeadDelivery struct {
	ID, EventID, Rule, Action, Kind string
	CreatedAt                       time.Time
	LastError                       string
	// Renderable says that there is a request, so that it can be sent again.
	Renderable bool
}

// HourCount is what came in an hour.
type HourCount struct {
	Hour time.Time `json:"hour"`
	N    int       `json:"n"`
}
