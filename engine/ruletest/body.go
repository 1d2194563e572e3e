package ruletest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/layout"
)

// Tidy lays out a fixture's text for reading: indented, with "event", "companyId" and
// "data" first, and data's fields in the catalogue's order, then the others by name.
// Numbers are kept as sent. Recorded facts are written as "given", as in a test, which
// Read reads again. The error says why the fixture is not an event.
func Tidy(f Fixture, catalog *event.Catalog) ([]byte, error) {
	body, err := readBody(f, catalog)
	if err != nil {
		return nil, err
	}
	facts, _ := f.Facts.(expression.Recorded)
	if given := givenFacts(givable(facts, userOf(body))); len(given) > 0 {
		body = append(body, layout.Member{Key: "given", Value: given})
	}
	tidy, err := writeBody(f.File, body)
	return tidy.Body, err
}

// userOf returns the user the event is about, or "".
func userOf(body layout.Object) string {
	whole, _ := layout.Plain(body).(map[string]any)
	data, _ := whole["data"].(map[string]any)
	id, _ := data["userId"].(string)
	return id
}

// readBody decodes the body of an event, keeping numbers as written and fields in order.
func readBody(f Fixture, catalog *event.Catalog) (layout.Object, error) {
	e, err := event.Decode(f.Body)
	if err != nil {
		return nil, fmt.Errorf("%s is not an event: %w", f.File, err)
	}
	top, err := decodeExact(f.Body)
	if err != nil {
		return nil, fmt.Errorf("%s is not an event: %w", f.File, err)
	}
	body := ordered(top, "event", "companyId", "data")
	for i, m := range body {
		if m.Key == "data" && catalog.Lookup(e.Type) != nil {
			data, _ := top["data"].(map[string]any)
			body[i].Value = ordered(data, catalog.Lookup(e.Type).FieldNames()...)
		}
	}
	return body, nil
}

func writeBody(file string, body layout.Object) (Fixture, error) {
	text, err := body.MarshalJSON()
	if err != nil {
		return Fixture{}, fmt.Errorf("write the event %s: %w", file, err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		return Fixture{}, fmt.Errorf("write the event %s: %w", file, err)
	}
	return Fixture{File: file, Body: indented.Bytes()}, nil
}

// decodeExact decodes an object, keeping numbers as written.
func decodeExact(text []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	err := decoder.Decode(&object)
	return object, err
}

// ordered orders the members of an object: the named ones first, then the others by name.
// All nested objects are ordered by name.
func ordered(object map[string]any, first ...string) layout.Object {
	names := slices.DeleteFunc(slices.Clone(first), func(name string) bool { _, has := object[name]; return !has })
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(first, name) {
			names = append(names, name)
		}
	}
	members := make(layout.Object, len(names))
	for i, name := range names {
		members[i] = layout.Member{Key: name, Value: orderedWithin(object[name])}
	}
	return members
}

func orderedWithin(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return ordered(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = orderedWithin(v[i])
		}
		return list
	default:
		return value
	}
}
