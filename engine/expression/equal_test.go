package expression

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"heed/engine/event"
)

// looseEnv is an event of a type that nobody declared.
func looseEnv(data map[string]any) *Env {
	return NewEnv(&event.Event{ID: "e1", Type: "deal.won", ReceivedAt: noon, Data: data}, nil, noon)
}

// decide evaluates a condition on an event of a type that nobody declared.
func decide(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string, data map[string]any,
) (Truth, string) {
	t.Helper()
	c, problems := NewScope([]*event.Type{nil}).Condition(text)
	if c == nil {
		t.Fatalf("%s: %v", text, problems)
	}
	return c.Eval(looseEnv(data))
}

func TestEqual_differentKindsAreNotComparable(t *testing.T) {
	for _, test := range []struct {
		text   string
		data   map[string]any
		want   Truth
		reason string
	}{
		{`data.region in ["emea", "apac"]`, map[string]any{"region": 4}, Undecided, "the number 4 with the text \"emea\""},
		{`data.region not in ["emea", "apac"]`, map[string]any{"region": 4}, Undecided, "the number 4 with the text \"emea\""},
		{`data.region in ["emea", 4]`, map[string]any{"region": 4}, True, ""},
		{`data.region not in ["emea", 4]`, map[string]any{"region": 4}, False, ""},
		{`data.region in data.list`, map[string]any{"region": 4, "list": []any{nil, 5}}, Undecided, "the number 4 with null"},
		{`data.region in data.list`, map[string]any{"region": 4, "list": []any{nil, 4}}, True, ""},
		{`data.a == data.b`, map[string]any{"a": 4, "b": "4"}, Undecided, "the number 4 with the text \"4\""},
		{`data.a != data.b`, map[string]any{"a": 4, "b": "4"}, Undecided, "the number 4 with the text \"4\""},
		{`data.a == data.b`, map[string]any{"a": []any{1}, "b": []any{"a"}}, Undecided, "the number 1 with the text \"a\""},
		{`data.a == data.b`, map[string]any{"a": []any{1, 2}, "b": []any{"a", 3}}, False, ""},
		{`data.a != data.b`, map[string]any{"a": []any{1, 2}, "b": []any{"a", 3}}, True, ""},
		{`data.a == data.b`, map[string]any{"a": []any{1}, "b": []any{"a", 3}}, False, ""},
		{`data.a == data.b`, map[string]any{"a": []any{nil}, "b": []any{nil}}, Undecided, "null with null"},
		{`data.a == data.b`, map[string]any{"a": []any{nil}, "b": []any{1}}, Undecided, "null with the number 1"},
		{
			`data.a == data.b`,
			map[string]any{"a": map[string]any{"y": 1, "x": true}, "b": map[string]any{"y": "b", "x": "a"}},
			Undecided, "true with the text \"a\"",
		},
		{`data.a == data.b`, map[string]any{"a": map[string]any{"x": 1, "y": 1}, "b": map[string]any{"x": "a", "y": 2}}, False, ""},
		{`data.a == data.b`, map[string]any{"a": map[string]any{"x": 1}, "b": map[string]any{}}, False, ""},
		{`data.a == data.b`, map[string]any{"a": map[string]any{"x": nil}, "b": map[string]any{}}, Undecided, "null with null"},
		{`data.a == data.b`, map[string]any{"a": []any{[]any{1}}, "b": []any{[]any{true}}}, Undecided, "the number 1 with true"},
		{`data.a in data.b`, map[string]any{"a": []any{1}, "b": []any{[]any{"a"}, []any{2}}}, Undecided, "the number 1 with the text \"a\""},
		{`len(uniq(data.a)) == 2`, map[string]any{"a": []any{1, 2, 1.0}}, True, ""},
		{`len(uniq(data.a)) == 2`, map[string]any{"a": []any{1, "a"}}, Undecided, "the text \"a\" with the number 1"},
		{`len(uniq(data.a)) == 2`, map[string]any{"a": []any{9007199254740993, 9007199254740992}}, True, ""},
	} {
		got, reason := decide(t, test.text, test.data)
		if got != test.want || !strings.Contains(reason, test.reason) {
			t.Errorf("%s on %v is %s (%s), want %s (%s)", test.text, test.data, got, reason, test.want, test.reason)
		}
	}
}

