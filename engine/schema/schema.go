// Package schema owns the words in which heed describes what a rule file may
// hold, for editors: the part of JSON Schema (draft-07) that they act upon.
// Whoever reads a part of the file describes it; this package knows none of
// them. A description may take more than the reader does but not less, since
// a red line under what works would be a lie; Text has the one exception.
package schema

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
)

// Draft is the edition of JSON Schema, which is the one that editors read.
const Draft = "http://json-schema.org/draft-07/schema#"

// Value describes a value. The zero Value takes any.
type Value struct {
	Draft string `json:"$schema,omitempty"`
	// Description is what editors show, as plain text.
	Description string `json:"description,omitempty"`

	Type  Types `json:"type,omitempty"`
	Const any   `json:"const,omitempty"`
	Enum  []any `json:"enum,omitempty"`

	Pattern string `json:"pattern,omitempty"`
	// PatternMessage is what editors say of a text that does not fit.
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
	// Dependencies say what must hold as well where a key is given.
	Dependencies map[string]*Value `json:"dependencies,omitempty"`

	AnyOf []*Value `json:"anyOf,omitempty"`

	// Examples are shown and offered. Editors write a text into the file as it
	// is, so it must do without quotes.
	Examples []any `json:"examples,omitempty"`
}

// Types are the JSON types that a value may have; none means any. Where several
// will do, editors prepare for the first.
type Types []string

var allTypes = Types{"string", "number", "boolean", "object", "array", "null"}

// MarshalJSON writes a single type as itself.
func (t Types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// Key is one key of an object.
type Key struct {
	Name string
	// Value is what the key holds; nil says that the key cannot be given.
	Value *Value
	// Required says that the key cannot be left out.
	Required bool
}

// Required is a key that cannot be left out.
func Required(name string, value *Value) Key { return Key{name, value, true} }

// Optional is a key that can be left out.
func Optional(name string, value *Value) Key { return Key{name, value, false} }

// Keys are the keys of an object, in the order in which people should read
// them.
type Keys []Key

// Get is the value under a key, nil if there is none.
func (k Keys) Get(name string) *Value {
	i := slices.IndexFunc(k, func(key Key) bool { return key.Name == name })
	if i < 0 {
		return nil
	}
	return k[i].Value
}

// Names are the names of the keys.
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
