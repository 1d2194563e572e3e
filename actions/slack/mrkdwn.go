package slack

import (
	"strings"
	"unicode"
)

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Escape writes a value so that it can neither mention anybody nor link
// anywhere. See "Escaping text" in Slack's documentation on formatting.
func Escape(value string) string { return escaper.Replace(value) }

// lookalikes replace the signs that format text in mrkdwn, which has no escape for
// them. An invisible character next to a sign would not help: Slack takes a
// zero-width space for the edge of a word and formats even more. The full-width signs
// of Asian keyboards format too.
var lookalikes = map[rune]rune{
	'*': '∗', '_': 'ˍ', '~': '∼', '`': 'ˋ',
	'＊': '﹡', '＿': '⸏', '｀': 'ˋ',
}

const (
	signs = "*_~`＊＿｀"
	// quotes make a line a quotation when it starts with one; behind a soft
	// hyphen, which nobody sees, they do not.
	quotes     = ">＞"
	softHyphen = '\u00ad'
)

// Mrkdwn writes a value so that Slack shows it as the text it is where it reads
// mrkdwn: besides Escape, a sign that could open or close bold, italic, struck
// or code text, also one that the rule opened, becomes one that looks the same.
// All other text stays as it is.
func Mrkdwn(value string) string {
	if !strings.ContainsAny(value, signs+quotes) {
		return Escape(value)
	}
	runes := []rune(value)
	text := make([]rune, 0, len(runes)+8)
	lineStart, address := true, 0
	for i, r := range runes {
		if i >= address {
			address = i + addressLength(runes, i)
		}
		lookalike, isSign := lookalikes[r]
		encoded, isEncodable := percentEncoded[r]
		switch harmless := !isSign || isHarmless(runes, i); {
		case i < address && isEncodable && !harmless:
			text = append(text, []rune(encoded)...)
			lineStart = false
			continue
		case !harmless:
			r = lookalike
		case lineStart && strings.ContainsRune(quotes, r):
			text = append(text, softHyphen)
		}
		text = append(text, r)
		lineStart = r == '\n' || lineStart && unicode.IsSpace(r)
	}
	return Escape(string(text))
}

// percentEncoded are the signs as they are written inside a web address, where
// one that looks the same would make another address.
var percentEncoded = map[rune]string{'*': "%2A", '_': "%5F", '~': "%7E", '`': "%60"}

// isHarmless says whether a sign is plain text in any case: inside a word, as in
// user_1, or between spaces, as in 3 * 5. What is next to a value in the rule's text
// is not known here, so a sign at either end is never harmless; nor is a backtick
// anywhere.
func isHarmless(runes []rune, i int) bool {
	if i == 0 || i == len(runes)-1 || strings.ContainsRune("`｀", runes[i]) {
		return false
	}
	before, after := runes[i-1], runes[i+1]
	return isWord(before) && isWord(after) || isBlank(before) && isBlank(after)
}

// isBlank leaves out the rarer spaces: it is not documented how Slack treats them.
func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }

// isWord says whether a character makes a word together with its neighbours.
// Scripts without spaces between words have an edge anywhere.
func isWord(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsDigit(r)) &&
		!unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai)
}

// addressLength returns the length of the web address that starts here, without
// punctuation at its end; zero if none does.
func addressLength(runes []rune, i int) int {
	if i > 0 && isWord(runes[i-1]) {
		return 0
	}
	rest := runes[i:]
	if !hasPrefix(rest, "http://") && !hasPrefix(rest, "https://") {
		return 0
	}
	n := 0
	const marks = "-._~:/?#[]@!$&'()*+,;=%`"
	for n < len(rest) && (rest[n] < unicode.MaxASCII && isWord(rest[n]) || strings.ContainsRune(marks, rest[n])) {
		n++
	}
	for n > 0 && strings.ContainsRune(".,:;!?'()`", rest[n-1]) {
		n--
	}
	return n
}

func hasPrefix(runes []rune, prefix string) bool {
	return len(runes) >= len(prefix) && strings.EqualFold(string(runes[:len(prefix)]), prefix)
}

// Label is like Mrkdwn, for the words that a link shows, behind the | in
// <address|words>: on one line, and without another |.
func Label(value string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '|':
			return '∣'
		case '\n', '\r':
			return ' '
		}
		return r
	}, Mrkdwn(value))
}

// Markdown is like Mrkdwn, for Slack's markdown blocks, in which links can also be
// written in brackets.
func Markdown(value string) string { return brackets.Replace(Mrkdwn(value)) }

var brackets = strings.NewReplacer("](", "] (", "][", "] [", "]:", "] :")
