package document

import (
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const (
	blockStyles  = yaml.LiteralStyle | yaml.FoldedStyle
	quotedStyles = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle
)

// Place returns the position of the node: all of a scalar on one line, or the first
// character of anything else.
func (n *Node) Place() Place {
	y := n.y
	place := Place{File: n.file, Line: y.Line, Col: y.Column, Width: 1}
	if y.Kind == yaml.ScalarNode && y.Style&blockStyles == 0 {
		place.Width = utf8.RuneCountInString(y.Value)
		if y.Style&quotedStyles != 0 {
			place.Width += 2
		}
	}
	return place
}

// Within returns the position of a part of a scalar's text. from and to count the
// characters of Text from 0. It finds the part through quotes, escapes, block and folded
// scalars.
func (n *Node) Within(from, to int) Place {
	spots := n.spots()
	if len(spots) == 0 {
		return n.Place()
	}
	first := spots[len(spots)-1]
	first = spot{first.line, first.col + first.width, 1} // the end of the text
	if from = max(from, 0); from < len(spots) {
		first = spots[from]
	}
	place := Place{File: n.file, Line: first.line, Col: first.col, Width: first.width}
	for i := from + 1; i < min(to, len(spots)) && spots[i].line == place.Line; i++ {
		place.Width = spots[i].col + spots[i].width - place.Col
	}
	return place
}

// A spot is the position in the source of one character of a scalar's text, and its width
// there: an escape takes several characters, a line break none.
type spot struct{ line, col, width int }

// spots returns a spot for each character of the scalar's text. It relies on the value
// decoded by the YAML library and compares it with the source: only line breaks differ,
// since folding turns a single break into a space and drops one of several.
func (n *Node) spots() []spot {
	if n.located == nil {
		n.located = n.locate()
	}
	return n.located
}

func (n *Node) locate() []spot {
	y := n.resolved()
	value := []rune(y.Value)
	source := n.characters()
	spots := make([]spot, 0, len(value))
	at := 0
	for i := 0; i < len(value) && at < len(source); {
		if !source[at].isBreak {
			spots = append(spots, source[at].spot)
			at++
			i++
			continue
		}
		breaks := 1
		for at+breaks < len(source) && source[at+breaks].isBreak {
			breaks++
		}
		kept := 0
		for i+kept < len(value) && value[i+kept] == '\n' {
			kept++
		}
		if kept == 0 && value[i] == ' ' {
			kept = 1
		}
		for k := range kept {
			spots = append(spots, source[at+min(k, breaks-1)].spot)
		}
		at += breaks
		i += kept
	}
	return spots
}

type character struct {
	spot
	isBreak bool
}

// characters returns the scalar's source characters from its first on, as many as its
// text can have: without quotes, indentation and the white space that folding drops, and
// with each escape as one.
func (n *Node) characters() []character {
	y := n.resolved()
	var all []character
	wanted := utf8.RuneCountInString(y.Value)
	block := y.Style&blockStyles != 0
	indent := -1
	for i := y.Line - 1; i < len(n.file.lines) && wanted > 0; i++ {
		line := n.file.characters(i)
		col, end := 0, len(line)
		switch {
		case i == y.Line-1 && block:
			continue // the text starts below the | or >
		case i == y.Line-1:
			col = skipProperties(line, y.Column-1)
			if y.Style&quotedStyles != 0 {
				col++
			}
		case block:
			if indent < 0 && leadingSpaces(line) < len(line) {
				indent = leadingSpaces(line) - leadingSpaces([]rune(strings.TrimLeft(y.Value, "\n")))
			}
			col = min(max(indent, 0), len(line))
		default:
			col = leadingSpaces(line)
		}
		if !block && y.Style&yaml.DoubleQuotedStyle == 0 {
			for end > col && line[end-1] == ' ' {
				end--
			}
		}
		joined := false
		for col < end && wanted > 0 {
			width := 1
			switch {
			case y.Style&yaml.DoubleQuotedStyle != 0 && line[col] == '\\':
				if col == end-1 {
					joined = true // an escaped line break leaves nothing in the text
				}
				width = escapeWidth(line[col:])
			case y.Style&yaml.SingleQuotedStyle != 0 && line[col] == '\'':
				width = 2
			}
			if !joined {
				all = append(all, character{spot: spot{i + 1, col + 1, width}})
				wanted--
			}
			col += width
		}
		if !joined && col >= end {
			all = append(all, character{spot{i + 1, end + 1, 0}, true})
		}
	}
	return all
}

// skipProperties skips a tag or an anchor before a scalar.
func skipProperties(line []rune, col int) int {
	for col < len(line) && (line[col] == '!' || line[col] == '&') {
		for col < len(line) && line[col] != ' ' {
			col++
		}
		for col < len(line) && line[col] == ' ' {
			col++
		}
	}
	return col
}

func leadingSpaces(line []rune) int {
	n := 0
	for n < len(line) && (line[n] == ' ' || line[n] == '\t') {
		n++
	}
	return n
}

// escapeWidth returns the length of the escape at the start of the line.
func escapeWidth(line []rune) int {
	width := 2
	if len(line) > 1 {
		switch line[1] {
		case 'x':
			width = 4
		case 'u':
			width = 6
		case 'U':
			width = 10
		}
	}
	return min(width, len(line))
}
