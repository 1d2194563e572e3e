// Package document reads YAML with positions: every node knows its line and column, and
// so does every character of a scalar, through quotes, escapes and block scalars. Only
// document and engine/layout use the YAML library. It collects problems instead of
// stopping at the first. The rule file and the kinds of actions read their parts of a
// document; it knows nothing of either.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"sync"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Limits of one file, so that none can exhaust memory: its bytes, its aliases, and its
// nodes with aliases expanded.
const (
	MaxBytes   = 1 << 20
	maxAliases = 64
	maxNodes   = 500_000
)

// A File is the text of one file.
type File struct {
	Name  string
	Text  []byte
	lines [][]byte

	kept       []rune // see characters
	keptLine   int
	findBlocks sync.Once
	inBlock    []bool // by line: whether it belongs to a block scalar
}

// NewFile returns a File for a text that is not YAML, for the positions in it.
func NewFile(name string, text []byte) *File {
	return &File{Name: name, Text: text, lines: bytes.Split(text, []byte("\n"))}
}

// Line returns the text of line n, counted from 1, or "" if there is no such line.
func (f *File) Line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	return string(bytes.TrimSuffix(f.lines[n-1], []byte("\r")))
}

// around returns the text around a column of a line, and where that text begins. It
// returns all of a line of usual length.
func (f *File) around(n, col int) (text string, from int) {
	const usual, side = 4 << 10, 200
	if n < 1 || n > len(f.lines) || len(f.lines[n-1]) <= usual {
		return f.Line(n), 0
	}
	line := f.characters(n - 1)
	from = min(max(col-1-side, 0), len(line))
	return string(line[from:min(len(line), from+2*side)]), from
}

// characters returns the characters of line i, counted from 0. It caches the last line,
// since a file may be one long line.
func (f *File) characters(i int) []rune {
	if f.kept == nil || f.keptLine != i {
		f.kept, f.keptLine = []rune(string(bytes.TrimSuffix(f.lines[i], []byte("\r")))), i
	}
	return f.kept
}

// Between returns the text of the lines from one to before another, without trailing
// comments and empty lines, which belong to what comes next.
func (f *File) Between(from, to int) []byte {
	lines := f.lines[min(max(from-1, 0), len(f.lines)):min(max(to-1, 0), len(f.lines))]
	for len(lines) > 0 {
		last := bytes.TrimSpace(lines[len(lines)-1])
		if len(last) > 0 && last[0] != '#' {
			break
		}
		lines = lines[:len(lines)-1]
	}
	return bytes.Join(lines, []byte("\n"))
}

// Lines returns the number of lines in the file.
func (f *File) Lines() int { return len(f.lines) }

// A Place is a position in a file. Line and Col count from 1; Col and Width are in
// characters.
type Place struct {
	File             *File
	Line, Col, Width int
}

// Parse reads one YAML document. It returns nil if the text is not YAML or exceeds a
// limit, and reports why. An empty file is a mapping node without pairs.
func Parse(name string, text []byte, report *Report) *Node {
	file := NewFile(name, text)
	if len(text) > MaxBytes {
		report.Errorf(Place{File: file}, "file-too-large", "the file has %d bytes, more than %d", len(text), MaxBytes).
			Suggest("split it into several files in one directory")
		return nil
	}
	if !checkCharacters(file, report) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return &Node{file: file, y: &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1}}
		}
		reportSyntax(file, err, report)
		return nil
	}
	root := &Node{file: file, y: document.Content[0]}
	var second yaml.Node
	switch err := decoder.Decode(&second); {
	case err == nil:
		report.Errorf(Place{File: file, Line: second.Line, Col: second.Column}, "second-document",
			"the file holds a second document after ---").
			Suggest("put it into a file of its own")
		return nil
	case !errors.Is(err, io.EOF):
		reportSyntax(file, err, report)
		return nil
	}
	if !checkSize(root, report) {
		return nil
	}
	return root
}

