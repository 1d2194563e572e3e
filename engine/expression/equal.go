package expression

import (
	"maps"
	"math"
	"slices"
	"time"
)

// equality is the result of comparing two values. ==, !=, in, not in, lists, objects,
// uniq and the tests of rules all use this one definition.
type equality uint8

const (
	// different means that the values are of the same kind and differ.
	different equality = iota
	// equal means that the values are of the same kind and equal. Whole numbers and
	// decimals are of one kind.
	equal
	// notComparable means that the values are of different kinds, or one is null, so it
	// is not known whether they were meant to be equal.
	notComparable
)

// and combines the results for two parts of a list or an object: a part that differs
// decides; otherwise a part that is not comparable makes the whole not comparable.
func (e equality) and(other equality) equality {
	switch {
	case e == different || other == different:
		return different
	case e == notComparable || other == notComparable:
		return notComparable
	default:
		return equal
	}
}

// sameIf returns equal if same is true, otherwise different.
func sameIf(same bool) equality {
	if same {
		return equal
	}
	return different
}

// compareValues compares two values. Lists differ if their lengths differ or two elements
// at the same index do. Objects differ if one has a key with a value that the other
// lacks, or two values under the same key differ. If none of this decides and some parts
// are of different kinds, or null, the values are not comparable.
func compareValues(f *frame, a, b any) equality {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			if len(a) == len(b) {
				f.spend(len(a) / 16)
			}
			return sameIf(a == b)
		}
	case bool:
		if b, ok := b.(bool); ok {
			return sameIf(a == b)
		}
	case int, float64:
		if order, ok := compareNumbers(a, b); ok {
			return sameIf(order == 0)
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return sameIf(a.Equal(b))
		}
	case time.Duration:
		if b, ok := b.(time.Duration); ok {
			return sameIf(a == b)
		}
	case []any:
		if b, ok := b.([]any); ok {
			return compareLists(f, a, b)
		}
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			return compareObjects(f, a, b)
		}
	}
	return notComparable
}

func compareLists(f *frame, a, b []any) equality {
	if len(a) != len(b) {
		return different
	}
	f.spend(2 * len(a))
	result := equal
	for i := range a {
		if result = result.and(compareValues(f, a[i], b[i])); result == different {
			return different
		}
	}
	return result
}

func compareObjects(f *frame, a, b map[string]any) equality {
	f.spend(8 + 8*max(len(a), len(b)))
	result := equal
	for key, value := range a {
		if result = result.and(compareEntry(f, value, b, key)); result == different {
			return different
		}
	}
	for key, value := range b {
		if _, compared := a[key]; compared {
			continue
		}
		if result = result.and(compareEntry(f, value, a, key)); result == different {
			return different
		}
	}
	return result
}

// compareEntry compares a value with another object's value under the same key. If the
// other object lacks the key, they differ, unless the value is null.
func compareEntry(f *frame, value any, other map[string]any, key string) equality {
	otherValue, has := other[key]
	if !has && value != nil {
		return different
	}
	return compareValues(f, value, otherValue)
}

// A clash describes, in a reason, which parts of two values could not be compared. It
// looks for them only when the reason is formatted.
type clash struct{ a, b any }

func (c clash) String() string {
	a, b := c.parts(&frame{budget: math.MaxInt})
	return describe(a) + " with " + describe(b)
}

// parts returns the first two nested values that cannot be compared.
func (c clash) parts(f *frame) (a, b any) {
	switch a := c.a.(type) {
	case []any:
		b, ok := c.b.([]any)
		if !ok || len(a) != len(b) {
			break
		}
		for i := range a {
			if compareValues(f, a[i], b[i]) == notComparable {
				return clash{a[i], b[i]}.parts(f)
			}
		}
	case map[string]any:
		b, ok := c.b.(map[string]any)
		if !ok {
			break
		}
		keys := slices.Concat(slices.Collect(maps.Keys(a)), slices.Collect(maps.Keys(b)))
		slices.Sort(keys)
		for _, key := range keys {
			if compareValues(f, a[key], b[key]) == notComparable {
				return clash{a[key], b[key]}.parts(f)
			}
		}
	}
	return c.a, c.b
}

// Equal reports whether two values are equal, as == does: numbers by value, lists and
// objects by their contents. ok is false if they cannot be compared.
func Equal(a, b any) (same, ok bool) {
	result := compareValues(&frame{budget: math.MaxInt}, a, b)
	return result == equal, result != notComparable
}
