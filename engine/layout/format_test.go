package layout

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heed/engine/document"
)

// Sections are parted by blank lines, b comes before a in an entry of list,
// and tall values of tall are parted.
var testLayout = &Style{
	Order: []string{"first", "list", "tall"},
	Gap:   GapAlways,
	Fields: map[string]*Style{
		"list": {Each: &Style{Order: []string{"b", "a"}}},
		"tall": {Gap: GapTall},
	},
}

func lay(t rapid.TB, text string, style *Style) (string, error) {
	t.Helper()
	report := new(document.Report)
	root := document.Parse("f.yaml", []byte(text), report)
	if root == nil {
		t.Fatalf("not parsed: %v\n%s", report.Problems(), text)
	}
	out, err := Format(root, style)
	return string(out), err
}

func TestFormat(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"only comments", "\n\n# a\n\n\n  # b\n\n", "# a\n\n# b\n"},
		{"a scalar", "  a   # c\n", "a # c\n"},
		{"sections", "x: 1\nlist: []\nfirst: 2\n", "first: 2\n\nlist: []\n\nx: 1\n"},
		{"white space", "x:   1   \ny :  \t2\t\n", "x: 1\n\ny: 2\n"},
		{"Windows line ends", "\ufeffx: 1\r\ny: |\r\n  a\r\n  b\r\n", "x: 1\n\ny: |\n  a\n  b\n"},
		{"no line break at the end", "x: 1", "x: 1\n"},
		{"no line break after a block scalar", "x: |\n    a", "x: |\n  a"},
		{"a blank line without an end after a block scalar", "x: |+\n  a\n ", "x: |+\n  a\n"},
		{"no line break after a stripped one", "x: |-\n    a", "x: |-\n  a\n"},
		{"indentation", "x:\n    - a\n    -   b:  1\n        c: 2\n", "x:\n  - a\n  - b: 1\n    c: 2\n"},
		{"a list in its key's column", "x:\n- a\n- - b\n  - c\n-\n  d: 1\n", "x:\n  - a\n  - - b\n    - c\n  - d: 1\n"},
		{"no value", "x:\ny: # c\nlist:\n-\n- # d\n", "list:\n  -\n  - # d\n\nx:\n\ny: # c\n"},
		{"a value on the next line", "x:\n    a\ny:\n  [1]\n", "x: a\n\ny: [1]\n"},
		{"a marker", "# a\n\n\n---   # b\n\n# c\nx: 1\n", "# a\n--- # b\n# c\nx: 1\n"},
		{"a marker alone", "--- \nx: 1\n", "---\nx: 1\n"},

		{"order", "list:\n- c: 1\n  a: 2\n  b: 3\n- {c: 1, a: 2, b: 3}\n", "list:\n  - b: 3\n    a: 2\n    c: 1\n  - {b: 3, a: 2, c: 1}\n"},
		{"a key twice", "list:\n- a: 1\n  b: 2\n  a: 3\n  b: 4\n", "list:\n  - b: 2\n    b: 4\n    a: 1\n    a: 3\n"},
		{"no order with an anchor", "list:\n- a: &x 1\n  b: *x\n", "list:\n  - a: &x 1\n    b: *x\n"},
		{"no order with a merge key", "list:\n- a: 1\n  <<: {b: 2}\n  b: 3\n", "list:\n  - a: 1\n    <<: {b: 2}\n    b: 3\n"},
		{"tags and anchors", "x:  &a   !!map\n    k:  !!str   v\ny:\n  - &b\n    - 1\n  - &c {p: !t , q: &d }\n  - *b\n  - ! z\n*a : 2\n", "x: &a !!map\n  k: !!str v\n\ny:\n  - &b\n    - 1\n  - &c {p: !t , q: &d }\n  - *b\n  - ! z\n\n*a : 2\n"},

		{"blank lines", "x:\n\n\n  a: 1\n\n\n  b: 2\n  c: 3\n\n\n\ny: 1\n\n\n", "x:\n  a: 1\n\n  b: 2\n  c: 3\n\ny: 1\n"},
		{"tall entries", "tall:\n  a: 1\n  b: 2\n  c:\n    d: 1\n  e: {f: 1}\n  g: 1\n", "tall:\n  a: 1\n  b: 2\n\n  c:\n    d: 1\n\n  e: {f: 1}\n  g: 1\n"},

		{"quotes as written", `x: "a\x41  \"b\""` + "\ny: 'it''s'\nz: a#b 'c' \"d\"\n", `x: "a\x41  \"b\""` + "\n\ny: 'it''s'\n\nz: a#b 'c' \"d\"\n"},
		{"scalars over lines", "x: a\n      b\n\n      c # d\ny: \"a  \n b\\\n     c\\ \t\n\n  # d\"\nz: 'a\n  ''b'\n", "x: a\n  b\n\n  c # d\n\ny: \"a\n  b\\\n  c\\ \n\n  # d\"\n\nz: 'a\n  ''b'\n"},
		{"block scalars", "x:\n    a: |\n            one\n              # two\n\n\n            three  \n\n    b: >- # c\n     four\n", "x:\n  a: |\n    one\n      # two\n\n\n    three  \n\n  b: >- # c\n    four\n"},
		{"a number in the header", "x:\n   a: |2-\n       one\n     two\n   b: |+1\n     three\n", "x:\n  a: |2-\n      one\n    two\n  b: |+1\n    three\n"},
		{"lines that are kept at the end", "x: |+\n  a\n\n\ny: >+\n  a\n# c\nz: |\n  b\n\n\n\n", "x: |+\n  a\n\n\ny: >+\n  a\n# c\nz: |\n  b\n"},
		{"a block scalar in a list", "x:\n- |\n a\n- - >\n   b\n- c: |1\n     d\n", "x:\n  - |\n    a\n  - - >\n      b\n  - c: |1\n       d\n"},

		{"brackets on a line", "x: {a:   1,b: [ 1,2 , ], \"c\":3, d, e: {}, f: [g: 1, h: ]}\n", "x: {a: 1, b: [1, 2], \"c\": 3, d, e: {}, f: [g: 1, h: ]}\n"},
		{"brackets over lines", "x: {a: 1,\n  b: [1,\n 2], c: {d: 1}}\ny: [\n]\nz: [a: 1,\n b]\n", "x:\n  a: 1\n  b:\n    - 1\n    - 2\n  c: {d: 1}\n\ny: []\n\nz:\n  - a: 1\n  - b\n"},
		{"a colon that is text in brackets", "x: [\n a:]\n", "x: [\n  a:]\n"},
		{"comments in brackets", "x: [ # a\n  # b\n  1, # c\n  2 # d\n  # e\n] # f\n", "x: [ # a\n    # b\n    1, # c\n    2 # d\n    # e\n  ] # f\n"},
		{"comments in brackets with a place", "x: [\n  # b\n  1, # c\n\n  2 # d\n\n  # e\n] # f\n", "x: # f\n  # b\n  - 1 # c\n\n  - 2 # d\n\n  # e\n"},
		{"comments without a place", "x:\n    - {? a # b\n        : 1,\n      # c\n      d:   2}\n", "x:\n  - {? a # b\n      : 1,\n    # c\n    d:   2}\n"},
		{"an object in brackets at the root", "{ # a\n \"list\": [1,\n 2],\n \"first\": 1\n}\n# b\n", "\"first\": 1\n\n# a\n\"list\":\n  - 1\n  - 2\n# b\n"},
		{"a key over lines", "x: {? a\n  b\n : 1}\n", "x: {? a\n   b\n  : 1}\n"},

		{"comments at the ends of lines", "x:    # a\n  - b    # c\n  -   # d\n    e: 1 # f\n", "x: # a\n  - b # c\n  - # d\n    e: 1 # f\n"},
		{"comments above", "# a\nx:\n# b\n   # c\n  - d\n     # e\n  - f\n# g\n\n# h\ny: 1\n", "# a\nx:\n  # b\n  # c\n  - d\n    # e\n  - f\n# g\n\n# h\ny: 1\n"},
		{"comments at the end of an object", "x:\n   y:\n      z: 1\n      # in z's object\n   # in y's object\n# of w\nw: 2\n# the end\n", "x:\n  y:\n    z: 1\n    # in z's object\n  # in y's object\n\n# of w\nw: 2\n# the end\n"},
		{"comments right below", "x: 1\n# of x\n# of x too\n\n# of list\nlist:\n- a: 1\n  # of a\n\n  b: 2\n# of the item\n\n- c\n", "# of list\nlist:\n  - b: 2\n    a: 1\n    # of a\n  # of the item\n\n  - c\n\nx: 1\n# of x\n# of x too\n"},
		{"a comment right below stays apart from what comes next", "list:\n- a: 1\n  # of a\n\n  b: 2\n  c: 3\n", "list:\n  - b: 2\n    a: 1\n    # of a\n\n    c: 3\n"},
		{"a lifted comment is not taken for the item's above", "list:\n- x\n-\n  # of the object\n\n  a: 1\n", "list:\n  - x\n\n  # of the object\n\n  - a: 1\n"},
		{"comments below what is empty", "x:\n  # - a\n  # - b\nlist: 1\n", "list: 1\n\nx:\n  # - a\n  # - b\n"},
		{"comments move with their key", "# of the file\n\n# of x\nx: 1 # beside x\n  # inside x\n# of list\nlist:\n  # of the item\n  - a: 1 # beside a\n    # of b\n    b: 2 # beside b\n    # the item's end\n", "# of the file\n\n# of list\nlist:\n  # of the item\n  # of b\n  - b: 2 # beside b\n    a: 1 # beside a\n    # the item's end\n\n# of x\nx: 1 # beside x\n  # inside x\n"},
		{"comments between dash and key", "list:\n- # a\n  # b\n  b: 1\n-\n  # c\n\n  # d\n  a: 1\n- -\n    # e\n    - f\n", "list:\n  - # a\n    # b\n    b: 1\n  # c\n\n  # d\n  - a: 1\n  # e\n  - - - f\n"},
		{"comments between key and value", "x: # a\n    # b\n\n    # c\n    d # e\ny:\n # f\n |\n g\n", "x: # a\n  # b\n\n  # c\n  d # e\n\ny:\n  # f\n  |\n  g\n"},
		{"a comment below a list in its key's column", "x:\n- a\n# b\ny: 1\n", "x:\n  - a\n\n# b\ny: 1\n"},
		{"what only looks like a comment", "x: a#b\ny: '# c'\nz: |\n  # d\nw: \"\n  # e\"\n", "x: a#b\n\ny: '# c'\n\nz: |\n  # d\n\nw: \"\n  # e\"\n"},
		{"characters beyond ASCII", "äö: {ü: 'é',   😀: b} # ñ\n", "äö: {ü: 'é', 😀: b} # ñ\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := lay(t, c.text, testLayout)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(c.want, "\n"), strings.Split(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFormatRefusesWhatItDoesNotLayOut(t *testing.T) {
	for text, line := range map[string]int{
		"a: 1\n? b\n: c\n":                       2,
		"%YAML 1.1\n---\na: 1\n":                 1,
		"# c\n--- {a: 1}\n":                      2,
		"a: 1\n...\n":                            2,
		"# a\n ---\n":                            2,
		" a: 1\n --- b: 1\n":                     2,
		"a: 1\nb: \"x\u0085 y\"\n":               2,
		"a: 1\nfirst: 1\nx: |\n  y\nlist: |\n z": 5,
	} {
		_, err := lay(t, text, testLayout)
		var refused *Error
		if !errors.As(err, &refused) || refused.Line != line {
			t.Errorf("%q: got %v, want a refusal near line %d", text, err, line)
		}
	}
}

