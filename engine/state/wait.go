package state

import (
	"cmp"
	"slices"
	"time"

	"heed/engine/record"
)

// wait is the data of a wait's row. At most one start of a key is pending.
type wait struct {
	Pending *pending `json:"p,omitempty"`
	// Last is the newest start that is over. It keeps an older start from beginning
	// again, and reveals a cancel that comes too late.
	Last *pending `json:"l,omitempty"`
	// Cancels are remembered, since one may arrive before its start.
	Cancels []Mark `json:"c,omitempty"`
}

// pending is a start and the progress of its steps.
type pending struct {
	Start    Mark  `json:"e"`
	Deadline int64 `json:"d,omitempty"`
	Date     bool  `json:"y,omitempty"` // the deadline is a plain date
	Shadow   bool  `json:"h,omitempty"`
	Done     int   `json:"n,omitempty"` // number of steps fired or skipped
	Fired    []int `json:"f,omitempty"` // steps that were fired
	Cancel   *Mark `json:"x,omitempty"` // cancels the steps due from then on
	Held     int64 `json:"q,omitempty"` // until when quiet hours hold the due step
	// Items are the steps collected by a digest.
	Items []collected `json:"i,omitempty"`
}

// maxCancels limits the cancels remembered for a key.
const maxCancels = 32

func (s *Settings) foldWait(rows Rows, in Input, c Clock) (r Result) {
	ref := Ref{s.Scope(BlockWait), in.Key}
	data, row, known := load[wait](rows, ref)
	if !known && full(rows, ref.Scope, s.Limits.keys()) {
		return untracked(in.Key)
	}
	row.User = owner(in.Key, in.User)
	if in.Kind == Cancel {
		r.add(s.cancel(rows, &data, in, c)...)
	} else {
		r.add(s.start(&data, in)...)
	}
	s.saveWait(rows, row, &data, c)
	return r
}

// start begins the wait, unless one is pending that it must not replace.
func (s *Settings) start(data *wait, in Input) []record.Effect {
	supersededBy := func(other *pending) []record.Effect {
		return []record.Effect{{
			Effect: record.Skipped, Reason: record.Superseded, Key: in.Key, By: other.Start.ID, ByAt: other.Start.Time(),
		}}
	}
	p := &pending{
		Start: in.Event, Deadline: micros(in.Deadline.Time), Date: in.Deadline.Date, Shadow: s.Shadow,
	}
	var effects []record.Effect
	switch current := data.Pending; {
	case current != nil && (!s.Wait.Restart || in.Event.At <= current.Start.At):
		return supersededBy(current)
	case current != nil:
		effects = append(effects, record.Effect{
			Effect: record.Skipped, Reason: record.Superseded, Key: in.Key, By: in.Event.ID, Of: current.Start.ID,
		})
	case data.Last != nil && in.Event.At <= s.over(data.Last):
		return supersededBy(data.Last)
	}
	// Skip steps before the deadline that are past at the start.
	for p.Done < len(s.Wait.Steps) && s.Wait.Steps[p.Done].Before && s.due(p, p.Done).Before(p.Start.Time()) {
		p.Done++
		effects = append(effects, record.Effect{Effect: record.Skipped, Reason: record.Past, Key: in.Key, Step: p.Done})
	}
	for _, cancel := range data.Cancels {
		p.cancelFrom(cancel)
	}
	data.Pending = p
	switch {
	case p.Done == len(s.Wait.Steps):
		data.end()
		return effects
	case p.Done >= s.limit(p): // all remaining steps are cancelled
		by := *p.Cancel
		data.end()
		return append(effects, record.Effect{Effect: record.Cleared, Key: in.Key, By: by.ID, ByAt: by.Time()})
	default:
		return append(effects, record.Effect{
			Effect: record.Waiting, Key: in.Key, Next: s.due(p, p.Done).UTC(),
			Step: s.stepNumber(p.Done),
		})
	}
}

// over returns the time up to which an earlier start is superseded: an event at that time
// would have found the last start pending. With Restart, only starts up to its own time
// are.
func (s *Settings) over(last *pending) int64 {
	if s.Wait.Restart || len(s.Wait.Steps) == 0 {
		return last.Start.At
	}
	if last.Cancel != nil {
		return max(last.Start.At, last.Cancel.At)
	}
	return max(last.Start.At, micros(s.due(last, len(s.Wait.Steps)-1)))
}

