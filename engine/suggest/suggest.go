// Package suggest finds the word that somebody probably meant. Everybody may
// import it.
package suggest

import "strings"

// Closest returns the candidate nearest to the word by edit distance, in any
// case of letters, or "" when none is near enough to be a slip of the pen:
// one slip for short words, one in three letters for longer ones.
func Closest(word string, candidates []string) string {
	best, bestDistance := "", max(1, (len(word)+1)/3)+1
	for _, candidate := range candidates {
		if strings.EqualFold(candidate, word) {
			return candidate
		}
		if d := distance(strings.ToLower(word), strings.ToLower(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// DidYouMean is the hint for a word that should have been a candidate: the
// closest one or, if nothing is close, the whole choice (up to twelve).
func DidYouMean(word string, candidates []string) string {
	switch closest := Closest(word, candidates); {
	case closest != "":
		return "did you mean " + closest + "?"
	case len(candidates) == 0:
		return ""
	case len(candidates) <= 12:
		return "known here: " + strings.Join(candidates, ", ")
	default:
		return "known here: " + strings.Join(candidates[:12], ", ") + ", …"
	}
}

// distance counts insertions, deletions, replacements and swaps of neighbours.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, previous, current := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(x); i++ {
		current[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(y)]
}
