package record

import "time"

// An Effect is what time and state made of a decision: why an alert was sent, delayed, or
// not sent.
type Effect struct {
	// Effect is one of the words below.
	Effect string `json:"effect"`
	// Reason says why an effect is Skipped. "still" means that the rule's still condition
	// no longer held.
	Reason string `json:"reason,omitempty"`
	Key    string `json:"key,omitempty"`
	// By is the ID of the event that caused the effect, and ByAt its time. Of is the ID
	// of the event that it happened to, if that is a different one.
	By   string    `json:"by,omitempty"`
	ByAt time.Time `json:"by_at,omitzero"`
	Of   string    `json:"of,omitempty"`
	// Limit says how much of a limit is used, such as "1 of 1 today (UTC)", or
	// why a rule is muted.
	Limit string `json:"limit,omitempty"`
	// Next is when the alert is due, or the earliest time of the next one.
	Next time.Time `json:"next,omitzero"`
	// Step is the step of a wait, from 1, or 0 if the wait has only one.
	Step int `json:"step,omitempty"`
	// Since is when the rule began to count, if its window reaches back further: earlier
	// events do not count. It is set in explanations, but not in records.
	Since time.Time `json:"since,omitzero"`
}

// The effects.
const (
	Sent         = "sent"
	Counted      = "counted"
	Reset        = "reset"
	Waiting      = "waiting"
	Cancelled    = "cancelled" // a pending wait was ended
	Cleared      = "cleared"   // a start was ended at once by a cancel that came before it
	TooLate      = "too_late"  // a cancel came after the step was sent
	Collected    = "collected"
	DelayedQuiet = "delayed_quiet"
	DroppedQuiet = "dropped_quiet"
	Throttled    = "throttled"
	Muted        = "muted"
	Overflow     = "overflow" // too many keys
	Skipped      = "skipped"
	Forgotten    = "forgotten"
)

// The reasons of Skipped.
const (
	Past       = "past"
	Superseded = "superseded"
	Edited     = "edited"
	Removed    = "removed"
	ByReplay   = "replay"
	ByAct      = "act"
)

// Suppressed reports whether an effect kept an alert from being sent.
func Suppressed(effect string) bool {
	switch effect {
	case DelayedQuiet, DroppedQuiet, Throttled, Muted, Overflow, TooLate, Skipped:
		return true
	default:
		return false
	}
}

// Effects lists all effects, in the order in which messages name them.
var Effects = []string{
	Sent, Counted, Reset, Waiting, Cancelled, Cleared, TooLate, Collected, DelayedQuiet, DroppedQuiet, Throttled, Muted,
	Overflow, Skipped, Forgotten,
}
