// Package table reads tables of texts: CSV files as spreadsheets export them,
// with commas, semicolons or tabs, a byte order mark, blank lines and the line
// ends of any system; small ones as a whole, those of any size row by row, and
// JSON lines too. It knows nothing of what the tables are for.
package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
)

// Table is a table with a header. Cells have no spaces and no invisible
// characters at their ends.
type Table struct {
	// Columns are the names in the header, as they are written there, and Line
	// is where it stands in the file, from 1.
	Columns []string
	Line    int
	// Rows have as many cells as there are columns. Rows without any text are
	// left out.
	Rows []Row
}

// Row is one row of a file.
type Row struct {
	// Line is where it begins in the file, from 1.
	Line int
	// Cells are those of a CSV file, one for each column; empty ones are "".
	Cells []string
	// Raw is the line of a file of JSON lines, without its end; nobody has
	// looked yet whether it is JSON.
	Raw []byte
}

// Fault is what is wrong with a file, and on which line.
type Fault struct {
	Line          int
	Message, Hint string
	// Fatal says that nothing can be read behind it.
	Fatal bool
}

// Error says the line, what is wrong and what to do.
func (f *Fault) Error() string { return fmt.Sprintf("line %d: %s; %s", f.Line, f.Message, f.Hint) }

// What a table that is read as a whole may be at most, and how many faults are
// worth a word.
const (
	MaxBytes  = 32 << 20
	maxRows   = 500_000
	maxFaults = 20
)

// Read reads a table, and reports every fault there is, up to a number. With
// faults the table has the rows that are sound; it is nil if no header can be
// read, or if the file is not in UTF-8.
func Read(text []byte) (*Table, []Fault) {
	if len(text) > MaxBytes {
		message := fmt.Sprintf("the file has %d bytes, more than %d MiB", len(text), MaxBytes>>20)
		return nil, []Fault{{Line: 1, Message: message, Hint: "keep the columns that are used", Fatal: true}}
	}
	r := NewReader(bytes.NewReader(text), CSV)
	if err := r.open(); err != nil {
		return nil, []Fault{asFault(err)}
	}
	t := &Table{Columns: r.columns, Line: r.headerLine}
	faults := r.headerFaults
	for len(faults) < maxFaults {
		row, err := r.nextCells()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fault := asFault(err)
			if fault.Fatal {
				return nil, []Fault{fault}
			}
			faults = append(faults, fault)
			continue
		}
		if len(t.Rows) == maxRows {
			message := fmt.Sprintf("the table has more than %d rows", maxRows)
			hint := "keep the table small: it is held in memory"
			return t, append(faults, Fault{Line: row.Line, Message: message, Hint: hint, Fatal: true})
		}
		t.Rows = append(t.Rows, row)
	}
	return t, faults
}

// asFault is what a Reader of bytes returns: they can always be read.
func asFault(err error) Fault {
	fault, _ := errors.AsType[*Fault](err)
	return *fault
}

// rounded is what a spreadsheet makes of a long number.
var rounded = regexp.MustCompile(`^\d([.,]\d+)?[eE]\+\d+$`)

// IsRounded says whether a cell that should be an id is a number that a
// spreadsheet rounded, such as 1.04E+08.
func IsRounded(cell string) bool { return rounded.MatchString(cell) }

// Column is the place of a column; false if there is none of that name.
func (t *Table) Column(name string) (int, bool) {
	i := slices.Index(t.Columns, name)
	return i, i >= 0
}
