package ruletest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"heed/engine/event"
)

// Masker replaces personal values in what is shown of events, as Redact does in
// fixtures. Its pseudonyms come from a key: the same value has the same one
// wherever it is masked with that key, and without the key nobody can tell whose
// it is. A Masker is for one goroutine.
type Masker struct{ r *redactor }

// NewMasker makes a masker for events of a catalogue.
func NewMasker(catalog *event.Catalog, key []byte) *Masker {
	r := newRedactor(catalog)
	r.invent = func(identity, kind string) string {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(identity)) // it never fails
		sum := mac.Sum(nil)
		if kind == "%d" {
			return fmt.Sprint(uint32(sum[0])<<16 | uint32(sum[1])<<8 | uint32(sum[2]) | 1<<24)
		}
		return strings.Replace(kind, "%d", hex.EncodeToString(sum[:4]), 1)
	}
	return &Masker{r}
}

// Learn learns the personal values of an event's body, so that they are replaced
// wherever they are mentioned. It says whether the body is an event.
func (m *Masker) Learn(body []byte) bool {
	read, err := readBody(Fixture{Body: body}, m.r.catalog)
	if err != nil {
		return false
	}
	m.r.learn(read)
	return true
}

// Body is an event's body with pseudonyms. What is not an event is not shown at all.
func (m *Masker) Body(body []byte) []byte {
	read, err := readBody(Fixture{Body: body}, m.r.catalog)
	if err != nil {
		return []byte(`"hidden: it is not an event, so that nobody can tell what in it is personal"`)
	}
	m.r.learn(read)
	masked, err := writeBody("", m.r.redact(read))
	if err != nil {
		return []byte("null")
	}
	return masked.Body
}

// Value is a pseudonym for a value that is personal by itself: a user's id with
// the field "userId", or an address.
func (m *Masker) Value(value, field string) string {
	if value == "" {
		return ""
	}
	m.r.learnText(value, field)
	if pseudonym := m.r.pseudonyms[identity(value)]; pseudonym != "" {
		return pseudonym
	}
	return value
}

// Text is a text with pseudonyms for the values that were learnt, and for e-mail
// addresses and telephone numbers.
func (m *Masker) Text(text string) string {
	m.r.learnInside(text)
	if pseudonym := m.r.pseudonyms[identity(text)]; pseudonym != "" {
		return pseudonym
	}
	return m.r.withoutMentions(text, false)
}

// JSON is a JSON value of any shape, with pseudonyms in its texts and keys and for
// numbers that were learnt.
func (m *Masker) JSON(raw json.RawMessage) json.RawMessage {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil
	}
	masked, err := json.Marshal(m.Any(value))
	if err != nil {
		return nil
	}
	return masked
}

// Any is a value of decoded JSON with pseudonyms.
func (m *Masker) Any(value any) any {
	switch v := value.(type) {
	case string:
		return m.Text(v)
	case json.Number:
		if pseudonym := m.r.pseudonyms[numberIdentity(string(v))]; pseudonym != "" {
			return json.Number(pseudonym)
		}
	case float64:
		if pseudonym := m.r.pseudonyms[numberIdentity(fmt.Sprint(v))]; pseudonym != "" {
			return json.Number(pseudonym)
		}
	case []any:
		for i := range v {
			v[i] = m.Any(v[i])
		}
	case map[string]any:
		masked := make(map[string]any, len(v))
		for key, inside := range v {
			masked[m.r.withoutMentions(key, true)] = m.Any(inside)
		}
		return masked
	}
	return value
}
