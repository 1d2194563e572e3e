package table

import (
	"bytes"
	"errors"
	"io"
)

// chunk is how much room a read has at least.
const chunk = 64 << 10

// errTooLong says that what begins at the start of the window, up to the end of
// the line that was asked for, has more than maxRow bytes.
var errTooLong = errors.New("more than MaxRow bytes")

// window is the part of a text that is held in memory. It begins with the row
// that is being read.
type window struct {
	in         io.Reader
	buf        []byte
	start, end int // buf[start:end] is held
	err        error
	// macintosh says that lines end as on an old Macintosh, with a carriage
	// return alone.
	macintosh bool
}

// open reads the first line, and so finds out how lines end.
func (w *window) open(in io.Reader) {
	w.in = in
	_, _, _ = w.line(0) // its error comes again
	text := w.held()
	w.macintosh = bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') >= 0
	if w.macintosh {
		endLines(text)
	}
}

func (w *window) held() []byte { return w.buf[w.start:w.end] }

// line finds the line that begins that many bytes behind the start of the
// window, without its end, and where the next one begins. The error is io.EOF if
// there is no line, errTooLong, or one of reading. The line is held until the
// next call.
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

// more reads more; false if nothing more comes.
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

// skip drops what is before the place that line returned as the next one.
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
