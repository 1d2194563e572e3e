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

// A Masker replaces personal values where events are shown, as Redact does in fixtures.
// It derives pseudonyms from a key: with the same key, a value always has the same
// pseudonym, and without the key nobody can tell whose it is. A Masker is not safe for
// concurrent use.
type Masker struct{ r *redactor }

// NewMasker returns a Masker for the events of a catalogue.
func NewMasker(catalog *event.Catalog, key []byte) *Masker {
	r := newRedactor(catalog)
	r.invent = func(identity, kind string) string {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(identity)) // never fails
		sum := mac.Sum(nil)
		if kind == "%d" {
			return fmt.Sprint(uint32(sum[0])<<16 | uint32(sum[1])<<8 | uint32(sum[2]) | 1<<24)
		}
		return strings.Replace(kind, "%d", hex.EncodeToString(sum[:4]), 1)
	}
	return &Masker{r}
}

// Learn learns the personal values of an event's body, so that they are replaced wherever
// they occur. It reports whether the body is an event.
func (m *Masker) Learn(body []byte) bool {
	read, err := readBody(Fixture{Body: body}, m.r.catalog)
	if err != nil {
		return false
	}
	m.r.learn(read)
	return true
}

// Body returns an event's body with pseudonyms. It shows nothing of a body that is not an
// event.
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

// Value returns the pseudonym of a value that is itself personal: a user's ID, with the
// field "userId", or an address.
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

// Text returns a text with pseudonyms for learnt values, e-mail addresses and telephone
// numbers.
func (m *Masker) Text(text string) string {
	m.r.learnInside(text)
	if pseudonym := m.r.pseudonyms[identity(text)]; pseudonym != "" {
		return pseudonym
	}
	return m.r.withoutMentions(text, false)
}

// JSON returns a JSON value with pseudonyms in its texts and keys, and for learnt
// numbers.
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

// Any returns a decoded JSON value with pseudonyms.
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
