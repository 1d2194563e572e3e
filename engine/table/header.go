package table

import (
	"bytes"
	"fmt"
	"strings"
)

// maxColumns is the maximum number of columns of a spreadsheet.
const maxColumns = 16_384

// readHeader finds the separator and the columns. Faults of the header itself do not
// prevent rows from being read; the error is one that does.
func (r *Reader) readHeader() error {
	if err := r.findSeparator(); err != nil {
		return err
	}
	for len(r.columns) == 0 {
		line := r.line
		if err := r.readRecord(); err != nil {
			return err
		}
		columns, used := r.record.cells(len(r.record.spans))
		r.columns, r.headerLine = columns[:used], line
	}
	r.headerFaults = checkHeader(r.columns, r.headerLine)
	return nil
}

// findSeparator finds the separator of cells: the one named by a line such as sep=;,
// which spreadsheets write, or the most frequent one in the header. It skips everything
// before the header.
func (r *Reader) findSeparator() error {
	for {
		line, next, err := r.window.line(0)
		if err != nil {
			return err
		}
		if said, ok := saidSeparator(line); ok && r.line == 1 {
			r.advance(next, 1)
			r.record.separator = said
			return nil
		}
		if strings.Trim(string(line), " \r,;\t") != "" {
			r.record.separator = separatorOf(r.headerText(next))
			return nil
		}
		r.advance(next, 1)
	}
}

// headerText returns the header with all its lines, since a quoted name may have several.
func (r *Reader) headerText(next int) string {
	end := 0
	for quotes := 0; ; {
		quotes += bytes.Count(r.window.held()[end:next], []byte(`"`))
		end = next
		if quotes%2 == 0 {
			break
		}
		var err error
		if _, next, err = r.window.line(end); err != nil {
			break
		}
	}
	return string(r.window.held()[:end])
}

func saidSeparator(line []byte) (byte, bool) {
	said, ok := bytes.CutPrefix(line, []byte("sep="))
	if said = bytes.TrimRight(said, " "); !ok || len(said) != 1 {
		return 0, false
	}
	return said[0], strings.IndexByte(",;|:\t~^", said[0]) >= 0
}

func separatorOf(header string) byte {
	header = outsideQuotes(header)
	best := byte(',')
	for _, candidate := range []byte{';', '\t'} {
		if strings.Count(header, string(candidate)) > strings.Count(header, string(best)) {
			best = candidate
		}
	}
	return best
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

func checkHeader(columns []string, line int) []Fault {
	var faults []Fault
	report := func(message, hint string) {
		faults = append(faults, Fault{Line: line, Message: message, Hint: hint, Fatal: true})
	}
	seen := map[string]bool{}
	for i, name := range columns {
		switch {
		case i == maxColumns:
			report(fmt.Sprintf("the header has more than %d columns", maxColumns), "keep the columns that are used")
			return faults
		case name == "":
			report(fmt.Sprintf("column %d has no name", i+1), "the first line names every column")
		case seen[name]:
			report(fmt.Sprintf("two columns are called %s", name), "rename or remove one of them")
		}
		seen[name] = true
	}
	return faults
}
