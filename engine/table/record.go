package table

import (
	"bytes"
	"unicode"
)

// A record is a row of a CSV file being split into cells. It is reused for each row, so
// that a row needs no more memory than what it returns.
type record struct {
	separator byte
	// spans are the positions of the cells in text. Text is the line itself if no cell is
	// quoted, otherwise the contents of the cells.
	spans []span
	text  []byte
	// unquoted is a buffer for the contents of quoted cells.
	unquoted []byte
	// from is where the cell begins that the line left open.
	from int
	open bool
}

type span struct{ from, to int }

// An outcome is the effect of a line on a record.
type outcome int

const (
	whole  outcome = iota // the record ends with the line
	open                  // a quote is open: the record continues on the next line
	broken                // the quotes do not match
	more                  // a separator follows (between cells only)
)

func (c *record) reset() {
	c.spans, c.unquoted, c.open = c.spans[:0], c.unquoted[:0], false
}

// add splits the record's next line.
func (c *record) add(line []byte) outcome {
	if !c.open && bytes.IndexByte(line, '"') < 0 {
		c.cut(line)
		return whole
	}
	result := c.addQuoted(line)
	c.text, c.open = c.unquoted, result == open
	return result
}

// cut splits a line without quotes.
func (c *record) cut(line []byte) {
	c.text = line
	for from := 0; ; {
		length := bytes.IndexByte(line[from:], c.separator)
		if length < 0 {
			c.spans = append(c.spans, span{from, len(line)})
			return
		}
		c.spans = append(c.spans, span{from, from + length})
		from += length + 1
	}
}

func (c *record) addQuoted(line []byte) outcome {
	result := more
	if c.open {
		line, result = c.quoted(line)
	}
	for result == more {
		c.from = len(c.unquoted)
		if inside, isQuoted := c.opening(line); isQuoted {
			line, result = c.quoted(inside)
		} else {
			line, result = c.plain(line)
		}
	}
	return result
}

// opening reports whether a cell is quoted, and returns what follows its opening quote.
func (c *record) opening(line []byte) (inside []byte, isQuoted bool) {
	if c.separator != '\t' {
		line = bytes.TrimLeftFunc(line, unicode.IsSpace)
	}
	return bytes.CutPrefix(line, []byte(`"`))
}

// plain takes an unquoted cell, and returns what follows it.
func (c *record) plain(line []byte) (rest []byte, result outcome) {
	cell, rest, found := bytes.Cut(line, []byte{c.separator})
	if bytes.IndexByte(cell, '"') >= 0 {
		return nil, broken
	}
	c.unquoted = append(c.unquoted, cell...)
	return c.close(rest, found)
}

// quoted takes the inside of a quoted cell, and returns what follows it.
func (c *record) quoted(line []byte) (rest []byte, result outcome) {
	for {
		text, behind, found := bytes.Cut(line, []byte(`"`))
		c.unquoted = append(c.unquoted, text...)
		switch {
		case !found:
			c.unquoted = append(c.unquoted, '\n')
			return nil, open
		case len(behind) == 0:
			return c.close(nil, false)
		case behind[0] == '"':
			c.unquoted = append(c.unquoted, '"')
			line = behind[1:]
		case behind[0] == c.separator:
			return c.close(behind[1:], true)
		default:
			return nil, broken
		}
	}
}

// close ends a cell.
func (c *record) close(rest []byte, separated bool) ([]byte, outcome) {
	c.spans = append(c.spans, span{c.from, len(c.unquoted)})
	if separated {
		return rest, more
	}
	return nil, whole
}

// cells returns the first width cells, and the number of the last cell with text, which
// may be greater.
func (c *record) cells(width int) (cells []string, used int) {
	text := string(c.text)
	cells = make([]string, width)
	for i, s := range c.spans {
		cell := trim(text[s.from:s.to])
		if cell != "" {
			used = i + 1
		}
		if i < width {
			cells[i] = cell
		}
	}
	return cells, used
}
