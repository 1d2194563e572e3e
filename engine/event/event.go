// Package event owns what an event is: its wire format, how it is decoded, and the
// catalogue of event types with their fields. Any package may import it; it imports no
// package of heed.
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

// TimedType is the type of the events that heed stores when rules fire by time.
const TimedType = "heed.timed"

// An Event is one verified, decoded event.
type Event struct {
	// ID is the sender's x-mt-event-id or, without that header, the body's
	// SHA-256 in hex.
	ID string
	// Source is the name of the source it came from.
	Source string
	// Inert means that the event may trigger nothing, because its source lets only newer
	// events act.
	Inert bool
	// Type is the body's "event", such as "quiz.submitted".
	Type string
	// CompanyID is the body's "companyId"; empty if it has none.
	CompanyID string
	// ReceivedAt is when heed received the event, by the engine's clock.
	ReceivedAt time.Time
	// At is the event's own time: when it was signed, but never later than when it
	// arrived.
	At time.Time
	// Data is the body's "data". Its values are string, bool, nil, int, float64, []any,
	// map[string]any or BadNumber. It is never nil after Decode.
	Data map[string]any
}

// A BadNumber is the literal of a number that neither a 64-bit integer nor a float holds
// without loss, such as 1e400 or an integer of 25 digits. It is kept so that a rule can
// say why the value is unknown.
type BadNumber string

// A Fault is why a body is not an event. Its text is the reason for the quarantine:
// short, stable, and suitable for responses and metric labels.
type Fault string

// The faults of a body. A redelivery of the same body has the same fault.
const (
	FaultNotUTF8      Fault = "invalid_utf8"
	FaultNotJSON      Fault = "not_json"
	FaultDuplicateKey Fault = "duplicate_key"
	FaultTooDeep      Fault = "too_deep"
	FaultNoEvent      Fault = "no_event"
	FaultBadData      Fault = "bad_data"
)

// A DecodeError says why a body could not be decoded, and where.
type DecodeError struct {
	Fault  Fault
	Detail string
}

func (e *DecodeError) Error() string { return e.Detail }

func fault(f Fault, format string, args ...any) error {
	return &DecodeError{Fault: f, Detail: fmt.Sprintf(format, args...)}
}

// Decode decodes a webhook body, {"event", "companyId", "data"}, into an Event without ID
// and ReceivedAt. Integers stay exact, and keys are case-sensitive. Duplicate keys,
// invalid UTF-8 and nesting beyond maxDepth are rejected. The error is always a
// *DecodeError, and the same body always has the same fault.
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
	// A company ID that is not text cannot equal the configured one, so it is left empty
	// here and rejected by the caller.
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

// User returns the person the event is about: its data.userId, which may be a number, or
// "" if there is none.
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

// Tells reports whether User can tell whom the event is about. It cannot if the ID is of
// another kind or very long.
func (e *Event) Tells() bool {
	id := e.Data["userId"]
	return id == nil || id == "" || e.User() != ""
}

// maxUser limits the length of a person's ID, in bytes.
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

// ParseTime parses a time in a payload: RFC 3339, or a plain date, which means midnight
// UTC.
func ParseTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
