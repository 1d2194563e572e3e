// Package state defines what rules remember: what count, wait, digest, quiet
// hours and throttle mean. It is a pure fold over rows: given the settings of a
// rule, the rows of a key and an input, it says how the rows change, when they
// are due next, and what the effects are. It does no I/O and has no clock. A
// store runs it inside the transaction that stores the event; a test or a
// backtest runs the same code on rows in memory.
package state

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"heed/engine/record"
)

// The blocks of a rule that keep rows.
const (
	BlockCount    = "count"
	BlockWait     = "wait"
	BlockDigest   = "digest"
	BlockItem     = "item" // of a digest, one row each
	BlockHold     = "hold" // alerts that quiet hours hold
	BlockThrottle = "throttle"
)

// Scope identifies the rows of one block of a rule. Per is the text of the expression
// that makes their keys: with another expression, rows mean something else.
type Scope struct{ Rule, Block, Per string }

// Ref identifies a row.
type Ref struct {
	Scope Scope
	Key   string
}

// Row is what is remembered for one key.
type Row struct {
	Ref
	// User is the person whom the row is about; it is deleted with them.
	User string
	// Data has the block's own shape.
	Data json.RawMessage
	// Due is when the row is to be fired next; zero for never.
	Due time.Time
	// Expires is when the row can be deleted; zero for never.
	Expires time.Time
	// Version changes with every write. The store sets it.
	Version int64
}

// Rows are the rows that a fold may read and change. A store implements it
// inside a transaction.
type Rows interface {
	// Get returns a row; ok is false if there is none.
	Get(Ref) (row Row, ok bool)
	// Put adds or replaces a row.
	Put(Row)
	// Delete removes the row, if there is one.
	Delete(Ref)
	// DeletePrefix removes the rows of a scope whose keys start with a prefix.
	DeletePrefix(scope Scope, prefix string)
	// Keys counts the rows of a scope.
	Keys(Scope) int
	// Mute returns the mute that holds for a key of a rule now, if there is one.
	Mute(rule, key string, now time.Time) (Mute, bool)
}

// Mute keeps the alerts of a rule, or of one key of it, from being sent.
type Mute struct {
	ID   int64  `json:"id"`
	Rule string `json:"rule"`
	// Key is the only key that is muted; empty for all.
	Key    string    `json:"key,omitempty"`
	Reason string    `json:"reason"`
	From   time.Time `json:"from"`
	// Until is when the mute ends, exclusively.
	Until time.Time `json:"until"`
}

// covers reports whether the mute holds for a key of a rule at a time.
func (m *Mute) covers(rule, key string, now time.Time) bool {
	return m.Rule == rule && (m.Key == "" || m.Key == key) && !now.Before(m.From) && now.Before(m.Until)
}

// FindMute finds the mute that holds for a key of a rule at a time. Of several it is
// the one that ends last, since that says when alerts are sent again.
func FindMute(mutes []Mute, rule, key string, now time.Time) (found Mute, muted bool) {
	for _, m := range mutes {
		if m.covers(rule, key, now) && (!muted || m.Until.After(found.Until)) {
			found, muted = m, true
		}
	}
	return found, muted
}

// Effect is what the mute does to an alert.
func (m *Mute) Effect(key string) record.Effect {
	return record.Effect{Effect: record.Muted, Key: key, Limit: m.Reason, Next: m.Until.UTC()}
}

