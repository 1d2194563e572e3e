package schema

import (
	"slices"
	"strings"
	"unicode"
)

// Any takes anything, but mostly what has the first type.
func Any(first, description string, examples ...any) *Value {
	types := append(Types{first},
		slices.DeleteFunc(slices.Clone(allTypes), func(t string) bool { return t == first })...)
	return &Value{Description: description, Type: types, Examples: examples}
}

// Text takes a text. A number is one too, since heed reads a scalar as it is
// written. So is a bool, but hardly ever where somebody meant it, and editors
// would offer true and false for every text.
func Text(description string, examples ...any) *Value {
	return &Value{Description: description, Type: Types{"string", "number"}, Examples: examples}
}

// Scalar takes a text, which may also be written as a number or a bool.
func Scalar(description string, examples ...any) *Value {
	return &Value{Description: description, Type: Types{"string", "number", "boolean"}, Examples: examples}
}

// Bool takes true or false.
func Bool(description string) *Value {
	return &Value{Description: description, Type: Types{"boolean"}}
}

// Whole takes a whole number from least to most.
func Whole(description string, least, most int, examples ...any) *Value {
	return &Value{Description: description, Type: Types{"integer"}, Minimum: least, Maximum: most, Examples: examples}
}

// Matching takes a text that fits a pattern; message is what to write instead.
func Matching(description, pattern, message string, examples ...any) *Value {
	return &Value{
		Description: description, Type: Types{"string"}, Pattern: pattern, PatternMessage: message,
		Examples: examples,
	}
}

// Duration takes what source.Fields takes for one.
func Duration(description string, examples ...any) *Value {
	v := Matching(description, `^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$`,
		"write a duration such as 30s, 5m, 24h or 7d", examples...)
	v.MinLength = 2
	return v
}

// Word is one of the words that a Choice takes, and what it means.
type Word struct{ Word, Meaning string }

// Choice takes one of the words.
func Choice(description string, words ...Word) *Value {
	v := &Value{Description: description, Type: Types{"string"}}
	for _, word := range words {
		v.AnyOf = append(v.AnyOf, &Value{Const: word.Word, Description: word.Meaning})
	}
	return v
}

// Words takes one of the words, in capital letters or not. Editors offer them
// as they are written here.
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

// List takes a list with at least so many items.
func List(description string, items *Value, least int) *Value {
	return &Value{Description: description, Type: Types{"array"}, Items: items, MinItems: least}
}

// OneOrList takes a value or a list of such values.
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

// Map takes an object with keys of the user's choice.
func Map(description string, values *Value) *Value {
	return &Value{Description: description, Type: Types{"object"}, AdditionalProperties: values}
}

// Object takes an object with these keys and no others.
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

// AddFirst adds a required key in front of those that an Object has.
func (v *Value) AddFirst(key Key) *Value {
	v.Properties = append(Keys{key}, v.Properties...)
	v.Required = append([]string{key.Name}, v.Required...)
	return v
}

// Explain adds a key that an Object's alternatives describe, without its
// checks: what it means to the one of that name. A key that several of them
// have is explained for each.
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

// Unexplained is the value with its checks alone. Where it has alternatives,
// they know their types.
func (v *Value) Unexplained() *Value {
	bare := *v
	bare.Description, bare.Examples = "", nil
	if len(bare.AnyOf) > 0 {
		bare.Type = nil
	}
	return &bare
}

// OrEmpty takes an empty value too, where nothing is written behind the key.
func (v *Value) OrEmpty() *Value {
	v.Type = append(slices.Clip(v.Type), "null")
	return v
}

// NeedsOne says that an Object needs at least one of the keys.
func (v *Value) NeedsOne(keys ...string) *Value {
	for _, key := range keys {
		v.AnyOf = append(v.AnyOf, &Value{Required: []string{key}})
	}
	return v
}

// AtMostOne says that an Object cannot have two of the keys.
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

// Together says that an Object has both of the keys or neither.
func (v *Value) Together(one, other string) *Value {
	v.dependency(one, &Value{Required: []string{other}})
	v.dependency(other, &Value{Required: []string{one}})
	return v
}

// Needs says that an Object that has a key has one of the others too.
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
