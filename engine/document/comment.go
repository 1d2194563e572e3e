package document

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// commentInText finds a # in an unquoted text that continues on the next line. YAML ends
// the text there and cannot read what follows.
func commentInText(file *File, i int) (slip, bool) {
	key, column, ok := plainTextAt(file, i)
	text := file.Line(i + 1)
	at := strings.Index(text, " #")
	if !ok || at < 0 || strings.TrimSpace(text[:at]) == "" {
		return slip{}, false
	}
	next := i + 1
	for next < len(file.lines) && isBlank(file, next) {
		next++
	}
	if next >= len(file.lines) || indentOf(file, next) <= column || isEntry(file, next) {
		return slip{}, false
	}
	hint := fmt.Sprintf("put the comment on a line of its own above %s:, or quotes round the whole text if # "+
		"belongs to it", key)
	return slip{
		at + 1, utf8.RuneCountInString(text[at+1:]),
		"the text ends in front of the #, which starts a comment, and goes on below", hint,
	}, true
}

// plainTextAt reports whether a line is part of an unquoted text, and returns that text's
// key and the column in which it starts.
func plainTextAt(file *File, i int) (key string, column int, ok bool) {
	for at := i; at >= 0; at-- {
		if isBlank(file, at) {
			continue
		}
		if key, value, _ := keyAndValue(file, at); value != "" {
			column = keyColumn(file, at)
			return key, column, !strings.ContainsAny(value[:1], "\"'[{|>&*!#") &&
				(at == i || indentOf(file, i) > column)
		}
		if isEntry(file, at) {
			return "", 0, false
		}
	}
	return "", 0, false
}

// isEntry reports whether a line is a key or a list entry.
func isEntry(file *File, i int) bool {
	text := strings.TrimSpace(file.Line(i + 1))
	return strings.HasPrefix(text, "- ") || text == "-" || strings.HasSuffix(text, ":") ||
		entryLine.MatchString(file.Line(i+1))
}
