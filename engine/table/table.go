// Package table reads tables of texts: CSV files as spreadsheets export them,
// with commas, semicolons or tabs, a byte order mark, blank lines and the line
// ends of any system. It knows nothing of what the tables are for.
package table

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
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

// Row is one line of a table.
type Row struct {
	// Line is where it stands in the file, from 1.
	Line  int
	Cells []string
}

// Fault is what is wrong with a file, and on which line.
type Fault struct {
	Line          int
	Message, Hint string
}

// What a table may be at most, and how many faults are worth a word.
const (
	MaxBytes  = 32 << 20
	MaxRows   = 500_000
	maxFaults = 20
)

// Read reads a table, and reports every fault there is, up to a number. With
// faults the table has the rows that are sound; it is nil if no header can be
// read.
func Read(text []byte) (*Table, []Fault) {
	text, fault := decode(text)
	if fault != nil {
		return nil, []Fault{*fault}
	}
	separator, text, skipped := separatorOf(text)
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.TrimLeadingSpace = separator, -1, separator != '\t'
	t := &Table{}
	var faults []Fault
	report := func(line int, hint, message string, args ...any) {
		faults = append(faults, Fault{line + skipped, fmt.Sprintf(message, args...), hint})
	}
	for len(faults) < maxFaults {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			report(broken.StartLine, `write a quote inside a text twice, and quotes round the whole text: "the ""best"" rep"`, "the quotes do not fit together")
			continue
		}
		for i := range cells {
			cells[i] = trim(cells[i])
		}
		line, _ := r.FieldPos(0)
		switch isEmpty := !slices.ContainsFunc(cells, func(c string) bool { return c != "" }); {
		case isEmpty:
		case t.Columns == nil:
			t.Columns, t.Line = trimEnd(cells), line+skipped
			checkHeader(t.Columns, func(message, hint string) { report(line, hint, "%s", message) })
		case len(trimEnd(cells)) > len(t.Columns):
			report(line, "put quotes round a text that holds the separator", "the line has %d cells, the header %d", len(trimEnd(cells)), len(t.Columns))
		case len(t.Rows) == MaxRows:
			report(line, "keep the table small: it is held in memory", "the table has more than %d rows", MaxRows)
			return t, faults
		default:
			row := make([]string, len(t.Columns))
			copy(row, cells)
			t.Rows = append(t.Rows, Row{line + skipped, row})
		}
	}
	if t.Columns == nil && len(faults) == 0 {
		report(1, "the first line names the columns, such as userId,email", "the file is empty")
	}
	if t.Columns == nil {
		return nil, faults
	}
	return t, faults
}

// decode makes UTF-8 without a byte order mark of what spreadsheets write.
func decode(text []byte) ([]byte, *Fault) {
	switch {
	case len(text) > MaxBytes:
		return nil, &Fault{1, fmt.Sprintf("the file has %d bytes, more than %d MiB", len(text), MaxBytes>>20), "keep the columns that are used"}
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		text = fromUTF16(text)
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	if bytes.HasPrefix(text, []byte("PK\x03\x04")) {
		return nil, &Fault{1, "this is a spreadsheet, not a CSV file", "export it as CSV UTF-8"}
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 || r == 0 {
			return nil, &Fault{1 + bytes.Count(text[:i], []byte("\n")), "the file is not in UTF-8", "export it as CSV UTF-8"}
		}
		i += size
	}
	// A line end of its own is what an old Macintosh writes.
	if !bytes.ContainsRune(text, '\n') {
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	return text, nil
}

// fromUTF16 reads what a spreadsheet calls Unicode text.
func fromUTF16(text []byte) []byte {
	low, high := 0, 1
	if text[0] == 0xfe {
		low, high = 1, 0
	}
	units := make([]uint16, 0, len(text)/2)
	for i := 2; i+1 < len(text); i += 2 {
		units = append(units, uint16(text[i+low])|uint16(text[i+high])<<8)
	}
	return []byte(string(utf16.Decode(units)))
}

// separatorOf finds what stands between the cells: what a line such as sep=;
// says, which a spreadsheet wants, or what the header has most of. The lines
// that it skipped are counted.
func separatorOf(text []byte) (separator rune, rest []byte, skipped int) {
	first, behind, _ := bytes.Cut(text, []byte("\n"))
	if name := strings.TrimSpace(string(first)); strings.HasPrefix(name, "sep=") && len(name) == len("sep=,") {
		return rune(name[len("sep=")]), behind, 1
	}
	header := string(first)
	for lines := string(behind); strings.Trim(header, " \r,;\t") == "" && lines != ""; {
		header, lines, _ = strings.Cut(lines, "\n")
	}
	header = outsideQuotes(header)
	best := ','
	for _, candidate := range []rune{';', '\t'} {
		if strings.Count(header, string(candidate)) > strings.Count(header, string(best)) {
			best = candidate
		}
	}
	return best, text, 0
}

func outsideQuotes(line string) string {
	var out strings.Builder
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 0 {
			out.WriteString(part)
		}
	}
	return out.String()
}

// trimEnd leaves out the empty cells at the end, which spreadsheets like to
// write.
func trimEnd(cells []string) []string {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

func checkHeader(columns []string, report func(message, hint string)) {
	seen := map[string]bool{}
	for i, name := range columns {
		if name == "" {
			report(fmt.Sprintf("column %d has no name", i+1), "the first line names every column")
		} else if seen[name] {
			report(fmt.Sprintf("two columns are called %s", name), "rename or remove one of them")
		}
		seen[name] = true
	}
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
