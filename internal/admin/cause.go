package admin

import (
	"cmp"
	"strings"
	"unicode"
)

// maxCause bounds a cause, in characters.
const maxCause = 120

// causeOf returns an error without the parts that differ between deliveries: quoted
// text, addresses, and words with digits. It keeps the HTTP status. A page looks at
// thousands of errors, so it uses no regular expression.
func causeOf(text string) string {
	var words []string
	quote := ""
	for word := range strings.FieldsSeq(text) {
		switch opens := strings.TrimLeft(word, "(["); {
		case quote != "":
			if strings.Contains(word, quote) {
				quote = ""
			}
			continue
		case strings.HasPrefix(opens, `"`) || strings.HasPrefix(opens, "'"):
			if quote = opens[:1]; strings.Contains(opens[1:], quote) {
				quote = ""
			}
			word = ellipsis
		default:
			core := strings.Trim(word, ".,:;()[]{}!?")
			if isID(core) {
				word = strings.Replace(word, core, ellipsis, 1)
			}
		}
		words = append(words, word)
	}
	cause := []rune(strings.Join(words, " "))
	return cmp.Or(string(cause[:min(len(cause), maxCause)]), "no reason was recorded")
}

const ellipsis = "…"

// isID says whether a word stands for one thing only.
func isID(word string) bool {
	if len(word) == 3 && word[0] >= '1' && word[0] <= '5' && isNumber(word) { // a status
		return false
	}
	return strings.Contains(word, "@") || strings.Contains(word, "://") || strings.ContainsFunc(word, unicode.IsDigit)
}

func isNumber(word string) bool {
	return !strings.ContainsFunc(word, func(r rune) bool { return r < '0' || r > '9' })
}