// checkCharacters finds what YAML rejects with messages that nobody understands: bytes
// that are not UTF-8, and tabs at the start of a line.
func checkCharacters(file *File, report *Report) bool {
	sound := true
	for i, line := range file.lines {
		if !utf8.Valid(line) {
			report.Errorf(Place{File: file, Line: i + 1, Col: 1 + utf8.RuneCount(line[:validLength(line)])}, "not-utf8",
				"the line is not UTF-8 text from here on").
				Suggest("save the file as UTF-8")
			return false
		}
		body := bytes.TrimLeft(line, " \t")
		if len(body) == 0 || body[0] == '#' {
			continue
		}
		if bytes.HasPrefix(body, []byte("\u00a0")) {
			report.Errorf(Place{File: file, Line: i + 1, Col: len(line) - len(body) + 1}, "no-break-space",
				"a no-break space in the indentation (copied from a document?); YAML takes only plain ones").
				Suggest("delete it and type a space")
			sound = false
		}
		if at := bytes.IndexByte(line[:len(line)-len(body)], '\t'); at >= 0 && !insideBlock(file, i) {
			report.Errorf(Place{File: file, Line: i + 1, Col: at + 1}, "tab",
				"a tab in the indentation; YAML takes only spaces").
				Suggest("replace each tab by two spaces")
			sound = false
		}
	}
	return sound
}

// validLength returns how many bytes at the start of a line are valid UTF-8.
func validLength(line []byte) int {
	for at := 0; at < len(line); {
		r, size := utf8.DecodeRune(line[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return len(line)
}

var blockStart = regexp.MustCompile(`[|>][-+0-9]*\s*(#.*)?$`)

// insideBlock reports whether a line belongs to a block scalar, where a tab after the
// indentation is text.
func insideBlock(file *File, i int) bool {
	file.findBlocks.Do(func() { file.inBlock = linesInBlocks(file.lines) })
	return file.inBlock[i]
}

// linesInBlocks returns, for each line, whether the nearest line above it that starts
// further left begins a block scalar. It visits each line once.
func linesInBlocks(lines [][]byte) []bool {
	type start struct {
		indent int
		begins bool
	}
	inBlock := make([]bool, len(lines))
	var open []start // lines above, each indented further than the one before
	for i, line := range lines {
		indent := len(line) - len(bytes.TrimLeft(line, " "))
		n := sort.Search(len(open), func(k int) bool { return open[k].indent >= indent })
		inBlock[i] = n > 0 && open[n-1].begins
		if len(bytes.TrimSpace(line)) > 0 {
			open = append(open[:n], start{indent, blockStart.Match(bytes.TrimRight(line, "\r"))})
		}
	}
	return inBlock
}

// checkSize rejects alias bombs: it limits the aliases, and the size of the tree with
// aliases expanded.
func checkSize(root *Node, report *Report) bool {
	aliases, nodes := 0, 0
	var walk func(y *yaml.Node, depth int) error
	walk = func(y *yaml.Node, depth int) error {
		if nodes++; nodes > maxNodes {
			return fmt.Errorf("the file has more than %d values, aliases written out", maxNodes)
		}
		if depth > 100 {
			return errors.New("the file nests deeper than 100")
		}
		if y.Kind == yaml.AliasNode {
			if aliases++; aliases > maxAliases {
				return fmt.Errorf("the file has more than %d aliases", maxAliases)
			}
			return walk(y.Alias, depth+1)
		}
		for _, child := range y.Content {
			if err := walk(child, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(root.y, 0); err != nil {
		found := report.Errorf(Place{File: root.file}, "too-many-aliases", "%v", err)
		if aliases > 0 {
			found.Suggest("write the values out instead of using & and *")
		} else {
			found.Suggest("rules need a depth of ten at most: look for brackets inside brackets, or lines that start " +
				"further and further right")
		}
		return false
	}
	return true
}
