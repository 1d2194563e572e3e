package state

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"heed/engine/record"
)

// throttle is the data of a throttle's row: when alerts were sent. It does not store when
// the next may be sent, so that a changed limit takes effect at once.
type throttle struct {
	Sent []sent `json:"s,omitempty"`
	Rest *rest  `json:"r,omitempty"`
}

// sent is an alert that used a slot. In the overflow bucket, one can stand for several.
type sent struct {
	At int64  `json:"t"`
	ID string `json:"i,omitempty"`
	N  int    `json:"n,omitempty"` // 0 for 1
}

func (s sent) count() int { return max(s.N, 1) }

// rest is what was throttled since the last summary.
type rest struct {
	Since  int64  `json:"t"`
	Total  int    `json:"n"`
	Items  []Mark `json:"e"` // the first maxShown
	Shadow bool   `json:"h,omitempty"`
}

// overflowKey is the key of the bucket shared by keys beyond the limit. No per can
// produce it, since the text of an expression contains no NUL.
const (
	overflowKey    = "\x00overflow"
	overflowFactor = 100
)

// take uses a slot of the throttle. If none is free, it returns an effect that says so.
func (s *Settings) take(rows Rows, a alert, c Clock) (effect *record.Effect, overflow bool) {
	ref, limit := Ref{s.Scope(BlockThrottle), a.throttleKey}, s.Throttle.AtMost
	data, row, known := load[throttle](rows, ref)
	if !known && full(rows, ref.Scope, s.Limits.throttleKeys()) {
		overflow, limit = true, limit*overflowFactor
		data, row, _ = load[throttle](rows, Ref{ref.Scope, overflowKey})
	}
	now := micros(c.Now)
	data.Sent = s.Throttle.live(data.Sent, c.Now, s.Location)
	used := 0
	for _, slot := range data.Sent {
		used += slot.count()
	}
	if used < limit {
		if overflow {
			data.Sent = s.Throttle.merge(data.Sent, now)
		} else {
			data.Sent = append(data.Sent, sent{At: now, ID: a.event.ID})
		}
		row.User, row.Expires = owner(row.Key, a.user), s.Throttle.expires(c, s.Location)
		save(rows, row, data)
		return nil, overflow
	}
	next := s.Throttle.frees(data.Sent, used-limit, c.Now, s.Location)
	if s.Throttle.Rest {
		s.addRest(&data, &row, a, c, next)
		save(rows, row, data)
	}
	oldest := data.Sent[0]
	return &record.Effect{
		Effect: record.Throttled, Key: a.throttleKey, Limit: s.Throttle.describe(used, limit, s.Location),
		By: oldest.ID, ByAt: timeOf(oldest.At), Next: utc(next),
	}, overflow
}

func (s *Settings) addRest(data *throttle, row *Row, a alert, c Clock, next time.Time) {
	if data.Rest == nil || data.Rest.Shadow && !s.Shadow { // alerts collected in shadow mode are never sent
		data.Rest = &rest{Since: micros(c.Now), Shadow: s.Shadow}
	}
	data.Rest.Total++
	if len(data.Rest.Items) < maxShown {
		data.Rest.Items = append(data.Rest.Items, a.event)
	}
	if row.Due.IsZero() {
		row.Due = next
	}
}

// live returns the slots that still count.
func (t *Throttle) live(slots []sent, now time.Time, in *time.Location) []sent {
	var since int64
	switch {
	case t.Within > 0:
		since = micros(now.Add(-t.Within)) + 1 // a slot frees when now - oldest >= within
	case t.Every != "":
		since = micros(t.Every.last(now, ClockTime{}, in))
	}
	for len(slots) > 0 && slots[0].At < since {
		slots = slots[1:]
	}
	return slots
}

// frees returns when a slot is free again, or zero for never. over is the number of slots
// used beyond the limit, after the limit was lowered.
func (t *Throttle) frees(slots []sent, over int, now time.Time, in *time.Location) time.Time {
	switch {
	case t.Within > 0:
		at := 0
		for ; at+1 < len(slots) && over >= slots[at].count(); at++ {
			over -= slots[at].count()
		}
		return timeOf(slots[at].At).Add(t.Within)
	case t.Every != "":
		return t.Every.next(now, ClockTime{}, in)
	default:
		return time.Time{}
	}
}

// expires returns when a row can be deleted if its newest slot is taken now.
func (t *Throttle) expires(c Clock, in *time.Location) time.Time {
	switch {
	case t.Within > 0:
		return c.Now.Add(t.Within + c.MaxAge)
	case t.Every != "":
		return t.Every.next(c.Now, ClockTime{}, in).Add(c.MaxAge)
	default:
		return time.Time{}
	}
}

// merge adds a slot to the overflow bucket. Slots there are rounded to a hundredth of the
// window, so that the row stays small.
func (t *Throttle) merge(slots []sent, now int64) []sent {
	at := now
	if fine := t.Within.Microseconds() / overflowFactor; fine > 0 {
		at -= at % fine
	}
	if last := len(slots) - 1; last >= 0 && (slots[last].At >= at || t.Within == 0) {
		slots[last].N = slots[last].count() + 1
		return slots
	}
	return append(slots, sent{At: at, N: 1})
}

// describe describes how much of the limit is used: 1 of 1 today (Asia/Kolkata).
func (t *Throttle) describe(used, limit int, in *time.Location) string {
	text := fmt.Sprintf("%d of %d ", used, limit)
	switch {
	case t.Within > 0:
		return text + "within " + Duration(t.Within)
	case t.Every == Day:
		return text + "today (" + in.String() + ")"
	case t.Every != "":
		return text + "this " + string(t.Every) + " (" + in.String() + ")"
	default:
		return text + "ever"
	}
}

// Duration formats a duration as rules write it: 30m, 48h, 7d.
func Duration(d time.Duration) string {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if d >= unit.size && d%unit.size == 0 {
			return fmt.Sprintf("%d%s", d/unit.size, unit.name)
		}
	}
	return d.String()
}

// ShowKey formats a key for people: u1, or [u1, q1].
func ShowKey(key string) string {
	if key == overflowKey {
		return "(overflow)"
	}
	var parts []string
	if strings.HasPrefix(key, "[") && json.Unmarshal([]byte(key), &parts) == nil {
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return key
}
