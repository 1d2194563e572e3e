// Package schema owns the vocabulary in which heed describes, for editors, what a rule
// file may hold: the part of JSON Schema (draft-07) that editors act upon. The code that
// reads a part of the file also describes it; this package knows none of that code. A
// description may accept more than the reader does, but not less, since an editor must
// not mark what works as wrong; Text has the one exception.
package schema

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
)

// Draft is the edition of JSON Schema, which is the one that editors read.
const Draft = "http://json-schema.org/draft-07/schema#"

// A Value describes a value. The zero Value accepts anything.
type Value struct {
	Draft string `json:"$schema,omitempty"`
	// Description is what editors show, as plain text.
	Description string `json:"description,omitempty"`

	Type  Types `json:"type,omitempty"`
	Const any   `json:"const,omitempty"`
	Enum  []any `json:"enum,omitempty"`

	Pattern string `json:"pattern,omitempty"`
	// PatternMessage is what editors show for a text that does not match.
	PatternMessage string `json:"patternErrorMessage,omitempty"`
	MinLength      int    `json:"minLength,omitempty"`
	Minimum        int    `json:"minimum,omitempty"`
	Maximum        int    `json:"maximum,omitempty"`

	Items    *Value `json:"items,omitempty"`
	MinItems int    `json:"minItems,omitempty"`
	MaxItems int    `json:"maxItems,omitempty"`

	Properties    Keys     `json:"properties,omitempty"`
	Required      []string `json:"required,omitempty"`
	MinProperties int      `json:"minProperties,omitempty"`
	// AdditionalProperties is false, a *Value, or nil for anything.
	AdditionalProperties any `json:"additionalProperties,omitempty"`
	// Dependencies say what else must hold if a key is given.
	Dependencies map[string]*Value `json:"dependencies,omitempty"`

	AnyOf []*Value `json:"anyOf,omitempty"`

	// Examples are shown and offered. Editors insert an example as it is, so it must be
	// valid without quotes.
	Examples []any `json:"examples,omitempty"`
}

// Types are the JSON types that a value may have; none means any. Where several are
// possible, editors prepare for the first.
type Types []string

var allTypes = Types{"string", "number", "boolean", "object", "array", "null"}

// MarshalJSON writes a single type as itself.
func (t Types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// A Key is one key of an object.
type Key struct {
	Name string
	// Value describes the key's value; nil means that the key cannot be given.
	Value *Value
	// Required means that the key cannot be left out.
	Required bool
}

// Required returns a key that cannot be left out.
func Required(name string, value *Value) Key { return Key{name, value, true} }

// Optional returns a key that can be left out.
func Optional(name string, value *Value) Key { return Key{name, value, false} }

// Keys are the keys of an object, in the order in which people should read
// them.
type Keys []Key

// Get returns the value for a key, or nil.
func (k Keys) Get(name string) *Value {
	i := slices.IndexFunc(k, func(key Key) bool { return key.Name == name })
	if i < 0 {
		return nil
	}
	return k[i].Value
}

// Names returns the names of the keys.
func (k Keys) Names() []string {
	names := make([]string, len(k))
	for i, key := range k {
		names[i] = key.Name
	}
	return names
}

// MarshalJSON writes the keys as an object, in their order.
func (k Keys) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for i, key := range k {
		text.WriteByte("{,"[min(i, 1)])
		if err := encoder.Encode(key.Name); err != nil {
			return nil, err
		}
		text.WriteByte(':')
		var value any = key.Value
		if key.Value == nil {
			value = false
		}
		if err := encoder.Encode(value); err != nil {
			return nil, err
		}
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

// Write writes the description as a JSON Schema.
func (v *Value) Write(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
