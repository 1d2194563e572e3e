package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode"
)

// maxRow is the maximum size of a row in bytes, and so of what a Reader holds in memory.
const maxRow = 1 << 20

// A Format is the format of the rows of a file.
type Format int

// The formats. Detect is for a file whose name does not tell: text that starts with { is
// JSON lines, any other is CSV.
const (
	Detect    Format = iota
	CSV              // with commas, semicolons or tabs, whatever the name says
	JSONLines        // one JSON object on each line
)

// FormatOf returns the format that a file's extension indicates.
func FormatOf(name string) Format {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".tsv", ".txt":
		return CSV
	case ".jsonl", ".ndjson":
		return JSONLines
	}
	return Detect
}

// A Reader reads the rows of a file of any size, one by one. It holds little more than
// one row in memory. It is not safe for concurrent use.
type Reader struct {
	in      io.Reader
	format  Format
	started bool
	window  window
	record  record
	// line is the number of the line at which the window begins, from 1.
	line int
	// end is what all further calls of Next return.
	end error

	columns      []string
	headerLine   int
	headerFaults []Fault
}

// NewReader returns a Reader. It reads nothing before the first call of a method.
func NewReader(in io.Reader, format Format) *Reader {
	return &Reader{in: in, format: format, line: 1}
}

// Columns returns the names in the header of a CSV file, or nil for JSON lines. The error
// is a fatal *Fault, or one of reading.
func (r *Reader) Columns() ([]string, error) {
	if err := r.start(); err != nil {
		return nil, err
	}
	return r.columns, nil
}

// Next is the next row. Rows without any text are left out. The error is
//   - io.EOF behind the last row,
//   - a *Fault: the row cannot be used, and the next call reads what follows it;
//     but after a fault that is Fatal every call returns it again,
//   - or one of reading, which is returned again as well.
func (r *Reader) Next() (Row, error) {
	if err := r.start(); err != nil {
		return Row{}, err
	}
	var row Row
	var err error
	if r.format == JSONLines {
		row, err = r.nextJSON()
	} else {
		row, err = r.nextCells()
	}
	if fault, ok := errors.AsType[*Fault](err); !ok || fault.Fatal {
		r.end = err
	}
	return row, err
}

// start reads everything before the first row, once.
func (r *Reader) start() error {
	if r.started {
		return r.end
	}
	r.started = true
	if r.end = r.open(); r.end == nil && len(r.headerFaults) > 0 {
		r.end = &r.headerFaults[0]
	}
	return r.end
}

// open reads up to the first row. A header with faults is not an error of open.
func (r *Reader) open() error {
	text, err := decode(r.in)
	if err != nil {
		return err
	}
	r.window.open(text)
	if r.format == Detect {
		r.format = r.detect()
	}
	if r.format == JSONLines {
		return nil
	}
	err = r.readHeader()
	switch {
	case errors.Is(err, io.EOF):
		return &Fault{
			Line: 1, Message: "the file is empty", Hint: "the first line names the columns, such as userId,email",
			Fatal: true,
		}
	case errors.Is(err, errTooLong):
		err = tooLong(r.line)
	}
	if fault, ok := errors.AsType[*Fault](err); ok {
		fault.Fatal = true
	}
	return err
}

// detect determines the format from the first character that is not a space.
func (r *Reader) detect() Format {
	for seen := 0; ; {
		text := bytes.TrimLeftFunc(r.window.held()[seen:], unicode.IsSpace)
		if bytes.HasPrefix(text, []byte("{")) {
			return JSONLines
		}
		if seen = len(r.window.held()); len(text) > 0 || seen > maxRow || !r.window.more() {
			return CSV
		}
	}
}

func (r *Reader) nextJSON() (Row, error) {
	for {
		at := r.line
		line, next, err := r.window.line(0)
		if errors.Is(err, errTooLong) {
			r.skipLine()
			return Row{}, tooLong(at)
		}
		if err != nil {
			return Row{}, err
		}
		if !isText(line) {
			return Row{}, notUTF8(at)
		}
		r.advance(next, 1)
		if raw := bytes.TrimSpace(line); len(raw) > 0 {
			return Row{Line: at, Raw: bytes.Clone(raw)}, nil
		}
	}
}

func (r *Reader) nextCells() (Row, error) {
	for {
		at := r.line
		if err := r.readRecord(); err != nil {
			return Row{}, err
		}
		cells, used := r.record.cells(len(r.columns))
		switch {
		case used == 0:
		case used > len(r.columns):
			return Row{}, &Fault{
				Line:    at,
				Message: fmt.Sprintf("the line has %d cells, the header %d", used, len(r.columns)),
				Hint:    "put quotes round a text that holds the separator",
			}
		default:
			return Row{Line: at, Cells: cells}, nil
		}
	}
}

// readRecord reads the lines of a record, and advances past them.
func (r *Reader) readRecord() error {
	r.record.reset()
	first, from := 0, 0 // offsets of the second line and of the current one
	for lines := 0; ; lines++ {
		line, next, err := r.window.line(from)
		switch {
		case errors.Is(err, errTooLong):
			return r.leaveOut(first)
		case errors.Is(err, io.EOF) && lines > 0:
			return r.unclosed(from, lines)
		case err != nil:
			return err
		case !isText(line):
			return notUTF8(r.line + lines)
		}
		result := r.record.add(line)
		if from = next; first == 0 {
			first = next
		}
		switch result {
		case whole:
			r.advance(from, lines+1)
			return nil
		case broken:
			return r.broken(from, lines+1)
		}
	}
}

// leaveOut skips one line of a record that is too long. No cell is that long, so its
// quote must be a mistake, and the lines after it are rows.
func (r *Reader) leaveOut(first int) error {
	at := r.line
	if first == 0 {
		r.skipLine()
		return tooLong(at)
	}
	r.advance(first, 1)
	return &Fault{
		Line:    at,
		Message: fmt.Sprintf("a quote is not closed within %d MiB", maxRow>>20),
		Hint:    quoting,
	}
}

// unclosed skips everything to the end, since it is not known what is inside a text and
// what is a row.
func (r *Reader) unclosed(next, lines int) error {
	at := r.line
	r.advance(next, lines)
	return &Fault{
		Line:    at,
		Message: "a quote is not closed up to the end of the file",
		Hint:    "the file may be truncated; if it is not, " + quoting,
	}
}

func (r *Reader) broken(next, lines int) error {
	at, message := r.line, "the quotes do not fit together"
	if lines > 1 {
		message += fmt.Sprintf(" from here to line %d", at+lines-1)
	}
	r.advance(next, lines)
	return &Fault{Line: at, Message: message, Hint: quoting}
}

const quoting = `write a quote inside a text twice, and quotes round the whole text: "the ""best"" rep"`

func tooLong(line int) *Fault {
	return &Fault{
		Line:    line,
		Message: fmt.Sprintf("the line has more than %d MiB", maxRow>>20),
		Hint:    "is it the right file?",
	}
}

func (r *Reader) advance(next, lines int) {
	r.window.skip(next)
	r.line += lines
}

func (r *Reader) skipLine() {
	r.window.skipLine()
	r.line++
}
