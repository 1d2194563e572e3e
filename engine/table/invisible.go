package table

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// trim is a cell without the white space and the invisible characters at its
// ends: byte order marks of files that were joined, what web pages put between
// words.
func trim(cell string) string {
	if cell == "" || isVisible(cell[0]) && isVisible(cell[len(cell)-1]) {
		return cell // as most are
	}
	return strings.TrimFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || isInvisible(r) })
}

// isVisible says whether a byte is a character that shows as something.
func isVisible(b byte) bool { return '!' <= b && b <= '~' }

// isInvisible says whether a character shows as nothing: zero-width spaces and
// joiners, byte order marks, soft hyphens, marks of direction.
func isInvisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.IsControl(r) && !unicode.IsSpace(r)
}

// Invisible names the first invisible character in a text, such as U+200B. A text
// that has one does not equal any text that looks the same. Joiners between letters
// of scripts that need them do not count.
func Invisible(text string) (name string, found bool) {
	before := ' '
	for at, r := range text {
		_, size := utf8.DecodeRuneInString(text[at:])
		after, _ := utf8.DecodeRuneInString(text[at+size:])
		joins := (r == '\u200c' || r == '\u200d') && before > unicode.MaxLatin1 && after > unicode.MaxLatin1
		if isInvisible(r) && !joins {
			return fmt.Sprintf("U+%04X", r), true
		}
		before = r
	}
	return "", false
}
