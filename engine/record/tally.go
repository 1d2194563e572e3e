package record

import "time"

// A Tally counts the results of events in an hour. For a rule, Outcome is an outcome or
// an effect, or unknown with the reason. If Rule is empty, Outcome is an event type.
type Tally struct {
	Rule    string
	Hour    time.Time
	Outcome string
	N       int
}

// A TallySum is the sum of the tallies of a rule and an outcome since several times.
type TallySum struct {
	Rule    string
	Outcome string
	N       []int     // one for each of the times
	Last    time.Time // the newest hour
}

// GivenUp is the outcome under which a rule's given-up deliveries are counted.
const GivenUp = "given_up"
