package state

import "time"

// Settings are the parts of a rule that concern time and state. A part that the rule
// does not have is nil. They are immutable.
type Settings struct {
	Rule     string
	Location *time.Location // of the calendar; UTC without one
	// Shadow says that the rule is evaluated and recorded, and never sends.
	Shadow   bool
	Count    *Count
	Wait     *Wait
	Digest   *Digest
	Quiet    *Quiet
	Throttle *Throttle
	Limits   Limits
}

// Scope identifies the rows of one of the rule's blocks.
func (s *Settings) Scope(block string) Scope {
	per := ""
	switch {
	case block == BlockHold: // its rows are alerts, whatever the keys of what comes after them
	case block == BlockThrottle:
		per = s.Throttle.Per
	case s.Count != nil && block != BlockDigest && block != BlockItem:
		per = s.Count.Per
	case s.Wait != nil && block != BlockDigest && block != BlockItem:
		per = s.Wait.Per
	case s.Digest != nil:
		per = s.Digest.Per
	}
	return Scope{s.Rule, block, per}
}

// Scopes are the scopes of all blocks that the rule has.
func (s *Settings) Scopes() []Scope {
	var scopes []Scope
	add := func(has bool, blocks ...string) {
		for _, block := range blocks {
			if has {
				scopes = append(scopes, s.Scope(block))
			}
		}
	}
	add(s.Count != nil, BlockCount)
	add(s.Wait != nil, BlockWait)
	add(s.Digest != nil, BlockDigest, BlockItem)
	add(s.Quiet != nil && s.Plain(), BlockHold)
	add(s.Throttle != nil, BlockThrottle)
	return scopes
}

// Plain reports whether an event that matches is an alert at once, without a count,
// a wait or a digest.
func (s *Settings) Plain() bool { return s.Count == nil && s.Wait == nil && s.Digest == nil }

// Count fires when AtLeast events fall within Within of each other.
type Count struct {
	Per      string
	AtLeast  int
	Within   time.Duration // 0 for no limit but KeepMembers
	Distinct bool          // events with an equal value count once
}

// Wait fires some time after a start unless it is cancelled.
type Wait struct {
	Per     string
	Restart bool // a later start starts the wait over; otherwise it changes nothing
	Steps   []Step
}

// Step is one moment at which a wait fires: some time after its start, or
// before its deadline.
type Step struct {
	Before bool
	// Offset is elapsed time. With a time of day it is a number of calendar days.
	Offset time.Duration
	At     *ClockTime
}

// Deadline is the time that a wait's steps with Before count back from.
type Deadline struct {
	Time time.Time
	// Date says that it is a plain date, whose midnight is local.
	Date bool
}

// ClockTime is a time of day.
type ClockTime struct{ Hour, Minute int }

// Digest collects alerts and sends them together at the end of each period.
type Digest struct {
	Per    string
	Every  Period
	At     ClockTime
	OnePer bool // of items with an equal value the newest is kept
}

// Quiet is the hours in which alerts are held back or dropped.
type Quiet struct {
	Spans []Span
	Drop  bool // otherwise they are held until the end
}

// Span is a part of certain days: those of Days and Dates, or all days if both
// are empty.
type Span struct {
	Days  []time.Weekday
	Dates []Date
	// From and To bound the part of the day. If To is not after From, it is on the
	// next day. If both are zero, it is the whole day.
	From, To ClockTime
}

// Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Throttle lets AtMost alerts pass in a window or a period, or in all if it has
// neither.
type Throttle struct {
	Per    string
	AtMost int
	Within time.Duration // a rolling window
	Every  Period        // or a period of the calendar
	// Rest says that one summary of the throttled alerts is sent at the end.
	Rest bool
}

// Forever says that the window never ends: what was sent once is never sent again.
func (t *Throttle) Forever() bool { return t.Within == 0 && t.Every == "" }
