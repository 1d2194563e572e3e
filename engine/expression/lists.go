package expression

import (
	"maps"
	"slices"
	"strings"

	"heed/engine/event"
)

// keysOf returns an object's keys, sorted.
func keysOf(_ *frame, args []any) any {
	return fromObject(args[0], func(key string, _ any) any { return key })
}

// valuesOf returns an object's values in the order of their keys.
func valuesOf(_ *frame, args []any) any {
	return fromObject(args[0], func(_ string, value any) any { return value })
}

// pairsOf returns an object's entries, [key, value], in the order of their keys.
func pairsOf(_ *frame, args []any) any {
	return fromObject(args[0], func(key string, value any) any { return []any{key, value} })
}

func fromObject(value any, entry func(key string, value any) any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return badf("%s is not an object", described{value})
	}
	list := make([]any, 0, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		list = append(list, entry(key, object[key]))
	}
	return list
}

// distinctOf returns a list without the elements equal to an earlier one. If an element
// cannot be compared with an earlier one, the result is unknown.
func distinctOf(f *frame, args []any) any {
	list, ok := args[0].([]any)
	if !ok {
		return badf("%s is not a list", described{args[0]})
	}
	kept := []any{}
	for _, element := range list {
		again := false
		var unsure *Unknown
		for _, other := range kept {
			result := compareValues(f, element, other)
			if again = result == equal; again {
				break
			}
			if result == notComparable && unsure == nil {
				unsure = badf("uniq compares %s", clash{element, other})
			}
		}
		switch {
		case again:
		case unsure != nil:
			return unsure
		default:
			kept = append(kept, element)
		}
	}
	return kept
}

// sortOf sorts a list, in descending order with "desc".
func sortOf(f *frame, args []any) any {
	list, ok := args[0].([]any)
	if !ok {
		return badf("sort takes a list, not %s", described{args[0]})
	}
	if sorted, ok := sortedBy(f, list, list, text(args, 1)); ok {
		return sorted
	}
	return badf("sort is given values of different kinds")
}

// sortedBy returns the elements of a list in the order of their keys, descending with
// "desc". ok is false if two keys cannot be ordered.
func sortedBy(f *frame, list, keys []any, direction string) (sorted []any, ok bool) {
	descending := strings.EqualFold(direction, "desc")
	at := make([]int, len(list))
	for i := range at {
		at[i] = i
	}
	ok = true
	slices.SortStableFunc(at, func(a, b int) int {
		f.spend(1 + costOfOrder(keys[a], keys[b]))
		o, comparable := order(keys[a], keys[b])
		ok = ok && comparable
		if descending {
			return -o
		}
		return o
	})
	sorted = make([]any, len(list))
	for i, from := range at {
		sorted[i] = list[from]
	}
	return sorted, ok
}

// fromJSON parses a text as JSON, with exact numbers.
func fromJSON(_ *frame, args []any) any {
	text, ok := args[0].(string)
	if !ok {
		return badf("fromJSON takes a text, not %s", described{args[0]})
	}
	value, err := event.DecodeJSON([]byte(text))
	if err != nil {
		return badf("fromJSON: %s", clip(err.Error()))
	}
	if number, ok := value.(event.BadNumber); ok {
		return badf("fromJSON gives %s", described{number})
	}
	return value
}
