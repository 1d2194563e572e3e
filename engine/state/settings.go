package state

import "time"

// Settings are the parts of a rule that concern time and state; absent parts are nil.
// They are immutable.
type Settings struct {
	Rule     string
	Location *time.Location // of the calendar; UTC if the rules set none
	// Shadow means that the rule is evaluated and recorded, but never sends.
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
	case block == BlockHold: // its rows are alerts, whatever the keys of later blocks
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

// Scopes returns the scopes of all blocks of the rule.
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

// Plain reports whether a matching event is an alert at once, without count, wait or
// digest.
func (s *Settings) Plain() bool { return s.Count == nil && s.Wait == nil && s.Digest == nil }

// A Count fires when AtLeast events fall within Within of each other.
type Count struct {
	Per      string
	AtLeast  int
	Within   time.Duration // 0 for no limit but KeepMembers
	Distinct bool          // events with an equal value count once
}

// A Wait fires some time after a start, unless it is cancelled.
type Wait struct {
	Per     string
	Restart bool // a later start restarts the wait; otherwise it is ignored
	Steps   []Step
}

// A Step is one time at which a wait fires: some time after its start, or before its
// deadline.
type Step struct {
	Before bool
	// Offset is elapsed time or, if At is set, a number of calendar days.
	Offset time.Duration
	At     *ClockTime
}

// A Deadline is the time from which a wait's Before steps count back.
type Deadline struct {
	Time time.Time
	// Date reports whether the deadline is a plain date; it is then local midnight.
	Date bool
}

// A ClockTime is a time of day.
type ClockTime struct{ Hour, Minute int }

// A Digest collects alerts and sends them together at the end of each period.
type Digest struct {
	Per    string
	Every  Period
	At     ClockTime
	OnePer bool // only the newest of items with equal values is kept
}

// Quiet is a set of hours in which alerts are held back or dropped.
type Quiet struct {
	Spans []Span
	Drop  bool // otherwise they are held until the end
}

// A Span is a part of the days in Days and Dates, or of every day if both are empty.
type Span struct {
	Days  []time.Weekday
	Dates []Date
	// From and To delimit the part of the day. If To is not after From, it is on the next
	// day. If both are zero, the span is the whole day.
	From, To ClockTime
}

// A Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// A Throttle lets at most AtMost alerts pass in a window or a period, or ever if it has
// neither.
type Throttle struct {
	Per    string
	AtMost int
	Within time.Duration // a rolling window
	Every  Period        // or a period of the calendar
	// Rest means that one summary of the throttled alerts is sent at the end.
	Rest bool
}

// Forever reports whether the window never ends: what was sent once is never sent again.
func (t *Throttle) Forever() bool { return t.Within == 0 && t.Every == "" }
