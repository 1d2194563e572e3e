package ruletest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/expression"
)

// values are the fields of a request that hold values of any kind. The others are text:
// there, 1.10 is a text, as in the rule.
var values = map[string]bool{"body": true, "blocks": true}

// differences returns the parts of want that got does not have. Objects may have more
// keys than wanted, but lists may not have more elements. typed means that an unquoted
// number is a number, even when compared with a text.
func differences(where string, want, got any, typed bool) []Failure {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return []Failure{{where, text(want), text(got)}}
		}
		var all []Failure
		for _, key := range slices.Sorted(maps.Keys(want)) {
			value, has := object[key]
			if !has {
				all = append(all, Failure{where + "." + key, text(want[key]), "nothing"})
				continue
			}
			_, isText := value.(string)
			all = append(all, differences(where+"."+key, want[key], value, typed || values[key] && !isText)...)
		}
		return all
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return []Failure{{where, text(want), text(got)}}
		}
		var all []Failure
		for i := range want {
			all = append(all, differences(where+"["+strconv.Itoa(i)+"]", want[i], list[i], typed)...)
		}
		return all
	default:
		if equal(want, got, typed) {
			return nil
		}
		expected, received := text(want), text(got)
		if expected == received { // of different kinds
			expected, received = described(want), described(got)
		}
		return []Failure{{where, expected, received}}
	}
}

// equal compares scalars as rules do: numbers by value, however they are written. A
// literal is taken for what the other side is, text or value.
func equal(want, got any, typed bool) bool {
	if literal, ok := want.(document.Literal); ok {
		if text, isText := got.(string); isText && !typed {
			return literal.Text == text
		}
		want = literal.Value
	}
	if want == nil || got == nil {
		return want == got
	}
	a, b := comparable(want), comparable(got)
	if x, ok := a.(event.BadNumber); ok {
		y, ok := b.(event.BadNumber)
		return ok && x == y
	}
	same, ok := expression.Equal(a, b)
	return same && ok
}

// comparable converts a scalar to a value of the rules' expressions.
func comparable(value any) any {
	number, ok := value.(json.Number)
	if !ok {
		return value
	}
	exact, err := event.DecodeJSON([]byte(number))
	if err != nil {
		return event.BadNumber(number)
	}
	return exact
}

func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case document.Literal:
		return v.Text
	}
	encoded, err := json.Marshal(plain(value))
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}

// described returns a scalar with its kind.
func described(value any) string {
	switch v := value.(type) {
	case string:
		return "the text " + strconv.Quote(v)
	case document.Literal:
		return described(v.Value)
	case bool:
		return strconv.FormatBool(v)
	default:
		return "the number " + text(value)
	}
}

// plain replaces the literals in a value by their values.
func plain(value any) any {
	switch v := value.(type) {
	case document.Literal:
		return v.Value
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for key := range v {
			object[key] = plain(v[key])
		}
		return object
	default:
		return value
	}
}
