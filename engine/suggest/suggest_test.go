package suggest

import (
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

func TestDistanceIsOne(t *testing.T) {
	word := rapid.StringN(0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := distance(a, b)
		if d != distance(b, a) || (d == 0) != (a == b) && utf8.ValidString(a+b) || d > max(utf8.RuneCountInString(a), utf8.RuneCountInString(b)) {
			t.Fatalf("from %q to %q it is %d, and back %d", a, b, d, distance(b, a))
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
