// Package suggest finds the known word for an unknown one: a synonym, or the
// closest spelling. Everybody may import it.
package suggest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Closest returns the candidate nearest to the word by edit distance, in any
// case of letters, or "" when none is near enough to be a slip of the pen:
// one slip for short words, one in three letters for longer ones. It looks at the
// first thousand candidates and at no word longer than 100 bytes: a hostile file may
// have a wrong word for each of many names.
func Closest(word string, candidates []string) string {
	const mostCandidates, longest = 1000, 100
	if len(word) > longest {
		return ""
	}
	best, bestDistance := "", max(1, (len(word)+1)/3)+1
	lower := []rune(strings.ToLower(word))
	var near nearness
	for _, candidate := range candidates[:min(len(candidates), mostCandidates)] {
		if strings.EqualFold(candidate, word) {
			return candidate
		}
		// A letter takes at most four bytes: what is far too long need not be read.
		if len(candidate) >= utf8.UTFMax*(len(lower)+bestDistance) {
			continue
		}
		if d := near.distance(lower, near.lower(candidate), bestDistance); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// synonyms are words for the same thing, the first of each being heed's own.
var synonyms = [][]string{
	{"when", "if", "condition", "where", "filter"},
	{"on", "event", "events", "trigger", "type", "event_type", "for"},
	{"do", "then", "actions", "action", "steps", "run", "notify"},
	{"name", "title", "id", "rule", "alert"},
	{"description", "comment", "summary", "note"},
	{"text", "message", "msg", "body", "content"},
	{"to", "recipient", "recipients", "email", "receiver", "address"},
	{"from", "sender"},
	{"subject", "title", "headline"},
	{"channel", "room", "channels", "to"},
	{"thread_per", "thread", "thread_ts", "thread_key", "thread_id"},
	{"teamId", "team", "team_id"},
	{"token", "bot_token", "api_key", "key", "secret"},
	{"webhook_url", "webhook", "url", "hook"},
	{"url", "uri", "endpoint", "address", "host", "base_url"},
	{"path", "url", "uri", "endpoint", "route"},
	{"json", "data", "payload", "body", "content"},
	{"query", "params", "parameters"},
	{"headers", "header"},
	{"expect", "expected", "then", "assert", "want", "status"},
	{"given", "when", "input", "events", "payload"},
	{"outcome", "result", "matched"},
	{"smtp", "server", "host", "url"},
	{"rate", "rate_limit", "limit", "throttle"},
	{"retry", "retries"},
	{"string", "text", "str", "varchar"},
	{"number", "int", "integer", "float", "double", "decimal"},
	{"bool", "boolean"},
	{"time", "date", "datetime", "timestamp"},
	{"list", "array"},
	{"object", "map", "dict"},
	{"env", "environment", "variable"},
	{"matched", "true", "match", "fired", "yes"},
	{"not_matched", "false", "unmatched", "no_match", "no"},
	{"unknown", "missing", "null", "nil"},
	{"error", "failed"},
	{"warn", "warning"},
}

// synonym is the candidate that is heed's word for another one.
func synonym(word string, candidates []string) string {
	for _, words := range synonyms {
		if slices.Contains(words[1:], strings.ToLower(word)) && slices.Contains(candidates, words[0]) {
			return words[0]
		}
	}
	return ""
}

// Match is the candidate that a word stands for: heed's word for the same thing
// or the closest one; empty if there is none.
func Match(word string, candidates []string) string {
	return cmp.Or(synonym(word, candidates), Closest(word, candidates))
}

// DidYouMean is the hint for a word that should have been a candidate: heed's
// word for the same thing, the closest one or, if nothing is close, the whole
// choice (up to twelve).
func DidYouMean(word string, candidates []string) string {
	if own := synonym(word, candidates); own != "" {
		return "use " + strconv.Quote(own)
	}
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

// nearness has the memory of a comparison, for the next one.
type nearness struct {
	candidate                 []rune
	before, previous, current []int
}

func (n *nearness) lower(candidate string) []rune {
	n.candidate = n.candidate[:0]
	for _, r := range candidate {
		n.candidate = append(n.candidate, unicode.ToLower(r))
	}
	return n.candidate
}

// distance counts insertions, deletions, replacements and swaps of neighbours. Of
// words that are at least most apart it says only that: it stops as soon as they are.
func (n *nearness) distance(x, y []rune, most int) int {
	if len(y)-len(x) >= most || len(x)-len(y) >= most {
		return most
	}
	row := func(old []int) []int { return slices.Grow(old[:0], len(y)+1)[:len(y)+1] }
	n.before, n.previous, n.current = row(n.before), row(n.previous), row(n.current)
	before, previous, current := n.before, n.previous, n.current
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(x); i++ {
		current[0] = i
		least := i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
			least = min(least, current[j])
		}
		// A swap reaches back over two rows, and adds one.
		if least >= most && slices.Min(previous)+1 >= most {
			return most
		}
		before, previous, current = previous, current, before
	}
	return min(previous[len(y)], most)
}
