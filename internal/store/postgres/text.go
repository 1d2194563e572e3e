package postgres

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A text of PostgreSQL holds neither NUL nor bytes that are not UTF-8. These, and
// the byte 1, are written as the byte 1 and what follows it, so that the order of
// texts, and which ones start with which, stays the same for NUL and 1.
const (
	mark        = '\x01'
	escapedNUL  = "\x01\x01"
	escapedMark = "\x01\x02"
	escapedByte = "\x01\x03" // and two hexadecimal digits
)

// escape makes a text one that PostgreSQL takes.
func escape(text string) string {
	if isPlain(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == 0:
			b.WriteString(escapedNUL)
		case r == mark:
			b.WriteString(escapedMark)
		case r == utf8.RuneError && size == 1:
			b.WriteString(escapedByte)
			const digits = "0123456789abcdef"
			b.WriteByte(digits[text[i]>>4])
			b.WriteByte(digits[text[i]&15])
		default:
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return b.String()
}

func isPlain(text string) bool {
	return strings.IndexByte(text, 0) < 0 && strings.IndexByte(text, mark) < 0 && utf8.ValidString(text)
}

// unescape takes back what escape did.
func unescape(text string) string {
	if strings.IndexByte(text, mark) < 0 {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		switch {
		case strings.HasPrefix(text, escapedNUL):
			b.WriteByte(0)
			text = text[2:]
		case strings.HasPrefix(text, escapedMark):
			b.WriteByte(mark)
			text = text[2:]
		case strings.HasPrefix(text, escapedByte) && len(text) >= 4:
			v, _ := strconv.ParseUint(text[2:4], 16, 8)
			b.WriteByte(byte(v))
			text = text[4:]
		default:
			b.WriteByte(text[0])
			text = text[1:]
		}
	}
	return b.String()
}

// escaped is a parameter with its texts escaped. An empty []byte is NULL, as in
// SQLite.
func escaped(v any) any {
	switch v := v.(type) {
	case string:
		return escape(v)
	case []byte:
		if len(v) == 0 {
			return nil
		}
	case []string:
		texts := make([]string, len(v))
		for i, text := range v {
			texts[i] = escape(text)
		}
		return texts
	}
	return v
}

// number writes the parameters of a statement as PostgreSQL has them. No
// statement holds a question mark that is none.
func number(query string) string {
	var b strings.Builder
	n := 0
	for {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		query = after
	}
}
