package schema

import (
	"slices"
	"strings"
	"unicode"
)

// Any accepts anything, but mainly values of the type of first.
func Any(first, description string, examples ...any) *Value {
	types := append(Types{first},
		slices.DeleteFunc(slices.Clone(allTypes), func(t string) bool { return t == first })...)
	return &Value{Description: description, Type: types, Examples: examples}
}

// Text accepts a text. It also accepts a number, since heed reads a scalar as written. It
// does not accept a bool although heed does: that is rarely what was meant, and editors
// would offer true and false for every text.
func Text(description string, examples ...any) *Value {
	return &Value{Description: description, Type: Types{"string", "number"}, Examples: examples}
}

// Scalar accepts a text, which may also be written as a number or a bool.
func Scalar(description string, examples ...any) *Value {
	return &Value{Description: description, Type: Types{"string", "number", "boolean"}, Examples: examples}
}

// Bool accepts true or false.
func Bool(description string) *Value {
	return &Value{Description: description, Type: Types{"boolean"}}
}

// Whole accepts a whole number from least to most.
func Whole(description string, least, most int, examples ...any) *Value {
	return &Value{Description: description, Type: Types{"integer"}, Minimum: least, Maximum: most, Examples: examples}
}

// Matching accepts a text that matches a pattern. message says what to write instead.
func Matching(description, pattern, message string, examples ...any) *Value {
	return &Value{
		Description: description, Type: Types{"string"}, Pattern: pattern, PatternMessage: message,
		Examples: examples,
	}
}

// Duration accepts what document.Fields reads as a duration.
func Duration(description string, examples ...any) *Value {
	v := Matching(description, `^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$`,
		"write a duration such as 30s, 5m, 24h or 7d", examples...)
	v.MinLength = 2
	return v
}

// A Word is one of the words that a Choice accepts, with its meaning.
type Word struct{ Word, Meaning string }

// Choice accepts one of the words.
func Choice(description string, words ...Word) *Value {
	v := &Value{Description: description, Type: Types{"string"}}
	for _, word := range words {
		v.AnyOf = append(v.AnyOf, &Value{Const: word.Word, Description: word.Meaning})
	}
	return v
}

// Words accepts one of the words, in any case. Editors offer them as written here.
func Words(description string, words ...string) *Value {
	var patterns []string
	var examples []any
	for _, word := range words {
		patterns, examples = append(patterns, anyCase(word)), append(examples, word)
	}
	return Matching(description, "^("+strings.Join(patterns, "|")+")$", "write one of "+strings.Join(words, ", "),
		examples...)
}

func anyCase(word string) string {
	var pattern strings.Builder
	for _, r := range word {
		pattern.WriteString("[" + string(unicode.ToUpper(r)) + string(unicode.ToLower(r)) + "]")
	}
	return pattern.String()
}

// List accepts a list with at least the given number of items.
func List(description string, items *Value, least int) *Value {
	return &Value{Description: description, Type: Types{"array"}, Items: items, MinItems: least}
}

// OneOrList accepts a value or a list of such values.
func OneOrList(one *Value, least int) *Value {
	v := *one
	v.Type = append(slices.Clone(one.Type), "array")
	if len(one.AnyOf) > 0 { // on one level with the list, where editors show what each means
		v.AnyOf = append(slices.Clone(one.AnyOf), List("", one.Unexplained(), least))
		return &v
	}
	v.Items, v.MinItems = one.Unexplained(), least // which say nothing of a value that is not a list
	return &v
}

// Map accepts an object with keys chosen by the user.
func Map(description string, values *Value) *Value {
	return &Value{Description: description, Type: Types{"object"}, AdditionalProperties: values}
}

// Object accepts an object with these keys and no others.
func Object(description string, keys ...Key) *Value {
	return (&Value{Description: description, Type: Types{"object"}, AdditionalProperties: false}).Add(keys...)
}

// Add adds keys to an Object.
func (v *Value) Add(keys ...Key) *Value {
	for _, key := range keys {
		v.Properties = append(v.Properties, key)
		if key.Required {
			v.Required = append(v.Required, key.Name)
		}
	}
	return v
}

// AddFirst adds a required key before those of an Object.
func (v *Value) AddFirst(key Key) *Value {
	v.Properties = append(Keys{key}, v.Properties...)
	v.Required = append([]string{key.Name}, v.Required...)
	return v
}

// Explain adds the description of a key that an Object's alternatives check, for the
// alternative of the given name. A key of several alternatives is explained for each.
func (v *Value) Explain(name string, key Key) {
	description := name + ": " + key.Value.Description
	have := v.Properties.Get(key.Name)
	if have == nil {
		v.Add(Optional(key.Name, &Value{Description: description, Type: key.Value.Type, Examples: key.Value.Examples}))
		return
	}
	have.Description += "\n" + description
	have.Examples = append(slices.Clip(have.Examples), key.Value.Examples...)
	for _, t := range key.Value.Type {
		if !slices.Contains(have.Type, t) {
			have.Type = append(slices.Clip(have.Type), t)
		}
	}
}

// Unexplained returns the value with its checks only. If it has alternatives, they have
// types.
func (v *Value) Unexplained() *Value {
	bare := *v
	bare.Description, bare.Examples = "", nil
	if len(bare.AnyOf) > 0 {
		bare.Type = nil
	}
	return &bare
}

// OrEmpty also accepts an empty value, where nothing follows the key.
func (v *Value) OrEmpty() *Value {
	v.Type = append(slices.Clip(v.Type), "null")
	return v
}

// NeedsOne requires an Object to have at least one of the keys.
func (v *Value) NeedsOne(keys ...string) *Value {
	for _, key := range keys {
		v.AnyOf = append(v.AnyOf, &Value{Required: []string{key}})
	}
	return v
}

// AtMostOne forbids an Object to have more than one of the keys.
func (v *Value) AtMostOne(keys ...string) *Value {
	for _, key := range keys {
		others := &Value{}
		for _, other := range keys {
			if other != key {
				others.Properties = append(others.Properties, Key{Name: other})
			}
		}
		v.dependency(key, others)
	}
	return v
}

// Together requires an Object to have both keys or neither.
func (v *Value) Together(one, other string) *Value {
	v.dependency(one, &Value{Required: []string{other}})
	v.dependency(other, &Value{Required: []string{one}})
	return v
}

// Needs requires an Object that has a key to have one of the others too.
func (v *Value) Needs(key string, others ...string) *Value {
	v.dependency(key, (&Value{}).NeedsOne(others...))
	return v
}

func (v *Value) dependency(key string, also *Value) {
	if v.Dependencies == nil {
		v.Dependencies = map[string]*Value{}
	}
	v.Dependencies[key] = also
}
