// Package plain owns text that is safe to print: on a terminal, in a table or on
// a line of the log, whoever wrote it. It imports nothing of heed's.
package plain

import (
	"cmp"
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"unicode"
)

// Text returns text without escape codes, bells and bidirectional controls. It keeps
// line breaks and tabs.
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

// formulaStart are the characters that a formula begins with, in full width too.
const formulaStart = `[=+\-@＝＋－＠]`

var (
	// Spreadsheets pass over white space, and some begin a formula at a tab or a line
	// break.
	formula = regexp.MustCompile(`^(?:\s*"?` + formulaStart + `|[\t\n])`)
	// What is one cell is several for a spreadsheet that takes another separator.
	laterFormula = regexp.MustCompile(`([;\t\n]\s*"?)(` + formulaStart + `)`)
)

// Cell returns text for a cell of a spreadsheet. What would be taken for a formula gets
// an apostrophe in front; a negative number is no formula.
func Cell(cell string) string {
	if _, err := strconv.ParseFloat(cell, 64); err == nil {
		return cell
	}
	text := laterFormula.ReplaceAllString(Text(cell), "$1'$2")
	if formula.MatchString(text) {
		return "'" + text
	}
	return text
}

// Line returns Text on one line.
func Line(text string) string { return strings.Join(strings.Fields(Text(text)), " ") }

// Panic describes the value of a panic. It shows only the runtime's own errors:
// anything else could contain a secret or a value of an event.
func Panic(cause any) string {
	if fault, ok := cause.(runtime.Error); ok {
		return fault.Error()
	}
	return fmt.Sprintf("%T", cause)
}

// Cut shortens a text to a number of characters.
func Cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// Count returns "1 error", "2 errors".
func Count(n int, noun string) string { return strconv.Itoa(n) + " " + Plural(n, noun) }

// plurals are those that do not just add an s.
var plurals = map[string]string{"delivery": "deliveries", "person": "people", "process": "processes"}

// Plural returns the form of a noun that goes with a number.
func Plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return cmp.Or(plurals[noun], noun+"s")
}

// Were returns "1 error was", "2 errors were".
func Were(n int, noun string) string {
	if n == 1 {
		return Count(n, noun) + " was"
	}
	return Count(n, noun) + " were"
}
