package table

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// byteOrderMark is what spreadsheets write before UTF-8.
const byteOrderMark = "\uFEFF"

// spreadsheets are the first bytes of files that often have a name ending in .csv by
// mistake: current workbooks, which are ZIP files, and those from before 2007.
var spreadsheets = []string{"PK\x03\x04", "\xd0\xcf\x11\xe0"}

// decode converts what spreadsheets write into UTF-8 without a byte order mark. Bytes
// that are not UTF-8 are reported where the lines are read.
func decode(in io.Reader) (io.Reader, error) {
	raw := bufio.NewReader(in)
	first, err := raw.Peek(len(spreadsheets[0]))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	text := raw
	switch {
	case bytes.HasPrefix(first, []byte("\xff\xfe")):
		text = bufio.NewReader(&utf16Reader{in: raw})
	case bytes.HasPrefix(first, []byte("\xfe\xff")):
		text = bufio.NewReader(&utf16Reader{in: raw, bigEndian: true})
	case slices.Contains(spreadsheets, string(first)):
		return nil, &Fault{
			Line: 1, Message: "this is a spreadsheet, not a CSV file", Hint: "export it as CSV UTF-8", Fatal: true,
		}
	}
	if mark, _ := text.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, err = text.Discard(len(byteOrderMark))
		return text, err
	}
	return text, nil
}

// isText reports whether a line is UTF-8 without NUL bytes, which are frequent in other
// encodings and in the unwritten end of a file.
func isText(line []byte) bool {
	return utf8.Valid(line) && bytes.IndexByte(line, 0) < 0
}

func notUTF8(line int) *Fault {
	return &Fault{Line: line, Message: "the file is not in UTF-8", Hint: "export it as CSV UTF-8", Fatal: true}
}

// A utf16Reader reads what spreadsheets call Unicode text as UTF-8.
type utf16Reader struct {
	in        *bufio.Reader
	bigEndian bool
	// pending is a unit already read that belongs to the next character.
	pending rune
	held    bool
}

// Read fills p with whole characters. It must have room for one.
func (u *utf16Reader) Read(p []byte) (int, error) {
	n := 0
	for len(p)-n >= utf8.UTFMax {
		r, err := u.char()
		if err != nil {
			return n, err
		}
		n += utf8.EncodeRune(p[n:], r)
	}
	return n, nil
}

func (u *utf16Reader) char() (rune, error) {
	r, err := u.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	low, err := u.unit()
	if err != nil {
		return utf8.RuneError, nil // the next call returns the error again
	}
	whole := utf16.DecodeRune(r, low)
	if whole == utf8.RuneError {
		u.pending, u.held = low, true
	}
	return whole, nil
}

func (u *utf16Reader) unit() (rune, error) {
	if u.held {
		u.held = false
		return u.pending, nil
	}
	first, err := u.in.ReadByte()
	if err != nil {
		return 0, err
	}
	second, err := u.in.ReadByte()
	if err != nil {
		return 0, err // half a unit at the end is dropped
	}
	if u.bigEndian {
		first, second = second, first
	}
	return rune(first) | rune(second)<<8, nil
}
