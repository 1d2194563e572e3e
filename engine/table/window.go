package table

import (
	"bytes"
	"errors"
	"io"
)

// chunk is the minimum space for a read.
const chunk = 64 << 10

// errTooLong says that the text from the start of the window to the end of the requested
// line has more than maxRow bytes.
var errTooLong = errors.New("more than MaxRow bytes")

// A window is the part of a text that is held in memory. It begins with the row being
// read.
type window struct {
	in         io.Reader
	buf        []byte
	start, end int // buf[start:end] is held
	err        error
	// macintosh means that lines end with a carriage return alone, as on an old
	// Macintosh.
	macintosh bool
}

// open reads the first line, to find out how lines end.
func (w *window) open(in io.Reader) {
	w.in = in
	_, _, _ = w.line(0) // the error is returned again later
	text := w.held()
	w.macintosh = bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') >= 0
	if w.macintosh {
		endLines(text)
	}
}

func (w *window) held() []byte { return w.buf[w.start:w.end] }

// line returns the line that begins from bytes after the start of the window, without its
// end, and where the next one begins. The error is io.EOF if there is no line,
// errTooLong, or one of reading. The line is valid until the next call.
func (w *window) line(from int) (line []byte, next int, err error) {
	for searched := from; ; {
		if at := bytes.IndexByte(w.held()[searched:], '\n'); at >= 0 {
			line, next = w.held()[from:searched+at], searched+at+1
			break
		}
		searched = w.end - w.start
		if searched > maxRow {
			return nil, 0, errTooLong
		}
		if w.more() {
			continue
		}
		if !errors.Is(w.err, io.EOF) || searched == from {
			return nil, 0, w.err
		}
		line, next = w.held()[from:], searched
		break
	}
	if from+len(line) > maxRow {
		return nil, 0, errTooLong
	}
	return bytes.TrimSuffix(line, []byte("\r")), next, nil
}

// more reads more text. It returns false if there is none.
func (w *window) more() bool {
	if w.err != nil {
		return false
	}
	w.makeRoom()
	var n int
	for n == 0 && w.err == nil {
		n, w.err = w.in.Read(w.buf[w.end:])
		w.end += n
	}
	if w.macintosh {
		endLines(w.buf[w.end-n : w.end])
	}
	return n > 0
}

func (w *window) makeRoom() {
	if len(w.buf)-w.end >= chunk {
		return
	}
	w.end = copy(w.buf, w.held())
	w.start = 0
	if len(w.buf)-w.end < chunk {
		larger := make([]byte, min(2*len(w.buf), maxRow)+2*chunk)
		copy(larger, w.held())
		w.buf = larger
	}
}

func endLines(text []byte) {
	for i, b := range text {
		if b == '\r' {
			text[i] = '\n'
		}
	}
}

// skip drops the text before next, as returned by line.
func (w *window) skip(next int) { w.start += next }

// skipLine drops a line of any length.
func (w *window) skipLine() {
	for {
		if at := bytes.IndexByte(w.held(), '\n'); at >= 0 {
			w.skip(at + 1)
			return
		}
		w.start = w.end
		if !w.more() {
			return
		}
	}
}
