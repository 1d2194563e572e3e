package state

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"heed/engine/record"
)

// count is the data of a count's row: its members, ordered by their own time.
type count struct {
	Members []member `json:"m,omitempty"`
	// ResetAt is the time of the newest reset. Older events do not count.
	ResetAt int64    `json:"r,omitempty"`
	Firings []firing `json:"f,omitempty"` // complete, but not yet sent
	// Held is the time until which quiet hours hold the first firing.
	Held int64 `json:"q,omitempty"`
}

type member struct {
	Mark
	Value string `json:"v,omitempty"` // value of distinct
}

// A firing is a complete count.
type firing struct {
	Members []Mark `json:"m"`
	By      string `json:"by"` // ID of the event that completed it
	Shadow  bool   `json:"h,omitempty"`
}

// KeepMembers is how long members of a count without a within are kept.
const KeepMembers = 365 * 24 * time.Hour

func (s *Settings) foldCount(rows Rows, in Input, c Clock) (r Result) {
	ref := Ref{s.Scope(BlockCount), in.Key}
	data, row, known := load[count](rows, ref)
	if !known && full(rows, ref.Scope, s.Limits.keys()) {
		return untracked(in.Key)
	}
	if in.Kind == Reset {
		r.add(data.reset(in)...)
	} else {
		r.add(s.addMember(&data, in, c))
	}
	row.User = owner(in.Key, in.User)
	s.saveCount(rows, row, &data, c)
	return r
}

// reset removes the members that are older than the event.
func (d *count) reset(in Input) []record.Effect {
	d.ResetAt = max(d.ResetAt, in.Event.At)
	before := len(d.Members)
	d.Members = slices.DeleteFunc(d.Members, func(m member) bool { return m.At < in.Event.At })
	if len(d.Members) == before {
		return nil
	}
	return []record.Effect{{Effect: record.Reset, Key: in.Key, By: in.Event.ID}}
}

func (s *Settings) addMember(data *count, in Input, c Clock) record.Effect {
	n := s.Count.AtLeast
	effect := record.Effect{Effect: record.Counted, Key: in.Key}
	same := func(m member) bool { return s.Count.Distinct && m.Value == in.Value }
	newer := slices.ContainsFunc(data.Members, func(m member) bool { return same(m) && m.At > in.Event.At })
	switch {
	case in.Event.At < data.ResetAt:
		return record.Effect{Effect: record.Skipped, Reason: record.Past, Key: in.Key}
	case newer:
		return record.Effect{Effect: record.Skipped, Reason: record.Superseded, Key: in.Key}
	}
	data.Members = slices.DeleteFunc(data.Members, same)
	at, _ := slices.BinarySearchFunc(data.Members, in.Event.At+1,
		func(m member, t int64) int { return cmp.Compare(m.At, t) })
	data.Members = slices.Insert(data.Members, at, member{in.Event, in.Value})
	s.Count.expire(data, c)
	at = slices.IndexFunc(data.Members, func(m member) bool { return m.Mark == in.Event })
	if at < 0 {
		return record.Effect{Effect: record.Skipped, Reason: record.Past, Key: in.Key}
	}
	for first := max(0, at-n+1); !in.Inert && first <= at && first+n <= len(data.Members); first++ {
		run := data.Members[first : first+n]
		if !s.Count.fits(run) {
			continue
		}
		fired := firing{By: in.Event.ID, Shadow: s.Shadow}
		for _, m := range run {
			fired.Members = append(fired.Members, m.Mark)
		}
		data.Members = slices.Delete(data.Members, first, first+n)
		data.Firings = append(data.Firings, fired)
		effect.Limit = s.Count.describe(n)
		return effect
	}
	effect.Limit = s.Count.describe(s.Count.near(data.Members, at))
	s.Count.trim(data)
	return effect
}

// near returns the largest number of members that fall within one window together with
// the given member.
func (t *Count) near(members []member, at int) int {
	best := 1
	for first := range at + 1 {
		last := first
		for last+1 < len(members) && t.fits(members[first:last+2]) {
			last++
		}
		if last >= at {
			best = max(best, last-first+1)
		}
	}
	return best
}

func (t *Count) fits(run []member) bool {
	return t.Within == 0 || run[len(run)-1].At-run[0].At <= t.Within.Microseconds()
}

// expire drops members too old to share a window with any later event.
func (t *Count) expire(data *count, c Clock) {
	since := micros(c.Now.Add(-t.keep(c)))
	data.Members = slices.DeleteFunc(data.Members, func(m member) bool { return m.At < since })
}

// trim keeps at most twice as many members as are needed, dropping the oldest. It must be
// called only after it is known that they do not fire.
func (t *Count) trim(data *count) {
	if over := len(data.Members) - 2*t.AtLeast; over > 0 {
		data.Members = data.Members[over:]
	}
}

func (t *Count) keep(c Clock) time.Duration {
	if t.Within == 0 {
		return KeepMembers
	}
	return t.Within + c.MaxAge
}

func (t *Count) describe(n int) string {
	text := fmt.Sprintf("%d of %d", n, t.AtLeast)
	if t.Within > 0 {
		text += " within " + Duration(t.Within)
	}
	return text
}

func (s *Settings) saveCount(rows Rows, row Row, data *count, c Clock) {
	row.Due, row.Expires = time.Time{}, c.Now.Add(s.Count.keep(c))
	if len(data.Firings) > 0 {
		row.Due, row.Expires = later(c.Now, timeOf(data.Held)), time.Time{}
	}
	save(rows, row, data)
}