// JoinKey makes a key from its parts: a single part as it is, several as a JSON list.
func JoinKey(parts ...string) string {
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return parts[0]
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // people read and write keys
	if err := encoder.Encode(parts); err != nil {
		panic(err) // of strings
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// ParseKey reads a key that a person wrote, who may have used other spaces and
// escapes of JSON, and written numbers as such.
func ParseKey(text string) string {
	parts := KeyParts(text)
	if len(parts) < 2 {
		return text
	}
	return JoinKey(parts...)
}

// KeyParts are the parts of a key that is written as a JSON list of texts, numbers
// and booleans; nil for any other text.
func KeyParts(text string) []string {
	var values []json.RawMessage
	if json.Unmarshal([]byte(text), &values) != nil {
		return nil
	}
	var parts []string
	for _, value := range values {
		part := string(value)
		switch part[0] {
		case '"':
			if json.Unmarshal(value, &part) != nil {
				return nil
			}
		case '[', '{', 'n':
			return nil
		}
		parts = append(parts, part)
	}
	return parts
}

// Clock is the time at which a fold runs. MaxAge bounds how late events come.
type Clock struct {
	Now    time.Time
	MaxAge time.Duration
}

// Mark identifies an event in a row.
type Mark struct {
	// At is the event's own time in microseconds since 1970.
	At int64 `json:"t"`
	// Seq is its number in the store.
	Seq int64  `json:"s,omitempty"`
	ID  string `json:"i,omitempty"`
}

// Time is the event's own time.
func (m Mark) Time() time.Time { return time.UnixMicro(m.At).UTC() }

// Kind says what an event means to a rule.
type Kind int

// The kinds of input: the rule's condition holds, its reset holds, or one of its
// unless conditions holds.
const (
	Match Kind = iota
	Reset
	Cancel
)

// Input is what one event means to one rule. It is computed from the event
// before the transaction; only Event.Seq is set inside it.
type Input struct {
	Kind  Kind
	Event Mark
	// Inert says that the event must not trigger anything: it counts, resets and
	// cancels, but it neither completes a count nor starts a wait.
	Inert bool
	// Key is the value of the block's per, User the person the event is about.
	Key, User string
	// Value is that of distinct or one_per; empty if the block has none.
	Value string
	// Slot tells apart the items that one event has in a digest, such as those of
	// several steps of a wait.
	Slot string
	// Deadline is that of a wait with a deadline.
	Deadline Deadline
	// ThrottleKey is the value of the throttle's per, for a rule without count, wait
	// and digest.
	ThrottleKey string
}

// Result is what a fold decides.
type Result struct {
	Effects []record.Effect
	// Send says that the alert passes: its requests become deliveries.
	Send bool
	// Overflow says that the key was not tracked, since there are too many keys.
	Overflow bool

	collected *collected // where the digest put the alert
}

// untracked is the result for a key that is not tracked, since there are too many.
func untracked(key string) Result {
	return Result{Overflow: true, Effects: []record.Effect{{Effect: record.Overflow, Key: key}}}
}

func (r *Result) add(effects ...record.Effect) { r.Effects = append(r.Effects, effects...) }

// Limits bound what the rows of one rule may take up. The zero value of a field
// is its default: tests lower them.
type Limits struct {
	// ThrottleKeys is how many keys a throttle may have, Keys how many a count, a
	// wait or a digest.
	ThrottleKeys, Keys int
	// Items is how many items a digest keeps for a period.
	Items int
}

func (l Limits) throttleKeys() int { return cmp.Or(l.ThrottleKeys, maxThrottleKeys) }
func (l Limits) keys() int         { return cmp.Or(l.Keys, maxKeys) }
func (l Limits) items() int        { return cmp.Or(l.Items, maxItems) }

// The defaults of Limits, and bounds that cannot be changed.
const (
	maxThrottleKeys = 1_000_000
	maxKeys         = 100_000
	maxItems        = 10_000
	// maxShown is how many of a digest's items a template gets.
	maxShown = 100
	// MaxKey bounds a key in bytes.
	MaxKey = 512
)

// load reads a row's data; the zero value if there is no row.
func load[T any](rows Rows, ref Ref) (data T, row Row, ok bool) {
	row, ok = rows.Get(ref)
	if !ok {
		return data, Row{Ref: ref}, false
	}
	return decode[T](row), row, true
}

// decode reads a row's data. Only this package writes it, so an error means that the
// store is damaged and the transaction must not continue.
func decode[T any](row Row) (data T) {
	if err := json.Unmarshal(row.Data, &data); err != nil {
		panic(fmt.Sprintf("row of %s for %s: %v", row.Scope.Block, row.Scope.Rule, err))
	}
	return data
}

func save(rows Rows, row Row, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // of numbers and strings
	}
	row.Data = text
	rows.Put(row)
}

// full reports whether a scope has as many keys as it may have.
func full(rows Rows, scope Scope, limit int) bool { return rows.Keys(scope) >= limit }

func micros(t time.Time) int64 { return t.UnixMicro() }

func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}
