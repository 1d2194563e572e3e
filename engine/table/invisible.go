package table

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// trim removes white space and invisible characters at the ends of a cell, such as byte
// order marks of joined files or what web pages put between words.
func trim(cell string) string {
	if cell == "" || isVisible(cell[0]) && isVisible(cell[len(cell)-1]) {
		return cell // the usual case
	}
	return strings.TrimFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || isInvisible(r) })
}

// isVisible reports whether a byte is a visible character.
func isVisible(b byte) bool { return '!' <= b && b <= '~' }

// isInvisible reports whether a character is invisible: zero-width spaces and joiners,
// byte order marks, soft hyphens, direction marks.
func isInvisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.IsControl(r) && !unicode.IsSpace(r)
}

// Invisible returns the name of the first invisible character in a text, such as U+200B.
// Such a text equals no text that looks the same. Joiners between letters of scripts that
// need them do not count.
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
