package expression

import "testing"

func TestKeys_sortsByKey(t *testing.T) {
	object := map[string]any{"b": 2, "a": 1, "d": 4, "c": 3}
	for range 60 {
		for _, text := range []string{
			`keys(data.o)[0] == "a" and keys(data.o) == ["a", "b", "c", "d"]`,
			`first(values(data.o)) == 1 and values(data.o) == [1, 2, 3, 4]`,
			`toPairs(data.o)[3] == ["d", 4]`,
			`toPairs({"a": 1}) == [["a", 1]]`,
			`fromPairs(toPairs(data.o)) == data.o`,
		} {
			if got, reason := decide(t, text, map[string]any{"o": object}); got != True {
				t.Fatalf("%s is %s (%s)", text, got, reason)
			}
		}
	}
}

func TestSort_isExact(t *testing.T) {
	data := map[string]any{"n": []any{9007199254740993, 9007199254740992.0, 1}, "t": []any{"b", "a"}, "mixed": []any{1, "a"}}
	for text, want := range map[string]Truth{
		`sort(data.n)[2] == 9007199254740993`: True, `sort(data.n, "desc")[0] == 9007199254740993`: True, `sort(data.t) == ["a", "b"]`: True,
		`sort(data.mixed)[0] == 1`: Undecided, `data.n[0] == 9007199254740993`: True,
	} {
		if got, reason := decide(t, text, data); got != want {
			t.Errorf("%s is %s (%s), want %s", text, got, reason, want)
		}
	}
}
