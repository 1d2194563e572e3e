package state

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"heed/engine/record"
)

// digest is the data of a digest's row: its unsent periods, oldest first. Usually there
// is one; while quiet hours or a mute hold it back, the next one begins.
type digest struct {
	Periods []period `json:"p,omitempty"`
	// Held is the time until which finished periods are held back, or 0.
	Held int64 `json:"q,omitempty"`
	// Sent is the end of the last finished period. An event that was in flight when the
	// period ended, or that arrives after the clock was set back, belongs to the next
	// period.
	Sent int64 `json:"s,omitempty"`
}

type period struct {
	Since int64 `json:"t"`
	Until int64 `json:"u"`
	N     int   `json:"n"`           // items kept
	More  int   `json:"m,omitempty"` // items beyond maxItems, which are not kept
	// Shadow reports whether an item was collected in shadow mode.
	Shadow bool `json:"h,omitempty"`
}

// itemRow is the data of an item's row.
type itemRow struct {
	Event  Mark `json:"e"`
	Shadow bool `json:"h,omitempty"`
}

// collect adds an event's alert to the digest of its key.
func (s *Settings) collect(rows Rows, in Input, c Clock) (r Result) {
	ref := Ref{s.Scope(BlockDigest), in.Key}
	data, row, known := load[digest](rows, ref)
	if !known && full(rows, ref.Scope, s.Limits.keys()) {
		return untracked(in.Key)
	}
	now := later(c.Now, timeOf(data.Sent))
	until := s.Digest.Next(now, s.Location)
	at, found := slices.BinarySearchFunc(data.Periods, micros(until),
		func(p period, t int64) int { return cmp.Compare(p.Until, t) })
	if !found {
		since := s.Digest.Every.last(now, s.Digest.At, s.Location)
		data.Periods = slices.Insert(data.Periods, at, period{Since: micros(since), Until: micros(until)})
	}
	p := &data.Periods[at]
	p.Shadow = p.Shadow || s.Shadow
	item := Ref{s.Scope(BlockItem), itemsOf(in.Key, p.Until) + s.Digest.one(in)}
	switch old, replaces := rows.Get(item); {
	case !replaces && p.N >= s.Limits.items():
		p.More++
	case replaces && olderThan(old, in):
	default:
		if !replaces {
			p.N++
		}
		save(rows, Row{Ref: item, User: in.User}, itemRow{Event: in.Event, Shadow: s.Shadow})
	}
	r.collected = &collected{Digest: in.Key, Until: p.Until, Item: item.Key}
	saveDigest(rows, row, &data, c)
	r.add(record.Effect{Effect: record.Collected, Key: in.Key, Next: until.UTC()})
	return r
}

// collected records where a wait's alert was put, so that it can be removed again.
type collected struct {
	Step   int    `json:"s,omitempty"`
	Digest string `json:"k"`
	Until  int64  `json:"u"`
	Item   string `json:"i"`
}

// withdraw removes an event's item from an unsent digest.
func (s *Settings) withdraw(rows Rows, from collected, event Mark, c Clock) bool {
	item := Ref{s.Scope(BlockItem), from.Item}
	kept, exists := rows.Get(item)
	if !exists || readItem(kept).Event.ID != event.ID {
		return false
	}
	rows.Delete(item)
	data, row, _ := load[digest](rows, Ref{s.Scope(BlockDigest), from.Digest})
	for i := range data.Periods {
		if p := &data.Periods[i]; p.Until == from.Until {
			if p.N--; p.N+p.More <= 0 {
				data.Periods = slices.Delete(data.Periods, i, i+1)
			}
			break
		}
	}
	saveDigest(rows, row, &data, c)
	return true
}

func saveDigest(rows Rows, row Row, data *digest, c Clock) {
	row.Due, row.Expires = time.Time{}, time.Time{}
	if len(data.Periods) == 0 {
		row.Expires = later(c.Now, timeOf(data.Sent)).Add(c.MaxAge)
	} else {
		row.Due = later(timeOf(data.Periods[0].Until), timeOf(data.Held))
	}
	save(rows, row, data)
}

// olderThan reports whether an event is older than the equal item that is kept.
func olderThan(row Row, in Input) bool {
	return in.Event.At < readItem(row).Event.At
}

// itemsOf returns the prefix of the keys of all items of a key and a period.
func itemsOf(key string, until int64) string { return fmt.Sprintf("%s\x00%016x\x00", key, until) }

// one returns the last part of an item's key. Items with equal keys replace each other.
// An event is identified by its number, since events of different sources may share an
// ID.
func (d *Digest) one(in Input) string {
	if !d.OnePer {
		return itemKey(in.Event) + in.Slot
	}
	sum := sha256.Sum256([]byte(in.Value))
	return hex.EncodeToString(sum[:16])
}

// itemKey returns a key that orders rows by arrival.
func itemKey(event Mark) string { return fmt.Sprintf("%016x", event.Seq) }

// readItem reads the data of an item's row.
func readItem(row Row) itemRow { return decode[itemRow](row) }
