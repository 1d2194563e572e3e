package state

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"heed/engine/record"
)

// A Firing is what a due row asks for: one alert, which is rendered and then passed to
// Fire.
type Firing struct {
	Row Row
	// Key is the key of the block; User is the person whom the row is about.
	Key, User string
	// Event is the event whose data the templates see. A digest and the summary of a
	// throttle have none.
	Event Mark
	// Items are the members of a count, or the alerts stopped by a throttle. The items of
	// a digest are the rows whose keys start with one of Prefixes.
	Items    []Mark
	Prefixes []string
	// Total is the number of items, including those not kept. Before AddItems, the total
	// of a digest counts only those not kept.
	Total int
	// Step is the index of a wait's step.
	Step int
	// Start and Due are the times of a wait; Since and Until delimit a digest or a
	// summary.
	Start, Due, Since, Until time.Time
	// Shadow reports whether the firing was collected in shadow mode.
	Shadow bool
	// By is the ID of the event that caused the alert, if it is not Event.
	By string
	// periods is the number of finished periods of a digest.
	periods int
	// obsolete reports that the row is due but nothing is to be fired, because the steps
	// of the wait were changed in the meantime.
	obsolete bool
}

// A Truth is the result of a rule's still condition.
type Truth int

// The results of a still condition. A rule without one has Holds.
const (
	Holds Truth = iota
	Fails
	Unclear // a value is missing: nothing is sent
	Gone    // the event was deleted
)

// An Alert is what was computed for a firing outside the transaction.
type Alert struct {
	Still Truth
	// ThrottleKey is the value of the throttle's per.
	ThrottleKey string
	// Collect is the input of the rule's digest, if it collects the alerts of a count or
	// a wait.
	Collect *Input
}

// Next returns the firing of a due row; ok is false if the row is not due.
func (s *Settings) Next(row Row, c Clock) (f Firing, ok bool) {
	if row.Due.IsZero() || row.Due.After(c.Now) {
		return f, false
	}
	f = Firing{Row: row, Key: row.Key, User: row.User, Due: row.Due}
	switch row.Scope.Block {
	case BlockCount:
		return s.nextCount(f)
	case BlockWait:
		return s.nextWait(f, c)
	case BlockDigest:
		return s.nextDigest(f, c)
	case BlockHold:
		held := decode[heldAlert](row)
		f.Key, f.Event, f.Shadow = held.Throttle, held.Event, held.Shadow
		return f, true
	case BlockThrottle:
		return s.nextRest(f, c)
	default:
		return f, false
	}
}

func (s *Settings) nextCount(f Firing) (Firing, bool) {
	data := decode[count](f.Row)
	if len(data.Firings) == 0 {
		return f, false
	}
	first := data.Firings[0]
	f.Items, f.Total, f.Shadow, f.By = first.Members, len(first.Members), first.Shadow, first.By
	f.Event = first.Members[len(first.Members)-1]
	return f, true
}

func (s *Settings) nextWait(f Firing, c Clock) (Firing, bool) {
	p := decode[wait](f.Row).Pending
	if p == nil {
		return f, false
	}
	if p.Done >= s.limit(p) || s.due(p, p.Done).After(c.Now) {
		f.Event, f.obsolete = p.Start, true
		return f, true
	}
	f.Step = s.newestDue(p, c)
	f.Event, f.Start, f.Due, f.Shadow = p.Start, p.Start.Time(), s.due(p, f.Step).UTC(), p.Shadow
	return f, true
}

// newestDue returns the index of the last step that is due. It supersedes earlier steps.
func (s *Settings) newestDue(p *pending, c Clock) int {
	step := p.Done
	for next := step + 1; next < s.limit(p) && !s.due(p, next).After(c.Now); next++ {
		step = next
	}
	return step
}

func (s *Settings) nextDigest(f Firing, c Clock) (Firing, bool) {
	data := decode[digest](f.Row)
	now := micros(c.Now)
	for _, p := range data.Periods {
		if p.Until > now {
			break
		}
		f.periods++
		f.Prefixes = append(f.Prefixes, itemsOf(f.Key, p.Until))
		f.Total += p.More
		f.Until = timeOf(p.Until)
	}
	if f.periods == 0 {
		return f, false
	}
	f.Since = timeOf(data.Periods[0].Since)
	if c.Now.Sub(f.Until) >= time.Minute { // it was missed or held back
		f.Until = c.Now
	}
	return f, true
}

