package layout

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"heed/engine/document"
)

// A document is laid out in three steps: it is cut into pieces, which are
// attached to its tree, which is printed. The pieces come from the text and
// not from the YAML library, which does not say how a scalar was written and
// loses some comments.

type pieceKind int

const (
	commentPiece  pieceKind = iota
	scalarPiece             // a scalar or an alias, as it is written
	propertyPiece           // tags and anchors
	markPiece               // one of - ? : , [ ] { }
)

// piece is one part of a document's text. Everything between two pieces is
// white space.
type piece struct {
	kind       pieceKind
	text       string   // of a block scalar only the header: |-
	body       []string // the lines of a block scalar without their indentation
	line, last int      // its first and last line, which count from 1
	col        int      // from 0, in characters
	from, to   int      // where it stands in the text
	own        bool     // a comment on a line of its own
}

// blockScalar says whether the piece is one that starts with | or >.
func (p *piece) blockScalar() bool {
	return p.kind == scalarPiece && (strings.HasPrefix(p.text, "|") || strings.HasPrefix(p.text, ">"))
}

// cutter cuts a document into pieces. The tree leads it: it says where each
// scalar starts and what its value is, and all else has to be white space,
// marks and comments.
type cutter struct {
	text    string
	starts  []int // of the lines
	at      int   // up to here the text is cut
	line    int   // of at
	marker  int   // the piece before which the marker --- stands, or -1
	pieces  []piece
	scalars map[*yaml.Node]bool // those for which there is a piece
	widths  []int               // the offsets of the characters of line widthOf
	widthOf int
	col     int // of the last piece, which starts at colAt
	colAt   int
}

func cutUp(root *document.Node) (*cutter, error) {
	text := bytes.TrimPrefix(root.Place().File.Text, []byte("\ufeff"))
	c := &cutter{
		text: strings.ReplaceAll(string(text), "\r\n", "\n"), starts: []int{0}, line: 1, marker: -1,
		scalars: map[*yaml.Node]bool{},
	}
	for i := range len(c.text) {
		if c.text[i] == '\n' {
			c.starts = append(c.starts, i+1)
		}
	}
	if i := strings.IndexAny(c.text, "\r\u0085\u2028\u2029"); i >= 0 {
		return nil, c.refuse(i, "a line break of another kind")
	}
	if err := c.start(); err != nil {
		return nil, err
	}
	if err := c.node(root.YAML(), -1); err != nil {
		return nil, err
	}
	return c, c.gap(len(c.text), false)
}

func (c *cutter) refuse(at int, shape string) error {
	return &Error{Line: 1 + strings.Count(c.text[:at], "\n"), shape: shape}
}

// firstLine is the line of the first piece.
func (c *cutter) firstLine() int {
	if len(c.pieces) == 0 {
		return 1
	}
	return c.pieces[0].line
}

// nearestLine is the line where two texts part.
func (c *cutter) nearestLine(a, b []byte) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return min(1+bytes.Count(a[:i], []byte("\n")), len(c.starts))
}

// start cuts the comments before a marker --- and the marker.
func (c *cutter) start() error {
	for n, from := range c.starts {
		line := c.text[from:c.endOfLine(from)]
		switch {
		case strings.HasPrefix(line, "%"):
			return c.refuse(from, "a directive")
		case isMarker(line):
			if err := c.gap(from, false); err != nil {
				return err
			}
			c.marker = len(c.pieces)
			c.pieces = append(c.pieces,
				piece{kind: markPiece, text: "---", line: n + 1, last: n + 1, from: from, to: from + 3})
			c.at = from + 3
			return nil
		case strings.HasPrefix(line, "---") && (len(line) == 3 || line[3] == ' ' || line[3] == '\t'):
			return c.refuse(from, "a value beside ---")
		case strings.Trim(line, " \t") != "" && !strings.HasPrefix(strings.TrimLeft(line, " \t"), "#"):
			return nil
		}
	}
	return nil
}

// isMarker says whether a line holds --- and at most a comment.
func isMarker(line string) bool {
	rest, ok := strings.CutPrefix(line, "---")
	value := strings.TrimLeft(rest, " \t")
	return ok && (value == "" || value != rest && value[0] == '#')
}

func (c *cutter) endOfLine(from int) int {
	if i := strings.IndexByte(c.text[from:], '\n'); i >= 0 {
		return from + i
	}
	return len(c.text)
}