// TestTheSafetyNetHolds gives the net results that say something else.
func TestTheSafetyNetHolds(t *testing.T) {
	parse := func(text string) *document.Node { return document.Parse("f.yaml", []byte(text), new(document.Report)) }
	was := parse("a: 1\nb:\n  - x # c\n  - '1'\n")
	for _, text := range []string{
		"a: 1\nb:\n  - x # c\n  - 1\n", "a: 1\nb:\n  - x # c\n  - \"1\"\n", "a: 1\nb:\n  - '1'\n  - x # c\n", "a: 1\nb:\n  - x # c\n",
		"a: 1\nc:\n  - x # c\n  - '1'\n", "a: 1\nb:\n  - &x x # c\n  - '1'\n", "a: 1\nb:\n  - !!str x # c\n  - '1'\n",
	} {
		if firstDifference(was.YAML(), parse(text).YAML()) == 0 {
			t.Errorf("no difference found in\n%s", text)
		}
	}
	if line := firstDifference(was.YAML(), parse("b: [x, '1']\na: 1\n").YAML()); line != 0 {
		t.Errorf("a difference in line %d where there is none", line)
	}
	pieces := func(text string) []piece {
		cut, err := cutUp(parse(text))
		if err != nil {
			t.Fatal(err)
		}
		return cut.pieces
	}
	for text, line := range map[string]int{
		"a: 1 # c\n# d\n": 0, "# d\n# c\na: 1\n": 0, "a: 1\n# c\n": 2, "a: 1 # c\n# d\n# d\n": 2, "a: 0x1 # c\n# d\n": 1,
	} {
		if got := firstLost(pieces("a: 1 # c\n# d\n"), pieces(text)); got != line {
			t.Errorf("%q: found line %d, want %d", text, got, line)
		}
	}
}