// cancel cancels what is pending from the event's time on, and remembers the cancel.
func (s *Settings) cancel(rows Rows, data *wait, in Input, c Clock) (effects []record.Effect) {
	data.remember(in.Event, c)
	for _, p := range []*pending{data.Pending, data.Last} {
		if p == nil || in.Event.At < p.Start.At {
			continue
		}
		for _, step := range p.Fired {
			if step < len(s.Wait.Steps) && in.Event.At <= micros(s.due(p, step)) {
				effects = append(effects, record.Effect{
					Effect: record.TooLate, Key: in.Key, By: in.Event.ID, Step: s.stepNumber(step), Of: p.Start.ID,
				})
			}
		}
		p.Fired = slices.DeleteFunc(p.Fired, func(step int) bool {
			return step < len(s.Wait.Steps) && in.Event.At <= micros(s.due(p, step))
		})
	}
	for _, p := range []*pending{data.Pending, data.Last} {
		if p != nil && in.Event.At >= p.Start.At {
			effects = append(effects, s.withdrawAll(rows, p, in, c)...)
		}
	}
	// An alert can be cancelled until it is sent, even after its time.
	if p := data.Pending; p != nil && in.Event.At >= p.Start.At {
		effects = append(effects, record.Effect{
			Effect: record.Cancelled, Key: in.Key, By: in.Event.ID, Of: p.Start.ID, ByAt: in.Event.Time(),
		})
		p.Cancel = &in.Event
		data.end()
	}
	return effects
}

// withdrawAll removes a start's items from digests, unless they were already sent.
func (s *Settings) withdrawAll(rows Rows, p *pending, in Input, c Clock) (effects []record.Effect) {
	for _, item := range p.Items {
		e := record.Effect{Key: in.Key, By: in.Event.ID, Of: p.Start.ID, Step: s.stepNumber(item.Step)}
		switch {
		case s.Digest != nil && s.withdraw(rows, item, p.Start, c):
			e.Effect, e.ByAt = record.Cancelled, in.Event.Time()
		case item.Step < len(s.Wait.Steps) && in.Event.At <= micros(s.due(p, item.Step)):
			e.Effect = record.TooLate
		default:
			continue
		}
		effects = append(effects, e)
	}
	p.Items = nil
	return effects
}

// cancelFrom records the earliest cancel that is not before the start.
func (p *pending) cancelFrom(cancel Mark) {
	if cancel.At >= p.Start.At && (p.Cancel == nil || cancel.At < p.Cancel.At) {
		p.Cancel = &cancel
	}
}

// remember keeps the newest cancels that are not older than MaxAge.
func (d *wait) remember(cancel Mark, c Clock) {
	at, _ := slices.BinarySearchFunc(d.Cancels, cancel.At+1, func(m Mark, t int64) int { return cmp.Compare(m.At, t) })
	d.Cancels = slices.Insert(d.Cancels, at, cancel)
	since := micros(c.Now.Add(-c.MaxAge))
	d.Cancels = slices.DeleteFunc(d.Cancels, func(m Mark) bool { return m.At < since })
	if over := len(d.Cancels) - maxCancels; over > 0 {
		d.Cancels = d.Cancels[over:]
	}
}

// end makes the pending start the last one.
func (d *wait) end() {
	d.Last, d.Pending = d.Pending, nil
}

// limit is the number of steps that are to be fired: a cancel that came before
// its start ends those that are due from then on.
func (s *Settings) limit(p *pending) int {
	for i := range s.Wait.Steps {
		if p.Cancel != nil && p.Cancel.At <= micros(s.due(p, i)) {
			return i
		}
	}
	return len(s.Wait.Steps)
}

func (s *Settings) due(p *pending, step int) time.Time {
	deadline := Deadline{Date: p.Date, Time: timeOf(p.Deadline)}
	return s.Wait.Steps[step].due(p.Start.Time(), deadline, s.Location)
}

// stepNumber is the number of a step, from 1; 0 if there is only one.
func (s *Settings) stepNumber(step int) int {
	if len(s.Wait.Steps) == 1 {
		return 0
	}
	return step + 1
}

func (s *Settings) saveWait(rows Rows, row Row, data *wait, c Clock) {
	row.Due, row.Expires = time.Time{}, time.Time{}
	switch p := data.Pending; {
	case p != nil && p.Done < s.limit(p):
		row.Due = later(s.due(p, p.Done), timeOf(p.Held))
	default:
		keep := c.Now
		if data.Last != nil {
			for _, item := range data.Last.Items {
				keep = later(keep, timeOf(item.Until))
			}
		}
		if data.Last != nil && len(s.Wait.Steps) > 0 {
			keep = later(keep, s.due(data.Last, len(s.Wait.Steps)-1))
		}
		row.Expires = keep.Add(c.MaxAge)
	}
	save(rows, row, data)
}