func (s *Settings) nextRest(f Firing, c Clock) (Firing, bool) {
	r := decode[throttle](f.Row).Rest
	if r == nil {
		return f, false
	}
	f.Items, f.Total, f.Shadow = r.Items, r.Total, r.Shadow
	f.Since, f.Until = timeOf(r.Since), c.Now.UTC()
	return f, true
}

// AddItems adds the items of a digest from their rows, in order of arrival: the newest of
// equal items, and at most maxShown. If the rule sends, it omits items collected in
// shadow mode.
func (f *Firing) AddItems(rows []Row, shadow bool) {
	newest := map[string]Mark{}
	for _, row := range rows {
		item := readItem(row)
		one := row.Key[strings.LastIndexByte(row.Key, 0)+1:]
		if old, equal := newest[one]; (shadow || !item.Shadow) && (!equal || old.At <= item.Event.At) {
			newest[one] = item.Event
		}
	}
	items := slices.SortedFunc(maps.Values(newest), func(a, b Mark) int { return cmp.Compare(a.Seq, b.Seq) })
	f.Total += len(items)
	f.Items = items[:min(len(items), maxShown)]
	f.Shadow = len(items) == 0 && len(rows) > 0
}

// FireRefs returns the rows that Fire may read.
func (s *Settings) FireRefs(f Firing, found Alert) []Ref {
	refs := []Ref{f.Row.Ref}
	switch block := f.Row.Scope.Block; {
	case found.Collect != nil:
		refs = append(refs, Ref{s.Scope(BlockDigest), found.Collect.Key})
	case s.Throttle != nil && block != BlockThrottle && block != BlockDigest:
		refs = append(refs, Ref{s.Scope(BlockThrottle), found.ThrottleKey})
	}
	return refs
}

// Fire applies the rest of the rule to a firing and updates its row. If the row has
// changed since the firing was read, ok is false and nothing changes.
func (s *Settings) Fire(rows Rows, f Firing, found Alert, c Clock) (r Result, ok bool) {
	row, exists := rows.Get(f.Row.Ref)
	if !exists || row.Version != f.Row.Version || row.Ref != f.Row.Ref { // its rule may have been renamed
		return r, false
	}
	if f.obsolete {
		s.reschedule(rows, row, c)
		return r, true
	}
	r, heldUntil := s.alert(rows, f, found, c)
	switch f.Row.Scope.Block {
	case BlockCount:
		s.firedCount(rows, row, heldUntil, c)
	case BlockWait:
		r.Effects = append(s.firedWait(rows, row, f, r, heldUntil, c), r.Effects...)
	case BlockDigest:
		s.firedDigest(rows, row, f, r, heldUntil, c)
	case BlockThrottle:
		s.firedRest(rows, row, heldUntil)
	case BlockHold:
		rows.Delete(row.Ref)
		if !heldUntil.IsZero() {
			row.Due = heldUntil
			rows.Put(row)
		}
	}
	for i := range r.Effects {
		if r.Effects[i].By == "" {
			r.Effects[i].By = f.cause()
		}
	}
	return r, true
}

// cause returns the ID of the event that led to the firing.
func (f *Firing) cause() string {
	if f.By != "" {
		return f.By
	}
	return f.Event.ID
}

// alert decides what becomes of a firing. heldUntil is set if quiet hours hold it.
func (s *Settings) alert(rows Rows, f Firing, found Alert, c Clock) (r Result, heldUntil time.Time) {
	block := f.Row.Scope.Block
	a := alert{
		key: f.Key, throttleKey: found.ThrottleKey, user: f.User, event: f.Event, shadow: f.Shadow,
		summary: block == BlockThrottle || block == BlockDigest,
	}
	if block == BlockHold { // the throttle may now have another per
		a.key = found.ThrottleKey
	}
	switch found.Still {
	case Fails:
		r.add(record.Effect{Effect: record.Cancelled, Reason: "still", Key: f.Key})
		return r, heldUntil
	case Unclear:
		return r, heldUntil
	case Gone:
		r.add(record.Effect{Effect: record.Forgotten, Key: f.Key})
		return r, heldUntil
	}
	if found.Collect != nil {
		in := *found.Collect
		if in.Event.Seq = f.Event.Seq; f.Step > 0 {
			in.Slot = fmt.Sprintf("\x01%d", f.Step)
		}
		return s.collect(rows, in, c), heldUntil
	}
	if block == BlockDigest && f.Total == 0 && !f.Shadow { // its items were deleted: an empty period sends nothing
		r.add(record.Effect{Effect: record.Forgotten, Key: f.Key})
		return r, heldUntil
	}
	if stopped, until := s.stopped(rows, a, c); stopped != nil {
		r.add(*stopped)
		return r, until
	}
	return s.throttled(rows, a, c), heldUntil
}

