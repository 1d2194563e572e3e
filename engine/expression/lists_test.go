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
