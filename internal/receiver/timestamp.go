package receiver

import (
	"regexp"
	"time"
)

// maxTimestamp is the maximum length of a timestamp header: a full RFC 3339 time with
// nanoseconds and an offset has 35 characters.
const maxTimestamp = 40

// parseTimestamp reads a timestamp header. What MindTickle sends is not
// documented, and others differ, so it may be Unix seconds or milliseconds, or RFC 3339; nothing
// else is a time. The published contract signs the header as it came, with a
// colon behind it, and no form has one that is the start of another, so that what
// was signed can be read in one way only.
func parseTimestamp(s string) (time.Time, bool) {
	if t, ok := parseUnix(s); ok {
		return t, true
	}
	if len(s) > maxTimestamp || !rfc3339.MatchString(s) {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, s)
	return t.UTC(), err == nil
}

// rfc3339 is stricter than time.Parse, which accepts hours of one digit, commas, and
// offsets beyond a day.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// parseUnix parses 10 to 13 digits and nothing else: up to 11 digits are Unix seconds, 12
// and 13 are milliseconds. (Seconds have 10 digits until the year 2286; milliseconds had
// 12 until 2001.)
func parseUnix(s string) (time.Time, bool) {
	if len(s) < 10 || len(s) > 13 {
		return time.Time{}, false
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return time.Time{}, false
		}
		n = 10*n + int64(s[i]-'0')
	}
	if len(s) <= 11 {
		return time.Unix(n, 0).UTC(), true
	}
	return time.UnixMilli(n).UTC(), true
}

// formOf describes the form of a value without revealing it: 9 for each digit, a for each
// letter, ? for anything that is not printable ASCII.
func formOf(s string) string {
	form := make([]byte, 0, maxTimestamp)
	for i := range len(s) {
		if i == maxTimestamp {
			return string(form) + "…"
		}
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c = '9'
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			c = 'a'
		case c < ' ' || c > '~' || c == '"' || c == '\\':
			c = '?'
		}
		form = append(form, c)
	}
	return string(form)
}
