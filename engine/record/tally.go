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

// TallySum is the tallies of a rule and an outcome since some times.
type TallySum struct {
	Rule    string
	Outcome string
	N       []int     // one for each of the times
	Last    time.Time // the newest hour
}

// GivenUp is the outcome that counts the deliveries of a rule that were given up.
const GivenUp = "given_up"
