// Package table reads tables of texts: CSV files as exported by spreadsheets, with
// commas, semicolons or tabs, a byte order mark, blank lines and the line ends of any
// system. It reads small ones as a whole, and those of any size row by row; it also reads
// JSON lines. It does not know what the tables are for.
package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
)

// A Table is a table with a header. Its cells have no spaces or invisible characters at
// their ends.
type Table struct {
	// Columns are the names in the header, as written. Line is the line of the header,
	// from 1.
	Columns []string
	Line    int
	// Rows have as many cells as there are columns. Rows without any text are omitted.
	Rows []Row
}

// A Row is one row of a file.
type Row struct {
	// Line is the line on which it begins, from 1.
	Line int
	// Cells are the cells of a CSV file, one for each column; empty ones are "".
	Cells []string
	// Raw is the line of a file of JSON lines, without its end. It has not been parsed,
	// and may not be JSON.
	Raw []byte
}

// A Fault is a fault in a file, and its line.
type Fault struct {
	Line          int
	Message, Hint string
	// Fatal reports that nothing after it can be read.
	Fatal bool
}

// Error returns the line, what is wrong and what to do.
func (f *Fault) Error() string { return fmt.Sprintf("line %d: %s; %s", f.Line, f.Message, f.Hint) }

// Limits on a table that is read as a whole, and on the number of faults reported.
const (
	MaxBytes  = 32 << 20
	maxRows   = 500_000
	maxFaults = 20
)

// Read reads a table, and reports every fault, up to a limit. With faults, the table has
// the rows that are sound; it is nil if no header can be read, or if the file is not in
// UTF-8.
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

// asFault converts the error of a Reader of bytes, which can only be a fault.
func asFault(err error) Fault {
	fault, _ := errors.AsType[*Fault](err)
	return *fault
}

// rounded matches what a spreadsheet makes of a long number.
var rounded = regexp.MustCompile(`^\d([.,]\d+)?[eE]\+\d+$`)

// IsRounded reports whether a cell that should be an ID is a number rounded by a
// spreadsheet, such as 1.04E+08.
func IsRounded(cell string) bool { return rounded.MatchString(cell) }

// Column returns the index of a column, or false if there is none of that name.
func (t *Table) Column(name string) (int, bool) {
	i := slices.Index(t.Columns, name)
	return i, i >= 0
}
