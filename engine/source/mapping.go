package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"heed/engine/event"
	"heed/engine/expression"
)

// Unmapped is the quarantine reason for input from which a mapping cannot make an event.
const Unmapped = "unmapped"

// Limits on what one request or row may make.
const (
	maxItems = 10_000
	maxBody  = 1 << 20
	maxMade  = 4 * maxBody // of all events of a request: each may hold the whole body
	maxID    = 256
)

// ownIDs is the prefix of the IDs of events that heed makes itself.
const ownIDs = "heed."

// Made is what a mapping made of a request, an element of one, or a row.
type Made struct {
	// ID is the event's ID. If the source gives none, it is the SHA-256, in hex, of what
	// the event was made of.
	ID string
	// At is the event's own time, or zero if the source does not give it.
	At time.Time
	// Event is the event; Body is its text in the format of the published contract. If
	// the event cannot be used, Body is the input.
	Event event.Event
	Body  []byte
	// Reason says in a word why the event cannot be used, Detail in a sentence. Both are
	// empty for a usable event.
	Reason, Detail string
}

// Request makes events from the body of a request. headers and query are what the
// expressions see under these names.
func (m *Mapping) Request(body []byte, headers, query map[string]string) []Made {
	value, err := decode(body)
	if err != nil {
		return []Made{unusable(body, "", err.Fault, err.Detail)}
	}
	env := expression.NewValueEnv()
	env.Set("body", value)
	env.Set("headers", texts(headers))
	env.Set("query", texts(query))
	if m.Each == nil {
		return []Made{m.make(env, func() []byte { return body })}
	}
	each, unknown := m.Each.Eval(env)
	if unknown != nil {
		return []Made{unusable(body, "", Unmapped, "each: "+unknown.Reason())}
	}
	items, isList := each.([]any)
	switch {
	case !isList:
		return []Made{unusable(body, "", Unmapped, "each: "+m.Each.Text+" is not a list")}
	case len(items) > maxItems:
		detail := fmt.Sprintf("each: %s has %d elements, more than %d", m.Each.Text, len(items), maxItems)
		return []Made{unusable(body, "", Unmapped, detail)}
	}
	made := make([]Made, len(items))
	size := 0
	for i, item := range items {
		env.Set("item", item) // all elements share the budget of one event
		made[i] = m.make(env, func() []byte { return encode(item) })
		if made[i].Reason != "" {
			made[i].Detail = fmt.Sprintf("element %d: %s", i+1, made[i].Detail)
		}
		if size += len(made[i].Body); size > maxMade {
			detail := fmt.Sprintf("data: the events of the request have more than %d bytes together", maxMade)
			return []Made{unusable(body, "", Unmapped, detail)}
		}
	}
	return made
}

// RowID returns the ID of a row, or "" if it has none; Row says why.
func (m *Mapping) RowID(row any) string {
	if m.ID == nil {
		return hash(encode(row))
	}
	id, _ := m.id(rowEnv(row))
	return id
}

// Row makes an event from a row: a Record of texts, or the value of a line of JSON.
func (m *Mapping) Row(row any) Made {
	return m.make(rowEnv(row), func() []byte { return encode(row) })
}

func rowEnv(row any) *expression.Env {
	env := expression.NewValueEnv()
	env.Set("row", row)
	return env
}

// make makes one event. raw returns what it is made of.
func (m *Mapping) make(env *expression.Env, raw func() []byte) Made {
	id := ""
	if m.ID != nil {
		var problem string
		if id, problem = m.id(env); problem != "" {
			return unusable(raw(), "", Unmapped, problem)
		}
	}
	made, problem := m.event(env)
	if problem != "" {
		return unusable(raw(), id, Unmapped, problem)
	}
	if made.ID = id; id == "" {
		made.ID = hash(raw())
	}
	made.Event.ID = made.ID
	return made
}

func (m *Mapping) id(env *expression.Env) (id, problem string) {
	value, unknown := m.ID.Eval(env)
	if unknown != nil {
		return "", "id: " + unknown.Reason()
	}
	switch value := value.(type) {
	case string, int:
		id = expression.Text(value)
	case float64: // not rounded as for people: two IDs must not become one
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			id = strconv.FormatFloat(value, 'f', -1, 64)
		}
	}
	switch {
	case id == "" || len(id) > maxID || !printable(id):
		return "", fmt.Sprintf("id: %s gives no text or number of 1 to %d printable characters", m.ID.Text, maxID)
	case strings.HasPrefix(id, ownIDs):
		return "", fmt.Sprintf("id: %s gives %s, and ids that begin with %s are heed's own", m.ID.Text, id, ownIDs)
	}
	return id, ""
}

