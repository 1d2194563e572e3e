package event

import (
	"math/big"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// DecodeJSON decodes exactly one JSON value (RFC 8259) into string, bool, nil, int,
// float64, BadNumber, []any and map[string]any. The text must be valid UTF-8.
// encoding/json is not suitable: it takes the last of two equal keys and does not limit
// nesting, and its token reader is six times slower, which is noticeable on every
// request. The error is a *DecodeError.
func DecodeJSON(text []byte) (any, error) {
	d := decoder{text: text}
	return d.whole()
}

// decodeBody is like DecodeJSON for an event, which must be an object. A list is read to
// its end, since the body may have another fault, but its contents are discarded.
func decodeBody(body []byte) (any, error) {
	d := decoder{text: body}
	d.space()
	d.discard = d.peek() == '['
	return d.whole()
}

// whole reads one value, and requires that nothing follows it.
func (d *decoder) whole() (any, error) {
	value, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if d.space(); d.at < len(d.text) {
		return nil, fault(FaultNotJSON, "the body goes on after its JSON value, at byte %d", d.at)
	}
	return value, nil
}

type decoder struct {
	text []byte
	at   int
	// discard means that lists are read but not kept.
	discard bool
}

func (d *decoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return
		}
	}
}

// peek returns the next byte, or 0 at the end.
func (d *decoder) peek() byte {
	if d.at < len(d.text) {
		return d.text[d.at]
	}
	return 0
}

func (d *decoder) unexpected() error {
	if d.at >= len(d.text) {
		return fault(FaultNotJSON, "the body ends in the middle of its JSON, at byte %d", d.at)
	}
	r, _ := utf8.DecodeRune(d.text[d.at:])
	return fault(FaultNotJSON, "the body is not JSON: %q is not expected at byte %d", r, d.at)
}

// value reads the next value. depth is the depth of the enclosing object or list.
func (d *decoder) value(depth int) (any, error) {
	d.space()
	switch c := d.peek(); {
	case c == '"':
		return d.string()
	case c == '{' || c == '[':
		if depth == maxDepth {
			return nil, fault(FaultTooDeep, "the body nests deeper than %d, at byte %d", maxDepth, d.at)
		}
		d.at++
		if c == '{' {
			return d.object(depth + 1)
		}
		return d.list(depth + 1)
	case c == 't':
		return true, d.word("true")
	case c == 'f':
		return false, d.word("false")
	case c == 'n':
		return nil, d.word("null")
	case c == '-' || isDigit(c):
		return d.number()
	default:
		return nil, d.unexpected()
	}
}

func (d *decoder) word(word string) error {
	for i := range len(word) {
		if d.peek() != word[i] {
			return d.unexpected()
		}
		d.at++
	}
	return nil
}

// object reads the rest of an object after the {.
func (d *decoder) object(depth int) (any, error) {
	object := map[string]any{}
	if d.space(); d.peek() == '}' {
		d.at++
		return object, nil
	}
	for {
		d.space()
		if d.peek() != '"' {
			return nil, d.unexpected()
		}
		key, err := d.string()
		if err != nil {
			return nil, err
		}
		if _, twice := object[key]; twice {
			return nil, fault(FaultDuplicateKey, "the key %q is given twice, at byte %d", key, d.at)
		}
		if d.space(); d.peek() != ':' {
			return nil, d.unexpected()
		}
		d.at++
		if object[key], err = d.value(depth); err != nil {
			return nil, err
		}
		if end, err := d.next('}'); end || err != nil {
			return object, err
		}
	}
}

// list reads the rest of a list after the [.
func (d *decoder) list(depth int) (any, error) {
	list := []any{}
	if d.space(); d.peek() == ']' {
		d.at++
		return list, nil
	}
	for {
		value, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		if !d.discard {
			list = append(list, value)
		}
		if end, err := d.next(']'); end || err != nil {
			return list, err
		}
	}
}

