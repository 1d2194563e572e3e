package expression

import (
	"maps"
	"math"
	"slices"
	"time"
)

// equality is the result of comparing two values for being the same. There is
// one definition of it, for ==, !=, in, not in, lists, objects, uniq and the
// tests of rules.
type equality uint8

const (
	// different is the result for two values of one kind that differ.
	different equality = iota
	// equal is the result for two values of one kind that are the same. Whole
	// numbers and decimals are one kind.
	equal
	// notComparable is the result for values of different kinds, and for null:
	// nobody knows whether they were meant to be the same.
	notComparable
)

// and joins the results of two parts of a list or an object: one part that
// differs decides, otherwise one that cannot be compared leaves it open.
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

// sameIf is equal or different.
func sameIf(same bool) equality {
	if same {
		return equal
	}
	return different
}

// compareValues compares two values. Lists are different if their lengths
// differ or two elements in the same place do; objects if one has a key with a
// value that the other lacks, or two values under the same key differ. What is
// left open by values of different kinds, or by null, is not comparable.
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

// compareEntry compares a value with what another object has under its key. To
// have no such key is to differ, unless the value is null.
func compareEntry(f *frame, value any, other map[string]any, key string) equality {
	otherValue, has := other[key]
	if !has && value != nil {
		return different
	}
	return compareValues(f, value, otherValue)
}

// clash says, in a reason, which parts of two values could not be compared. It
// looks for them when somebody reads the reason.
type clash struct{ a, b any }

func (c clash) String() string {
	a, b := c.parts(&frame{budget: math.MaxInt})
	return describe(a) + " with " + describe(b)
}

// parts are the first two values inside that cannot be compared.
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

// Equal says whether two values are the same, as == does: numbers by what they
// are worth, lists and objects by what is in them. ok is false if they cannot be
// compared.
func Equal(a, b any) (same, ok bool) {
	result := compareValues(&frame{budget: math.MaxInt}, a, b)
	return result == equal, result != notComparable
}
