package main

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"unicode/utf8"

	"golang.org/x/term"
)

// width returns how many characters fit on a line: COLUMNS or, on a terminal, its
// width; 0 means any number.
func (s streams) width(w io.Writer) int {
	if n, err := strconv.Atoi(s.getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return n
		}
	}
	return 0
}

// wrapper breaks lines between words. What follows stands a little further to the
// right than the line's beginning. A word that is longer than a line stays whole,
// since it may be an address.
type wrapper struct {
	w     io.Writer
	width int // 0 for lines of any length
	line  []byte
}

// Write implements io.Writer.
func (w *wrapper) Write(p []byte) (int, error) {
	if w.width == 0 {
		return w.w.Write(p)
	}
	for rest := p; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			w.line = append(w.line, rest...)
			break
		}
		line := append(w.line, rest[:end]...)
		w.line, rest = nil, rest[end:]
		if _, err := w.w.Write(wrapped(line, w.width)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// wrapped breaks a line into as many as it needs. Escape codes take no room.
func wrapped(line []byte, width int) (text []byte) {
	indent := len(line) - len(bytes.TrimLeft(line, " "))
	hang := bytes.Repeat([]byte(" "), min(indent+2, width/2))
	start, blank, column := 0, 0, 0 // blank is the last one at which the line may break
	for i := 0; i < len(line); {
		if line[i] == '\x1b' {
			if end := bytes.IndexByte(line[i:], 'm'); end > 0 {
				i += end + 1
				continue
			}
		}
		_, size := utf8.DecodeRune(line[i:])
		switch {
		case line[i] == '\n':
			column--
		case line[i] == ' ' && i >= indent:
			blank = i
		}
		if column++; column > width && blank > start {
			text = append(append(text, bytes.TrimRight(line[start:blank], " ")...), '\n')
			text = append(text, hang...)
			start = blank + 1
			blank, column = start, len(hang)
			i = start
			continue
		}
		i += size
	}
	return append(text, line[start:]...)
}