// next consumes the comma before another entry, or the closing bracket.
func (d *decoder) next(bracket byte) (end bool, err error) {
	d.space()
	switch d.peek() {
	case ',':
		d.at++
		return false, nil
	case bracket:
		d.at++
		return true, nil
	default:
		return false, d.unexpected()
	}
}

// string reads a string. Most strings have no escapes.
func (d *decoder) string() (string, error) {
	start := d.at + 1
	for i := start; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case c == '"':
			d.at = i + 1
			return string(d.text[start:i]), nil
		case c == '\\':
			return d.escaped(start, i)
		case c < ' ':
			d.at = i
			return "", d.unexpected()
		}
	}
	d.at = len(d.text)
	return "", d.unexpected()
}

// escaped reads the rest of a string from its first escape.
func (d *decoder) escaped(start, at int) (string, error) {
	text := append([]byte(nil), d.text[start:at]...)
	for d.at = at; d.at < len(d.text); {
		switch c := d.text[d.at]; {
		case c == '"':
			d.at++
			return string(text), nil
		case c < ' ':
			return "", d.unexpected()
		case c != '\\':
			text = append(text, c)
			d.at++
		default:
			d.at++
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			text = utf8.AppendRune(text, r)
		}
	}
	return "", d.unexpected()
}

var escapes = [256]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads what follows a backslash. An unpaired surrogate becomes the replacement
// character, as in encoding/json.
func (d *decoder) escape() (rune, error) {
	c := d.peek()
	if c != 'u' {
		r := escapes[c]
		if r == 0 {
			return 0, d.unexpected()
		}
		d.at++
		return r, nil
	}
	d.at++
	first, err := d.hex()
	if err != nil || !utf16.IsSurrogate(first) {
		return first, err
	}
	if d.at+1 < len(d.text) && d.text[d.at] == '\\' && d.text[d.at+1] == 'u' {
		before := d.at
		d.at += 2
		second, err := d.hex()
		if err != nil {
			return 0, err
		}
		if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
			return r, nil
		}
		d.at = before // the second escape stands for itself
	}
	return utf8.RuneError, nil
}

func (d *decoder) hex() (rune, error) {
	var r rune
	for range 4 {
		c := d.peek()
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, d.unexpected()
		}
		d.at++
	}
	return r, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// number reads a number in JSON's grammar, which is stricter than Go's.
func (d *decoder) number() (any, error) {
	start := d.at
	if d.peek() == '-' {
		d.at++
	}
	if d.peek() == '0' {
		d.at++
	} else if err := d.digits(); err != nil {
		return nil, err
	}
	whole := true
	if d.peek() == '.' {
		whole = false
		d.at++
		if err := d.digits(); err != nil {
			return nil, err
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		whole = false
		d.at++
		if c := d.peek(); c == '+' || c == '-' {
			d.at++
		}
		if err := d.digits(); err != nil {
			return nil, err
		}
	}
	return parseNumber(string(d.text[start:d.at]), whole), nil
}

func (d *decoder) digits() error {
	if !isDigit(d.peek()) {
		return d.unexpected()
	}
	for isDigit(d.peek()) {
		d.at++
	}
	return nil
}

// parseNumber returns an int for a whole number that fits, else a float64 if it is
// finite, else a BadNumber.
func parseNumber(literal string, whole bool) any {
	if whole {
		if n, err := strconv.Atoi(literal); err == nil {
			return n
		}
		return BadNumber(literal)
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil || (f >= 1<<53 || f <= -1<<53) && !isExact(literal, f) {
		return BadNumber(literal)
	}
	return f
}

// isExact reports whether a literal is exactly this float64: beyond 2^53, the nearest
// float64 may be another whole number.
func isExact(literal string, f float64) bool {
	const longest = 400 // more than the digits of the largest float64
	if len(literal) > longest {
		return false
	}
	n, ok := new(big.Rat).SetString(literal)
	return ok && n.Cmp(new(big.Rat).SetFloat64(f)) == 0
}