// anyValue draws values of every kind, lists and objects of them, and nil. The
// scalars are few, so that equal ones meet.
func anyValue(depth int) *rapid.Generator[any] {
	scalars := rapid.SampledFrom([]any{
		nil, "a", "b", "", true, false, 0, 1, 1.0, 0.5, 1 << 53, 1<<53 + 1, float64(1 << 53),
		noon, noon.In(time.FixedZone("", 3600)), noon.Add(1), time.Second, time.Duration(1),
	})
	if depth == 0 {
		return scalars
	}
	inner := anyValue(depth - 1)
	return rapid.OneOf(
		scalars,
		rapid.Map(rapid.SliceOfN(inner, 0, 3), func(list []any) any { return list }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"x", "y"}), inner, 0, 2), func(object map[string]any) any { return object }),
	)
}

// reference is what comparing two values gives, worked out by other means: "yes",
// "no" or "open".
func reference(a, b any) string {
	kind := func(v any) string {
		switch v.(type) {
		case int, float64:
			return "number"
		default:
			return fmt.Sprintf("%T", v)
		}
	}
	if a == nil || b == nil || kind(a) != kind(b) {
		return "open"
	}
	var parts []string
	switch a := a.(type) {
	case []any:
		b := b.([]any)
		if len(a) != len(b) {
			return "no"
		}
		for i := range a {
			parts = append(parts, reference(a[i], b[i]))
		}
	case map[string]any:
		b := b.(map[string]any)
		for key := range maps.Keys(a) {
			if _, has := b[key]; !has && a[key] != nil {
				return "no"
			}
			parts = append(parts, reference(a[key], b[key]))
		}
		for key := range b {
			if _, has := a[key]; !has && b[key] != nil {
				return "no"
			}
			parts = append(parts, reference(a[key], b[key]))
		}
	case time.Time:
		parts = append(parts, yesNo(a.UnixNano() == b.(time.Time).UnixNano()))
	case int, float64:
		parts = append(parts, yesNo(rational(a).Cmp(rational(b)) == 0))
	default:
		parts = append(parts, yesNo(a == b))
	}
	switch {
	case slices.Contains(parts, "no"):
		return "no"
	case slices.Contains(parts, "open"):
		return "open"
	default:
		return "yes"
	}
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func rational(v any) *big.Rat {
	if i, ok := v.(int); ok {
		return new(big.Rat).SetInt64(int64(i))
	}
	return new(big.Rat).SetFloat64(v.(float64))
}

func TestEqual_agreesWithTheReferenceEverywhere(t *testing.T) {
	truths := map[string]Truth{"yes": True, "no": False, "open": Undecided}
	negated := map[string]string{"yes": "no", "no": "yes", "open": "open"}
	either := func(parts []string) string { // Kleene's or
		switch {
		case slices.Contains(parts, "yes"):
			return "yes"
		case slices.Contains(parts, "open"):
			return "open"
		default:
			return "no"
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyValue(2).Draw(t, "a"), anyValue(2).Draw(t, "b")
		list := rapid.SliceOfN(anyValue(1), 0, 4).Draw(t, "list")
		if rapid.Bool().Draw(t, "among") {
			list = append(list, a)
		}
		var each, not []string
		yes, open := 0, 0
		for _, element := range list {
			result := reference(element, a)
			each, not = append(each, result), append(not, negated[result])
			switch result {
			case "yes":
				yes++
			case "open":
				open++
			}
		}
		one, count := yesNo(yes == 1), yesNo(yes == 1)
		if open > 0 {
			count = "open"
			if yes < 2 {
				one = "open"
			}
		}
		in := either(each)
		if a == nil {
			in = "open"
		}
		for text, want := range map[string]string{
			`data.a == data.b`:                         reference(a, b),
			`data.a != data.b`:                         negated[reference(a, b)],
			`data.a in data.list`:                      in,
			`data.a not in data.list`:                  negated[in],
			`data.a in [data.b]`:                       reference(a, b),
			`[data.a] == [data.b]`:                     reference(a, b),
			`{"k": data.a} == {"k": data.b}`:           reference(a, b),
			`any(data.list, # == data.a)`:              either(each),
			`none(data.list, # == data.a)`:             negated[either(each)],
			`all(data.list, # != data.a)`:              negated[either(each)],
			`not all(data.list, # == data.a)`:          either(not),
			`one(data.list, # == data.a)`:              one,
			`count(data.list, # == data.a) == 1`:       count,
			`len(filter(data.list, # == data.a)) == 1`: count,
		} {
			got, reason := decide(t, text, map[string]any{"a": a, "b": b, "list": list})
			if got != truths[want] || got == Undecided && reason == "" {
				t.Fatalf("%s for a = %#v, b = %#v, list = %#v is %s (%s), want %s", text, a, b, list, got, reason, want)
			}
		}
	})
}
