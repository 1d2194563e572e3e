// Package event owns what an event is: its wire form, how it is decoded, and
// the catalogue of event types with their fields. Everybody may import it; it
// imports nothing of heed's.
package event

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// maxDepth is how deeply objects and lists may nest in a body. The body itself
// is depth 1.
const maxDepth = 64

// TimedType is the type of the events that heed itself stores when rules fire
// by time.
const TimedType = "heed.timed"

// Event is one verified event, decoded.
type Event struct {
	// ID is the sender's x-mt-event-id or, without that header, the body's
	// SHA-256 in hex.
	ID string
	// Source is the name of the source that it came from.
	Source string
	// Inert says that the event may trigger nothing: its source allows it only
	// for younger ones.
	Inert bool
	// Type is the body's "event", such as "quiz.submitted".
	Type string
	// CompanyID is the body's "companyId"; empty if it has none.
	CompanyID string
	// ReceivedAt is when heed took the event in, by the engine's clock.
	ReceivedAt time.Time
	// At is the event's own time: when it was signed, and not after it came.
	At time.Time
	// Data is the body's "data": string, bool, nil, int, float64, []any,
	// map[string]any or BadNumber. Never nil after Decode.
	Data map[string]any
}

// BadNumber is the literal of a number that no 64-bit integer or float holds
// without losing what was sent: 1e400, or an integer of 25 digits. It is kept
// so that a rule can say why the value is unknown.
type BadNumber string

// Fault is why a body is not an event. Its text is the quarantine's reason: short,
// stable, fit for an answer and a metric label.
type Fault string

// The faults a body can have. A redelivery of the same body has the same fault.
const (
	FaultNotUTF8      Fault = "invalid_utf8"
	FaultNotJSON      Fault = "not_json"
	FaultDuplicateKey Fault = "duplicate_key"
	FaultTooDeep      Fault = "too_deep"
	FaultNoEvent      Fault = "no_event"
	FaultBadData      Fault = "bad_data"
)

// DecodeError says why a body could not be decoded, and where.
type DecodeError struct {
	Fault  Fault
	Detail string
}

func (e *DecodeError) Error() string { return e.Detail }

func fault(f Fault, format string, args ...any) error {
	return &DecodeError{Fault: f, Detail: fmt.Sprintf(format, args...)}
}

// Decode reads a webhook body, {"event", "companyId", "data"}, into an Event
// without ID and ReceivedAt. Integers stay exact; keys match to the letter; a
// key given twice, invalid UTF-8 and nesting beyond maxDepth are refused. The
// error is always a *DecodeError. Any error means that the body has the same
// fault however often it comes.
func Decode(body []byte) (Event, error) {
	if !utf8.Valid(body) {
		return Event{}, fault(FaultNotUTF8, "the body is not valid UTF-8")
	}
	value, err := decodeBody(body)
	if err != nil {
		return Event{}, err
	}
	top, ok := value.(map[string]any)
	if !ok {
		return Event{}, fault(FaultNoEvent, `the body is %s, not an object with "event" and "data"`, kindOf(value))
	}
	e := Event{Data: map[string]any{}}
	if e.Type, ok = top["event"].(string); !ok || e.Type == "" {
		return Event{}, fault(FaultNoEvent, `the body has no "event" that names its type`)
	}
	// A company id that is not a text cannot equal the configured one, so it
	// stays empty here and is refused there.
	e.CompanyID, _ = top["companyId"].(string)
	switch data := top["data"].(type) {
	case nil:
	case map[string]any:
		e.Data = data
	default:
		return Event{}, fault(FaultBadData, `"data" is %s, not an object`, kindOf(data))
	}
	return e, nil
}

// User is the person whom the event is about: its data.userId, which may be a
// number; empty if it is about nobody.
func (e *Event) User() string {
	switch id := e.Data["userId"].(type) {
	case string:
		if len(id) <= maxUser {
			return id
		}
	case int:
		return strconv.Itoa(id)
	}
	return ""
}

// Tells says whether User knows whom the event is about: not if the id is of another
// kind or very long.
func (e *Event) Tells() bool {
	id := e.Data["userId"]
	return id == nil || id == "" || e.User() != ""
}

// maxUser bounds the id of a person, in bytes.
const maxUser = 256

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return "a number"
	}
}

// ParseTime reads a time as payloads carry it: RFC 3339, or a plain date,
// which means midnight UTC.
func ParseTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
