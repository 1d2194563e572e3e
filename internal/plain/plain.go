// Package plain owns text that is safe to print: on a terminal, in a table or on
// a line of the log, whoever wrote it. It imports nothing of heed's.
package plain

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Text is the text without escape codes, bells and bidirectional controls. Line
// breaks and tabs stay.
func Text(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return '·'
		default:
			return r
		}
	}, text)
}

// Line is Text on one line.
func Line(text string) string { return strings.Join(strings.Fields(Text(text)), " ") }

// Cut shortens a text to a number of characters.
func Cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// Count is "1 error", "2 errors".
func Count(n int, noun string) string { return strconv.Itoa(n) + " " + Plural(n, noun) }

// plurals are those that do not just add an s.
var plurals = map[string]string{"delivery": "deliveries", "person": "people", "process": "processes"}

// Plural is the form of a noun that goes with a number.
func Plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return cmp.Or(plurals[noun], noun+"s")
}

// Were is "1 error was", "2 errors were".
func Were(n int, noun string) string {
	if n == 1 {
		return Count(n, noun) + " was"
	}
	return Count(n, noun) + " were"
}

// formulas are the starts of formulas, in full width too: at the start of a cell, or
// of what is a cell for a spreadsheet that takes another separator.
var formulas = regexp.MustCompile("(^|[;\t]\\s*\"?)([=+\\-@＝＋－＠\t\r])")

// Cell is Text as a cell of a spreadsheet. What the spreadsheet would take for a
// formula gets an apostrophe in front: most cells are from events, and whoever sends
// those must not be able to run anything. A negative number stays one.
func Cell(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return text
	}
	return formulas.ReplaceAllString(Text(text), "$1'$2")
}
