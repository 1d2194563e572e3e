package state

import "time"

// due returns when a step of a wait is due.
func (s *Step) due(start time.Time, deadline Deadline, in *time.Location) time.Time {
	from, offset := start, s.Offset
	if s.Before {
		from, offset = deadline.in(in), -s.Offset
	}
	if s.At == nil {
		return from.Add(offset)
	}
	return s.At.on(addDays(from, int(offset/(24*time.Hour)), in), in)
}

// in returns the deadline in a location. A plain date is its local midnight.
func (d Deadline) in(location *time.Location) time.Time {
	if !d.Date {
		return d.Time
	}
	return ClockTime{}.on(d.Time, location)
}
