// Package suggest finds the known word for an unknown one: a synonym, or the
// closest spelling. Everybody may import it.
package suggest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

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