// node cuts everything up to the end of a node. indent is the column of the
// list or object in block style that it stands in, or -1.
func (c *cutter) node(y *yaml.Node, indent int) error {
	if y.Kind == yaml.ScalarNode || y.Kind == yaml.AliasNode {
		return c.leaf(y, indent)
	}
	at := c.offset(y)
	if at < len(c.text) && strings.IndexByte("!&", c.text[at]) >= 0 && !startsWithFirst(y) {
		if err := c.properties(at); err != nil {
			return err
		}
	}
	for i, child := range y.Content {
		switch {
		case y.Style&yaml.FlowStyle != 0 || c.empty(child):
		case y.Kind == yaml.SequenceNode:
			if err := c.gap(c.offset(child), false); err != nil {
				return err
			}
			indent = c.lastDash(indent)
		case i == 0:
			indent = child.Column - 1
		}
		if err := c.node(child, indent); err != nil {
			return err
		}
	}
	return nil
}

// startsWithFirst says whether a node starts where its first child starts, so
// that what stands there is the child's.
func startsWithFirst(y *yaml.Node) bool {
	return len(y.Content) > 0 && y.Content[0].Line == y.Line && y.Content[0].Column == y.Column
}

func (c *cutter) lastDash(otherwise int) int {
	for i := len(c.pieces) - 1; i >= 0; i-- {
		if c.pieces[i].kind == markPiece && c.pieces[i].text == "-" {
			return c.pieces[i].col
		}
	}
	return otherwise
}

// empty says whether nothing at all is written for a node.
func (c *cutter) empty(y *yaml.Node) bool {
	if y.Kind != yaml.ScalarNode || y.Value != "" || y.Style&(quotedStyles|blockStyles|yaml.TaggedStyle) != 0 ||
		y.Anchor != "" {
		return false
	}
	at := c.offset(y)
	return at >= len(c.text) || at < c.at || c.text[at] != '!'
}

// offset is where a node starts in the text.
func (c *cutter) offset(y *yaml.Node) int {
	if y.Line < 1 || y.Line > len(c.starts) {
		return len(c.text)
	}
	from := c.starts[y.Line-1]
	if c.widthOf != y.Line {
		c.widthOf, c.widths = y.Line, c.widths[:0]
		for i := range c.text[from:c.endOfLine(from)] {
			c.widths = append(c.widths, i)
		}
	}
	if y.Column-1 < len(c.widths) {
		return from + c.widths[y.Column-1]
	}
	return c.endOfLine(from)
}

// leaf cuts a scalar or an alias with its properties.
func (c *cutter) leaf(y *yaml.Node, indent int) error {
	if c.empty(y) {
		return nil
	}
	at := c.offset(y)
	if at < c.at || at >= len(c.text) {
		return c.refuse(min(at, len(c.text)), "a scalar that is not where it should be")
	}
	if strings.IndexByte("!&", c.text[at]) >= 0 {
		if err := c.properties(at); err != nil {
			return err
		}
		if y.Value == "" && y.Style&(quotedStyles|blockStyles) == 0 {
			return nil
		}
		at = len(c.text)
	}
	if err := c.gap(at, true); err != nil {
		return err
	}
	c.scalars[y] = true
	var end int
	ok := true
	switch {
	case y.Kind == yaml.AliasNode:
		end = c.word(c.at + 1)
	case y.Style&yaml.DoubleQuotedStyle != 0:
		end, ok = c.endOfDouble()
	case y.Style&yaml.SingleQuotedStyle != 0:
		end, ok = c.endOfSingle()
	case y.Style&blockStyles != 0:
		return c.block(indent)
	default:
		end, ok = c.endOfPlain(y.Value)
	}
	if !ok {
		return c.refuse(c.at, "a scalar that is not what it should be")
	}
	c.add(scalarPiece, end)
	return nil
}

// word is the end of an anchor's name.
func (c *cutter) word(at int) int {
	for at < len(c.text) && strings.IndexByte("-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
		c.text[at]) >= 0 {
		at++
	}
	return at
}

func (c *cutter) endOfDouble() (int, bool) {
	for i := c.at + 1; i < len(c.text); i++ {
		switch c.text[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		}
	}
	return 0, false
}

func (c *cutter) endOfSingle() (int, bool) {
	for i := c.at + 1; i < len(c.text); i++ {
		if c.text[i] == '\'' {
			if i+1 == len(c.text) || c.text[i+1] != '\'' {
				return i + 1, true
			}
			i++
		}
	}
	return 0, false
}

const white = " \t\n"

// endOfPlain compares a plain scalar's value with the text: they are the same except
// for white space.
func (c *cutter) endOfPlain(value string) (int, bool) {
	at := c.at
	for i := range len(value) {
		if strings.IndexByte(white, value[i]) >= 0 {
			continue
		}
		for at < len(c.text) && strings.IndexByte(white, c.text[at]) >= 0 {
			at++
		}
		if at == len(c.text) || c.text[at] != value[i] {
			return 0, false
		}
		at++
	}
	return at, at > c.at
}

