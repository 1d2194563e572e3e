package state

import (
	"fmt"
	"slices"
	"time"
)

// A Period is a period of the calendar.
type Period string

// The periods. A week begins on Monday. A day of the week, such as Monday, stands for the
// week that begins on it. Weekday stands for each day from Monday to Friday.
const (
	Hour    Period = "hour"
	Day     Period = "day"
	Weekday Period = "weekday"
	Week    Period = "week"
	Month   Period = "month"
)

var weekdays = map[Period]time.Weekday{
	"monday": time.Monday, "tuesday": time.Tuesday, "wednesday": time.Wednesday, "thursday": time.Thursday,
	"friday": time.Friday, "saturday": time.Saturday, "sunday": time.Sunday, Week: time.Monday,
}

// begins reports whether a period begins on a day.
func (p Period) begins(day time.Time) bool {
	switch p {
	case Day:
		return true
	case Weekday:
		return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
	case Month:
		return day.Day() == 1
	default:
		return day.Weekday() == weekdays[p]
	}
}

// longest is the longest time between the beginnings of two successive periods, in days.
const longest = 32

// next returns the first beginning of a period after a time. at is the time of day at
// which periods begin.
func (p Period) next(after time.Time, at ClockTime, in *time.Location) time.Time {
	if p == Hour {
		return p.hour(after, in).Add(time.Hour)
	}
	return p.search(after, at, in, 1, func(t time.Time) bool { return t.After(after) })
}

// last returns the last beginning of a period that is not after a time.
func (p Period) last(until time.Time, at ClockTime, in *time.Location) time.Time {
	if p == Hour {
		return p.hour(until, in)
	}
	return p.search(until, at, in, -1, func(t time.Time) bool { return !t.After(until) })
}

// hour returns the beginning of the local hour.
func (Period) hour(t time.Time, in *time.Location) time.Time {
	local := t.In(in)
	return local.Add(-time.Duration(local.Minute())*time.Minute - time.Duration(local.Second())*time.Second -
		time.Duration(local.Nanosecond()))
}

func (p Period) search(
	from time.Time, at ClockTime, in *time.Location, step int, found func(time.Time) bool,
) time.Time {
	year, month, day := from.In(in).Date()
	for i := range longest + 1 {
		date := time.Date(year, month, day+i*step, 0, 0, 0, 0, time.UTC)
		if !p.begins(date) {
			continue
		}
		if t := at.on(date, in); found(t) {
			return t
		}
	}
	panic(fmt.Sprintf("no %s begins in %d days", p, longest))
}

// on returns the time of day on a date, in a location. If the clocks skip it, on returns
// the first moment after the gap; if it occurs twice, the first of the two.
func (c ClockTime) on(date time.Time, in *time.Location) time.Time {
	year, month, day := date.Date()
	t := time.Date(year, month, day, c.Hour, c.Minute, 0, 0, in)
	start, end := t.ZoneBounds()
	// How far the time is from the one asked for; it is not 0 in a gap.
	asked := time.Date(year, month, day, c.Hour, c.Minute, 0, 0, time.UTC)
	got := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
	switch off := got.Sub(asked); {
	case off > 0:
		return start
	case off < 0:
		return end
	case start.IsZero():
		return t
	}
	_, before := start.Add(-1).Zone()
	_, here := t.Zone()
	if first := t.Add(time.Duration(here-before) * time.Second); first.Before(start) {
		return first
	}
	return t
}

// Skipped returns the first date, within a year, on which the clocks skip the time of
// day.
func (c ClockTime) Skipped(from time.Time, in *time.Location) (date time.Time, skipped bool) {
	for day := range 366 {
		date := addDays(from, day, in)
		if t := c.on(date, in); t.Hour() != c.Hour || t.Minute() != c.Minute {
			return date, true
		}
	}
	return date, false
}

// Next returns when a digest that collects an alert at a given time is due.
func (d *Digest) Next(after time.Time, in *time.Location) time.Time {
	return d.Every.next(after, d.At, in)
}

// addDays adds calendar days.
func addDays(t time.Time, days int, in *time.Location) time.Time {
	year, month, day := t.In(in).Date()
	return time.Date(year, month, day+days, 0, 0, 0, 0, time.UTC)
}

// maxQuiet limits the search for the end of quiet hours. Quiet hours that do not end
// within this many days are taken to have no end.
const maxQuiet = 400

// Until returns when the quiet hours at a time end, joining adjacent spans. quiet is
// false outside of quiet hours. The time is zero for quiet hours that never end.
func (q *Quiet) Until(t time.Time, in *time.Location) (end time.Time, quiet bool) {
	end = t
	for range maxQuiet * len(q.Spans) {
		later, extended := q.extend(end, in)
		if !extended {
			return end, end.After(t)
		}
		end = later
	}
	return time.Time{}, true
}

// extend returns the latest end of the spans that contain a time.
func (q *Quiet) extend(t time.Time, in *time.Location) (end time.Time, extended bool) {
	for _, span := range q.Spans {
		for _, offset := range []int{-1, 0} { // a span may have begun the day before
			from, to, ok := span.on(addDays(t, offset, in), in)
			if ok && !t.Before(from) && t.Before(to) && to.After(end) {
				end, extended = to, true
			}
		}
	}
	return end, extended
}

// on returns the span that begins on a day, if one does.
func (s *Span) on(day time.Time, in *time.Location) (from, to time.Time, ok bool) {
	if len(s.Days)+len(s.Dates) > 0 && !slices.Contains(s.Days, day.Weekday()) &&
		!slices.Contains(s.Dates, Date{day.Year(), day.Month(), day.Day()}) {
		return from, to, false
	}
	last := day
	if s.To.minutes() <= s.From.minutes() {
		last = day.AddDate(0, 0, 1)
	}
	return s.From.on(day, in), s.To.on(last, in), true
}

func (c ClockTime) minutes() int { return c.Hour*60 + c.Minute }
