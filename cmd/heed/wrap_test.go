package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Lines break between words and keep their indentation; escape codes take no room,
// and a word stays whole.
func TestWrapper_breaksBetweenWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"one two\n":                     "one two\n",
		"ten chars.\n":                  "ten chars.\n",
		"ten chars. more\n":             "ten chars.\n  more\n",
		"  a bb ccc dddd\n":             "  a bb ccc\n    dddd\n",
		"https://example.com/a b\n":     "https://example.com/a\n  b\n",
		"\x1b[1mone two\x1b[0m three\n": "\x1b[1mone two\x1b[0m\n  three\n",
		"äöü äöü äöü\n":                 "äöü äöü\n  äöü\n",
		"a\n\nb\n":                      "a\n\nb\n",
	} {
		var out bytes.Buffer
		w := &wrapper{w: &out, width: 10}
		for _, part := range strings.SplitAfter(text, " ") { // in whatever pieces it comes
			if _, err := fmt.Fprint(w, part); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("%q (-want +got)\n%s", text, diff)
		}
	}
}

// COLUMNS says how wide lines are; what is not a terminal has no width.
func TestStreams_widthIsThatOfColumns(t *testing.T) {
	for columns, want := range map[string]int{"80": 80, "": 0, "wide": 0, "-3": 0} {
		s := streams{env: func(string) (string, bool) { return columns, columns != "" }}
		if got := s.width(&bytes.Buffer{}); got != want {
			t.Errorf("COLUMNS=%s: %d, want %d", columns, got, want)
		}
	}
}
