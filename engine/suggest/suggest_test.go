package suggest

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTheWordThatWasMeantIsFound(t *testing.T) {
	fields := []string{"userId", "quizId", "score", "maxScore", "passed"}
	keys := []string{"name", "on", "when", "do"}
	for _, c := range []struct {
		word       string
		candidates []string
		want       string
	}{
		{"scroe", fields, "did you mean score?"},
		{"SCORE", fields, "did you mean score?"},
		{"userid", fields, "did you mean userId?"},
		{"max_score", fields, "did you mean maxScore?"},
		{"duration", fields, "known here: userId, quizId, score, maxScore, passed"},
		{"if", keys, `use "when"`},
		{"then", keys, `use "do"`},
		{"of", keys, "did you mean on?"},
		{"x", nil, ""},
		{"z", []string{"aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh", "ii", "jj", "kk", "ll", "mm"}, "known here: aa, bb, cc, dd, ee, ff, gg, hh, ii, jj, kk, ll, …"},
	} {
		if got := DidYouMean(c.word, c.candidates); got != c.want {
			t.Errorf("%s: %q, want %q", c.word, got, c.want)
		}
	}
	if got := Match("if", keys); got != "when" {
		t.Errorf("if is %q", got)
	}
}

func TestClosest_looksAtABoundedNumberOfCandidates(t *testing.T) {
	many := make([]string, 0, 1001)
	for i := range 1000 {
		many = append(many, strconv.Itoa(100_000+i))
	}
	if got := Closest("scroe", append(many, "score")); got != "" {
		t.Errorf("the 1001st candidate was looked at: %q", got)
	}
	if got := Closest("scroe", append(many[:999:999], "score")); got != "score" {
		t.Errorf("the 1000th candidate is %q", got)
	}
	if got := Closest(strings.Repeat("x", 101), []string{strings.Repeat("x", 100)}); got != "" {
		t.Errorf("a word of 101 letters is near to %q", got)
	}
}

// BenchmarkClosest is a wrong word among as many names as are looked at.
func BenchmarkClosest(b *testing.B) {
	var names []string
	for i := range 1000 {
		names = append(names, "acme.type"+strconv.Itoa(i))
	}
	for b.Loop() {
		Closest("acme.tipe", names)
	}
}

func TestDistanceIsOne(t *testing.T) {
	var near nearness
	distance := func(a, b string) int { return near.distance([]rune(a), []rune(b), 1000) }
	word := rapid.StringN(0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := distance(a, b)
		if d != distance(b, a) || (d == 0) != (a == b) && utf8.ValidString(a+b) || d > max(utf8.RuneCountInString(a), utf8.RuneCountInString(b)) {
			t.Fatalf("from %q to %q it is %d, and back %d", a, b, d, distance(b, a))
		}
		if most := rapid.IntRange(0, 14).Draw(t, "most"); near.distance([]rune(a), []rune(b), most) != min(d, most) {
			t.Fatalf("from %q to %q it is %d, and at most %d: %d", a, b, d, most, near.distance([]rune(a), []rune(b), most))
		}
		letters := []rune(a)
		at := rapid.IntRange(0, len(letters)).Draw(t, "at")
		more := string(letters[:at]) + "x" + string(letters[at:])
		if distance(a, more) != 1 {
			t.Fatalf("a letter more, %q for %q, is %d", more, a, distance(a, more))
		}
		if len(letters) > 1 {
			at = rapid.IntRange(1, len(letters)-1).Draw(t, "swapped")
			letters[at-1], letters[at] = letters[at], letters[at-1]
			if d := distance(a, string(letters)); d > 1 {
				t.Fatalf("two letters swapped, %q for %q, are %d", string(letters), a, d)
			}
		}
	})
}
