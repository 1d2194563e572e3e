// Package state defines what rules remember: what count, wait, digest, quiet hours and
// throttle mean. It is a pure fold over rows: given the settings of a rule, the rows of a
// key and an input, it computes how the rows change, when they are next due, and what the
// effects are. It does no I/O and has no clock. A store runs it inside the transaction
// that stores the event; a test or a backtest runs the same code on rows in memory.
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
	BlockItem     = "item" // items of a digest, one row each
	BlockHold     = "hold" // alerts held by quiet hours
	BlockThrottle = "throttle"
)

// A Scope identifies the rows of one block of a rule. Per is the text of the expression
// that forms their keys; with another expression, rows would mean something else.
type Scope struct{ Rule, Block, Per string }

// A Ref identifies a row.
type Ref struct {
	Scope Scope
	Key   string
}

// A Row is what is remembered for one key.
type Row struct {
	Ref
	// User is the person whom the row is about. It is deleted with the person's data.
	User string
	// Data is encoded in a form private to the block.
	Data json.RawMessage
	// Due is when the row fires next; zero for never.
	Due time.Time
	// Expires is when the row can be deleted; zero for never.
	Expires time.Time
	// Version changes with every write. The store sets it.
	Version int64
}

// Rows are the rows that a fold may read and change. A store implements it inside a
// transaction.
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

// A Mute keeps alerts of a rule, or of one of its keys, from being sent.
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

// FindMute returns the mute that holds for a key of a rule at a time. If there are
// several, it returns the one that ends last, which determines when alerts are sent
// again.
func FindMute(mutes []Mute, rule, key string, now time.Time) (found Mute, muted bool) {
	for _, m := range mutes {
		if m.covers(rule, key, now) && (!muted || m.Until.After(found.Until)) {
			found, muted = m, true
		}
	}
	return found, muted
}

// Effect returns the effect of the mute on an alert.
func (m *Mute) Effect(key string) record.Effect {
	return record.Effect{Effect: record.Muted, Key: key, Limit: m.Reason, Next: m.Until.UTC()}
}

// JoinKey joins the parts of a key: a single part is returned as is, several as a JSON
// list.
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
		panic(err) // impossible for strings
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// ParseKey normalizes a key written by a person, which may have other spaces and JSON
// escapes, and numbers instead of texts.
func ParseKey(text string) string {
	parts := KeyParts(text)
	if len(parts) < 2 {
		return text
	}
	return JoinKey(parts...)
}

// KeyParts returns the parts of a key written as a JSON list of texts, numbers and
// booleans, or nil for any other text.
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

// A Clock is the time at which a fold runs. MaxAge limits how late events can arrive.
type Clock struct {
	Now    time.Time
	MaxAge time.Duration
}

// A Mark identifies an event in a row.
type Mark struct {
	// At is the event's own time in microseconds since 1970.
	At int64 `json:"t"`
	// Seq is its number in the store.
	Seq int64  `json:"s,omitempty"`
	ID  string `json:"i,omitempty"`
}

// Time returns the event's own time.
func (m Mark) Time() time.Time { return time.UnixMicro(m.At).UTC() }

// A Kind is what an event means to a rule.
type Kind int

// The kinds of input: the rule's condition holds, its reset holds, or one of its
// unless conditions holds.
const (
	Match Kind = iota
	Reset
	Cancel
)

// An Input is what one event means to one rule. It is computed from the event before the
// transaction; only Event.Seq is set inside it.
type Input struct {
	Kind  Kind
	Event Mark
	// Inert means that the event must not trigger anything: it counts, resets and
	// cancels, but neither completes a count nor starts a wait.
	Inert bool
	// Key is the value of the block's per; User is the person the event is about.
	Key, User string
	// Value is the value of distinct or one_per; empty if the block has none.
	Value string
	// Slot distinguishes the items of one event in a digest, such as those of a wait's
	// steps.
	Slot string
	// Deadline is the deadline of the wait, if it has one.
	Deadline Deadline
	// ThrottleKey is the value of the throttle's per, for a rule without count, wait
	// and digest.
	ThrottleKey string
}

// A Result is the outcome of a fold.
type Result struct {
	Effects []record.Effect
	// Send reports whether the alert passes, so that its requests become deliveries.
	Send bool
	// Overflow reports that the key was not tracked because there are too many keys.
	Overflow bool

	collected *collected // where the digest put the alert
}

// untracked returns the result for a key that is not tracked because there are too many.
func untracked(key string) Result {
	return Result{Overflow: true, Effects: []record.Effect{{Effect: record.Overflow, Key: key}}}
}

func (r *Result) add(effects ...record.Effect) { r.Effects = append(r.Effects, effects...) }

// Limits bound the size of a rule's rows. A zero field means its default; tests lower
// them.
type Limits struct {
	// ThrottleKeys limits the keys of a throttle; Keys those of a count, a wait or a
	// digest.
	ThrottleKeys, Keys int
	// Items limits the items that a digest keeps for a period.
	Items int
}

func (l Limits) throttleKeys() int { return cmp.Or(l.ThrottleKeys, maxThrottleKeys) }
func (l Limits) keys() int         { return cmp.Or(l.Keys, maxKeys) }
func (l Limits) items() int        { return cmp.Or(l.Items, maxItems) }

// The defaults of Limits, and limits that cannot be changed.
const (
	maxThrottleKeys = 1_000_000
	maxKeys         = 100_000
	maxItems        = 10_000
	// maxShown limits the digest items passed to a template.
	maxShown = 100
	// MaxKey limits the length of a key in bytes.
	MaxKey = 512
)

// load reads a row's data. It returns the zero value if there is no row.
func load[T any](rows Rows, ref Ref) (data T, row Row, ok bool) {
	row, ok = rows.Get(ref)
	if !ok {
		return data, Row{Ref: ref}, false
	}
	return decode[T](row), row, true
}

// decode decodes a row's data. Only this package writes it, so an error means that the
// store is damaged; decode then panics, since the transaction must not continue.
func decode[T any](row Row) (data T) {
	if err := json.Unmarshal(row.Data, &data); err != nil {
		panic(fmt.Sprintf("row of %s for %s: %v", row.Scope.Block, row.Scope.Rule, err))
	}
	return data
}

func save(rows Rows, row Row, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // impossible for numbers and strings
	}
	row.Data = text
	rows.Put(row)
}

// full reports whether a scope has reached its limit of keys.
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