// properties cuts tags and anchors that follow each other.
func (c *cutter) properties(at int) error {
	if at < c.at {
		return c.refuse(at, "properties that are not where they should be")
	}
	if err := c.gap(at, false); err != nil {
		return err
	}
	end := at
	for at < len(c.text) && strings.IndexByte("!&", c.text[at]) >= 0 {
		if c.text[at] == '&' {
			at = c.word(at + 1)
		} else {
			for at < len(c.text) && strings.IndexByte(" \t\n{}#\"", c.text[at]) < 0 {
				at++
			}
		}
		end = at
		for at < len(c.text) && (c.text[at] == ' ' || c.text[at] == '\t') {
			at++
		}
	}
	c.add(propertyPiece, end)
	return nil
}

// block cuts a block scalar: its header, a comment behind it, and its lines.
func (c *cutter) block(indent int) error {
	headerEnd := c.at + 1
	for headerEnd < len(c.text) && strings.IndexByte("+-123456789", c.text[headerEnd]) >= 0 {
		headerEnd++
	}
	header := c.text[c.at:headerEnd]
	c.add(scalarPiece, headerEnd)
	scalar := len(c.pieces) - 1
	if err := c.gap(c.endOfLine(headerEnd), false); err != nil {
		return err
	}
	if c.at == len(c.text) {
		return nil
	}
	lines := strings.Split(c.text[c.at+1:], "\n")
	width := max(indent+1, 1)
	if i := strings.IndexAny(header, "123456789"); i > 0 {
		width = max(indent, 0) + int(header[i]-'0')
	} else {
		width = max(width, firstIndent(lines))
	}
	if unended := lines[len(lines)-1]; len(unended) <= width && strings.Trim(unended, " ") == "" {
		lines = lines[:len(lines)-1]
	}
	body, taken := []string{}, 0 // taken are the lines up to the last that is not blank
	for _, line := range lines {
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		if spaces < width && spaces < len(line) {
			break
		}
		body = append(body, line[min(width, len(line)):])
		if len(line) > width {
			taken = len(body)
		}
	}
	if strings.Contains(header, "+") {
		taken = len(body)
	}
	p := &c.pieces[scalar]
	p.body, p.last = body[:taken], p.line+taken
	for range taken {
		c.at = c.endOfLine(c.at + 1)
	}
	c.line += taken
	p.to = c.at
	return nil
}

// endsOpen says whether the text ends in a block scalar whose last line has no
// line break, and the header does not say that it makes no difference.
func (c *cutter) endsOpen() bool {
	for i := range c.pieces {
		p := &c.pieces[i]
		if p.blockScalar() && len(p.body) > 0 && p.to == len(c.text) {
			return !strings.HasSuffix(c.text, "\n") && !strings.Contains(p.text, "-")
		}
	}
	return false
}

// firstIndent is the indentation that a block scalar without a number in its
// header takes: that of the first line that is not blank, or of a deeper blank
// one before it.
func firstIndent(lines []string) int {
	most := 0
	for _, line := range lines {
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		most = max(most, spaces)
		if spaces < len(line) {
			break
		}
	}
	return most
}

// gap cuts what stands before, between and behind scalars, up to a place in the
// text. With stop a scalar follows; if its place is not known, because it has
// properties, to is the end of the text and the gap ends before the first
// character that is neither white space nor a comment.
func (c *cutter) gap(to int, stop bool) error {
	stop = stop && to == len(c.text)
	for c.at < to {
		ch := c.text[c.at]
		switch {
		case ch == '\n':
			c.line++
			c.at++
		case ch == ' ' || ch == '\t':
			c.at++
		case ch == '#':
			c.comment()
		case stop:
			return nil
		case strings.IndexByte("-?:,[]{}", ch) >= 0:
			c.add(markPiece, c.at+1)
		default:
			return c.refuse(c.at, "text that is not a value")
		}
	}
	return nil
}

func (c *cutter) comment() {
	end := c.endOfLine(c.at)
	before := c.text[c.starts[c.line-1]:c.at]
	c.add(commentPiece, end)
	p := &c.pieces[len(c.pieces)-1]
	p.text = strings.TrimRight(p.text, " \t")
	p.own = strings.Trim(before, " \t") == ""
}

// add cuts a piece from where the cutter stands.
func (c *cutter) add(kind pieceKind, end int) {
	text := c.text[c.at:end]
	if from := c.starts[c.line-1]; c.colAt < from {
		c.col, c.colAt = 0, from
	}
	c.col += utf8.RuneCountInString(c.text[c.colAt:c.at])
	c.colAt = c.at
	first := c.line
	c.line += strings.Count(text, "\n")
	c.pieces = append(c.pieces, piece{
		kind: kind, text: text, line: first, last: c.line, from: c.at, to: end,
		col: c.col,
	})
	c.at = end
}
