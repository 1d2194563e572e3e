// Package suggest finds a known word for an unknown one: a synonym, or the closest
// spelling. Any package may import it.
package suggest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Closest returns the candidate nearest to the word by edit distance, ignoring case, or
// "" if none is near enough to be a typing mistake: one edit for short words, one in
// three letters for longer ones. It considers the first thousand candidates and no word
// longer than 100 bytes, since a hostile file may have a wrong word for each of many
// names.
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
		// A letter takes at most four bytes, so a candidate that is far too long need not
		// be read.
		if len(candidate) >= utf8.UTFMax*(len(lower)+bestDistance) {
			continue
		}
		if d := near.distance(lower, near.lower(candidate), bestDistance); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// synonyms lists words for the same thing. The first of each list is heed's own.
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

// synonym returns the candidate that is heed's word for another word.
func synonym(word string, candidates []string) string {
	for _, words := range synonyms {
		if slices.Contains(words[1:], strings.ToLower(word)) && slices.Contains(candidates, words[0]) {
			return words[0]
		}
	}
	return ""
}

// Match returns the candidate that a word stands for: heed's word for the same thing, or
// the closest one, or "".
func Match(word string, candidates []string) string {
	return cmp.Or(synonym(word, candidates), Closest(word, candidates))
}

// DidYouMean returns a hint for a word that should have been a candidate: heed's word for
// the same thing, the closest candidate or, if nothing is close, up to twelve candidates.
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

// nearness holds buffers that comparisons reuse.
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

// distance counts insertions, deletions, replacements and swaps of neighbours. It stops
// early once the words are known to be at least most apart.
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
		// A swap refers back two rows, and adds one.
		if least >= most && slices.Min(previous)+1 >= most {
			return most
		}
		before, previous, current = previous, current, before
	}
	return min(previous[len(y)], most)
}
