package record

import "time"

// An Audit is a record of something that a person did.
type Audit struct {
	ID int64     `json:"id"`
	At time.Time `json:"at"`
	// Who is the name of the token; Role is the role it had.
	Who  string `json:"who"`
	Role string `json:"role"`
	// What is a short stable word, such as "retry". Target is what it was done to: an ID,
	// or the filter that selected the targets.
	What   string `json:"what"`
	Target string `json:"target,omitempty"`
	// N is the number of targets.
	N int `json:"n"`
	// Result is "ok" or the reason for the failure.
	Result string `json:"result"`
}

// A DeadDelivery is what grouping needs to know about a dead delivery.
type DeadDelivery struct {
	ID, EventID, Rule, Action, Kind string
	CreatedAt                       time.Time
	LastError                       string
	// Renderable reports whether there is a request that can be sent again.
	Renderable bool
}

// An HourCount counts what arrived in an hour.
type HourCount struct {
	Hour time.Time `json:"hour"`
	N    int       `json:"n"`
}
