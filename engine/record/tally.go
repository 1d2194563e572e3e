package record

import "time"

// Tally counts what became of events in an hour. For a rule, Outcome is an outcome
// or an effect, or unknown and why; with an empty Rule it is an event type.
type Tally struct {
	Rule    string
	Hour    time.Time
	Outcome string
	N       int
}