// event makes the event and its body. It decodes the event from the body, so that later
// readers of the body see the same event.
func (m *Mapping) event(env *expression.Env) (made Made, problem string) {
	var form struct {
		Event   string         `json:"event"`
		Company string         `json:"companyId,omitempty"`
		Data    map[string]any `json:"data"`
	}
	if form.Event, problem = text(env, m.Event, "event"); problem != "" {
		return made, problem
	}
	if m.Company != nil {
		if form.Company, problem = text(env, m.Company, "company"); problem != "" {
			return made, problem
		}
	}
	if form.Data, problem = m.data(env); problem != "" {
		return made, problem
	}
	if m.At != nil {
		if made.At, problem = moment(env, m.At); problem != "" {
			return made, problem
		}
	}
	made.Body = encode(form)
	if len(made.Body) > maxBody {
		return made, fmt.Sprintf("data: the event has %d bytes, more than %d", len(made.Body), maxBody)
	}
	var err error
	if made.Event, err = event.Decode(made.Body); err != nil {
		return made, "data: " + err.Error()
	}
	return made, ""
}

func (m *Mapping) data(env *expression.Env) (data map[string]any, problem string) {
	if m.Data != nil {
		value, unknown := m.Data.Eval(env)
		if unknown != nil {
			return nil, "data: " + unknown.Reason()
		}
		if data, isObject := expression.JSON(value).(map[string]any); isObject {
			return data, ""
		}
		return nil, "data: " + m.Data.Text + " is not an object"
	}
	data = make(map[string]any, len(m.Fields))
	for _, f := range m.Fields {
		value, unknown := f.Value.Eval(env)
		switch {
		case unknown == nil:
			data[f.Name] = expression.JSON(value)
		case !unknown.Missing(): // a missing value leaves its field out
			return nil, "data." + f.Name + ": " + unknown.Reason()
		}
	}
	return data, ""
}

func text(env *expression.Env, v *expression.Value, key string) (value, problem string) {
	got, unknown := v.Eval(env)
	if unknown != nil {
		return "", key + ": " + unknown.Reason()
	}
	if value, isText := got.(string); isText && value != "" {
		return value, ""
	}
	return "", key + ": " + v.Text + " gives no text"
}

// moment converts a time, a text that event.ParseTime accepts, or Unix seconds or
// milliseconds.
func moment(env *expression.Env, v *expression.Value) (at time.Time, problem string) {
	value, unknown := v.Eval(env)
	if unknown != nil {
		return time.Time{}, "at: " + unknown.Reason()
	}
	ok := false
	switch value := value.(type) {
	case time.Time:
		at, ok = value, true
	case string:
		at, ok = event.ParseTime(value)
	case int:
		at, ok = unix(float64(value))
	case float64:
		at, ok = unix(value)
	}
	if at = at.UTC(); !ok || at.Year() < 1970 || at.Year() > 9999 {
		return time.Time{}, "at: " + v.Text + " gives no time: it takes RFC 3339, a plain date, Unix seconds or " +
			"milliseconds, or date(…)"
	}
	return at, ""
}

// unix converts Unix seconds or milliseconds. Seconds have at most 11 digits until the
// year 5138; milliseconds have had at least 12 since 1973.
func unix(n float64) (time.Time, bool) {
	switch {
	case math.IsNaN(n) || n < 0 || n >= 1e14:
		return time.Time{}, false
	case n < 1e11:
		return time.UnixMicro(int64(n * 1e6)), true
	default:
		return time.UnixMilli(int64(n)), true
	}
}

func decode(body []byte) (any, *event.DecodeError) {
	if !utf8.Valid(body) {
		return nil, &event.DecodeError{Fault: event.FaultNotUTF8, Detail: "the body is not valid UTF-8"}
	}
	value, err := event.DecodeJSON(body)
	if err != nil {
		return nil, err.(*event.DecodeError) // as it says
	}
	return value, nil
}

func unusable[Reason ~string](raw []byte, id string, reason Reason, detail string) Made {
	if id == "" {
		id = hash(raw)
	}
	return Made{ID: id, Body: raw, Reason: string(reason), Detail: detail}
}

func hash(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// encode encodes the value of an expression as JSON, with sorted keys.
func encode(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(expression.JSON(value)); err != nil {
		return nil // impossible for texts, numbers, lists and objects
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

func texts(values map[string]string) map[string]any {
	out := make(map[string]any, len(values))
	for name, value := range values {
		out[name] = value
	}
	return out
}

func printable(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}