func (s *Settings) firedCount(rows Rows, row Row, heldUntil time.Time, c Clock) {
	data := decode[count](row)
	if data.Held = 0; heldUntil.IsZero() {
		data.Firings = data.Firings[1:]
	} else {
		data.Held = micros(heldUntil)
	}
	s.saveCount(rows, row, &data, c)
}

func (s *Settings) firedWait(
	rows Rows, row Row, f Firing, r Result, heldUntil time.Time, c Clock,
) (skipped []record.Effect) {
	data := decode[wait](row)
	p := data.Pending
	for ; p.Done < f.Step; p.Done++ {
		skipped = append(skipped, record.Effect{
			Effect: record.Skipped, Reason: record.Superseded, Key: f.Key, Step: s.stepNumber(p.Done),
		})
	}
	for i := range r.Effects {
		r.Effects[i].Step = s.stepNumber(f.Step)
	}
	if p.Held = 0; !heldUntil.IsZero() {
		p.Held = micros(heldUntil)
	} else {
		if r.Send || slices.ContainsFunc(r.Effects, func(e record.Effect) bool { return e.Effect == record.Sent }) {
			p.Fired = append(p.Fired, f.Step)
		}
		if r.collected != nil {
			item := *r.collected
			item.Step = f.Step
			p.Items = append(p.Items, item)
		}
		p.Done++
	}
	if p.Done >= s.limit(p) {
		data.end()
	}
	s.saveWait(rows, row, &data, c)
	return skipped
}

// reschedule recomputes when a wait is due.
func (s *Settings) reschedule(rows Rows, row Row, c Clock) {
	data := decode[wait](row)
	if data.Pending.Held = 0; data.Pending.Done >= s.limit(data.Pending) {
		data.end()
	}
	s.saveWait(rows, row, &data, c)
}

func (s *Settings) firedDigest(rows Rows, row Row, f Firing, r Result, heldUntil time.Time, c Clock) {
	data := decode[digest](row)
	muted := slices.ContainsFunc(r.Effects, func(e record.Effect) bool { return e.Effect == record.Muted })
	switch data.Held = 0; {
	case muted: // its items go to the first digest after the mute
		data.Held = micros(s.Digest.Next(c.Now, s.Location))
	case !heldUntil.IsZero():
		data.Held = micros(heldUntil)
	default:
		for _, prefix := range f.Prefixes {
			rows.DeletePrefix(s.Scope(BlockItem), prefix)
		}
		data.Sent = max(data.Sent, data.Periods[f.periods-1].Until)
		data.Periods = data.Periods[f.periods:]
	}
	saveDigest(rows, row, &data, c)
}

func (s *Settings) firedRest(rows Rows, row Row, heldUntil time.Time) {
	data := decode[throttle](row)
	if row.Due = heldUntil; heldUntil.IsZero() {
		data.Rest = nil
	}
	save(rows, row, data)
}

// IDPrefix is the prefix of the IDs of firings. Events from outside cannot use it.
const IDPrefix = "heed.timed-"

var idEncoding = base32.NewEncoding("234567abcdefghijklmnopqrstuvwxyz").WithPadding(base32.NoPadding)

// ID identifies the firing: the same row at the same time has the same ID. If the firing
// is not about one event, its ID includes the version of its row, since a row can be due
// at the same time twice if the clock is set back.
func (f *Firing) ID() string {
	scope, version := f.Row.Scope, int64(0)
	if f.Event.ID == "" {
		version = f.Row.Version
	}
	text, err := json.Marshal([]any{
		scope.Rule, scope.Block, scope.Per, f.Row.Key, f.Step, f.Event.ID, f.By, micros(f.Row.Due), micros(f.Due),
		version,
	})
	if err != nil {
		panic(err) // impossible for strings and numbers
	}
	sum := sha256.Sum256(text)
	id := IDPrefix + idEncoding.EncodeToString(sum[:15])
	if f.By != "" {
		id += "-" + f.By
	}
	return id
}

// IsFiring reports whether an event ID belongs to a firing.
func IsFiring(id string) bool { return strings.HasPrefix(id, IDPrefix) }
