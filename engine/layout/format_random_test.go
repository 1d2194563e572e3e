package layout

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"heed/engine/document"
)

// writer writes a random document. Keys and values have unique names, and each
// comment says what it belongs to, so that it can be found again.
type writer struct {
	*rapid.T
	strings.Builder
	names    int
	comments []string
}

func (w *writer) name(letter string) string {
	w.names++
	return fmt.Sprintf("%s%d", letter, w.names)
}

func (w *writer) maybe(oneIn int) bool { return rapid.IntRange(1, oneIn).Draw(w.T, "maybe") == 1 }

func (w *writer) between(least, most int) int {
	return rapid.IntRange(least, most).Draw(w.T, "between")
}

func (w *writer) spaces(n int) string { return strings.Repeat(" ", n) }

func (w *writer) comment(where, name string) string {
	text := fmt.Sprintf("# %s %s", where, name)
	if where == "near" {
		text = w.name("# near: ' \" [ { c")
	}
	w.comments = append(w.comments, text)
	return text
}

// aside ends a line, perhaps with a comment.
func (w *writer) aside(name string) {
	if w.maybe(4) {
		w.WriteString(w.spaces(w.between(1, 3)) + w.comment("at", name))
	}
	w.WriteString(w.spaces(w.between(0, 1)) + "\n")
	for w.maybe(6) {
		w.WriteString("\n")
	}
}

// over writes lines above an entry, perhaps with a comment.
func (w *writer) over(indent int, name string) {
	if w.maybe(5) {
		w.WriteString(w.spaces(w.between(0, 12)) + w.comment("near", "") + "\n")
		if w.maybe(6) { // which makes it a comment on the whole, if it is at the top
			w.WriteString("\n")
		}
	}
	if w.maybe(5) {
		w.WriteString(w.spaces(indent) + w.comment("over", name) + "\n")
	}
}

func (w *writer) object(indent, depth int, started bool) {
	for i := range w.between(1, 4) {
		key := w.name("k")
		if i > 0 || !started {
			w.over(indent, key)
			w.WriteString(w.spaces(indent))
		}
		w.WriteString(key + w.spaces(w.between(0, 1)) + ":")
		w.value(key, indent, depth, true)
	}
}

func (w *writer) list(indent, depth int, started bool) {
	for i := range w.between(1, 3) {
		name := w.name("i")
		if i > 0 || !started {
			w.over(indent, name)
			w.WriteString(w.spaces(indent))
		}
		w.WriteString("-")
		if depth > 0 && w.maybe(2) {
			gap := w.between(1, 3)
			w.WriteString(w.spaces(gap))
			if w.maybe(4) {
				w.list(indent+1+gap, depth-1, true)
			} else {
				w.object(indent+1+gap, depth-1, true)
			}
			continue
		}
		w.value("", indent, depth, false)
	}
}

// value writes what stands behind a key or a dash at the column indent.
func (w *writer) value(name string, indent, depth int, isPair bool) {
	if name == "" {
		name = w.name("v")
	}
	kinds := 6
	if depth > 0 {
		kinds = 9
	}
	deeper := indent + w.between(1, 4)
	switch w.between(1, kinds) {
	case 1: // nothing
		if isPair {
			w.aside(name)
		} else {
			w.WriteString("\n")
		}
	case 2:
		w.block(name, deeper)
	case 3:
		w.WriteString(" " + w.flow(2))
		w.named(name, isPair)
	case 4:
		w.brackets(deeper, 2)
		w.WriteString("\n")
	case 5: // over several lines
		w.WriteString(rapid.SampledFrom([]string{" \"a\n%sb \\\n%s \\\" c\"", " 'a # b\n%sit''s\n\n%sc'", " a  b \n\n%sc#d\n%s- e"}).Draw(w.T, "long"))
		long := w.String()
		w.Reset()
		w.WriteString(strings.ReplaceAll(long, "%s", w.spaces(deeper)))
		w.WriteString("\n")
	case 6:
		w.WriteString(w.spaces(w.between(1, 3)) + w.scalar())
		w.named(name, isPair)
	case 7, 8:
		if isPair {
			w.aside(name)
		} else {
			w.WriteString("\n")
		}
		w.object(deeper, depth-1, false)
	case 9:
		if isPair {
			w.aside(name)
			if w.maybe(2) {
				deeper = indent
			}
		} else {
			w.WriteString("\n")
		}
		w.list(deeper, depth-1, false)
	}
	if w.maybe(8) {
		w.WriteString(w.spaces(w.between(0, 12)) + w.comment("near", "") + "\n")
	}
}

// named ends the line of a value; an item has to be told by its value.
func (w *writer) named(name string, isPair bool) {
	if isPair {
		w.aside(name)
	} else {
		w.WriteString("\n")
	}
}

func (w *writer) scalar() string {
	return rapid.SampledFrom([]string{
		"data.score < 70", "1", "~", "true", "a#b", "'# c'", `"\x41\n#"`, "''", `"a \" b"`,
		"'it''s'", "!!str 12", "!x", "é 😀", "{}", "[]", "2026-03-02",
	}).Draw(w.T, "scalar")
}

func (w *writer) block(name string, indent int) {
	header := rapid.SampledFrom([]string{"|", ">", "|-", ">+", "|+"}).Draw(w.T, "header")
	w.WriteString(" " + header)
	if w.maybe(4) {
		where := "at"
		if !strings.HasPrefix(name, "k") {
			where = "near"
		}
		w.WriteString(" " + w.comment(where, name))
	}
	w.WriteString("\n")
	for i := range w.between(0, 4) {
		line := rapid.SampledFrom([]string{"a", "# no comment", "", "  b  ", "- c: d", " "}).Draw(w.T, "line")
		if i == 0 {
			line = "first"
		}
		if line != "" {
			line = w.spaces(indent) + line
		}
		w.WriteString(line + "\n")
	}
}

// flow is a list or an object on one line.
func (w *writer) flow(depth int) string {
	var parts []string
	isList := w.maybe(2)
	for range w.between(0, 3) {
		part := rapid.SampledFrom([]string{"1", "'# c'", `"a, b"`, "x y", "''", "!!str 12"}).Draw(w.T, "part")
		if depth > 0 && w.maybe(3) {
			part = w.flow(depth - 1)
		}
		if !isList {
			part = w.name("k") + ": " + part
		}
		parts = append(parts, part+w.spaces(w.between(0, 1)))
	}
	text := strings.Join(parts, ","+w.spaces(w.between(0, 2)))
	if isList {
		return "[" + text + "]"
	}
	return "{" + text + "}"
}

// brackets is a list or an object over several lines.
func (w *writer) brackets(indent, depth int) {
	isList := w.maybe(2)
	w.WriteString(map[bool]string{true: " [", false: " {"}[isList])
	w.WriteString("\n")
	for range w.between(0, 3) {
		letter, nested := "v", depth > 0 && w.maybe(4)
		if nested && isList {
			letter = "i"
		}
		name := w.name(letter)
		w.over(indent, name)
		w.WriteString(w.spaces(indent))
		if !isList {
			w.WriteString("k" + name + ": ")
		}
		if nested {
			w.brackets(indent+1, depth-1)
			w.WriteString(",\n")
			continue
		}
		w.WriteString(name)
		w.WriteString(",")
		w.aside(name)
	}
	w.WriteString(w.spaces(indent) + map[bool]string{true: "]", false: "}"}[isList])
}

var (
	atComment   = regexp.MustCompile(`# at (\S+)$`)
	overComment = regexp.MustCompile(`^\s*(?:- )*# over (\S+)$`)
	anyComment  = regexp.MustCompile(`^\s*(?:- )*(#.*)?$`)
)

// misplaced finds a comment that does not stand by what it says.
func misplaced(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if m := atComment.FindStringSubmatch(line); m != nil && !names(line[:strings.Index(line, "#")], m[1]) {
			return line
		}
		if m := overComment.FindStringSubmatch(line); m != nil {
			j := i + 1
			for j < len(lines)-1 && anyComment.MatchString(lines[j]) && lines[j] != "" && !strings.HasSuffix(lines[j], "-") || lines[j] == "" && j < len(lines)-1 {
				j++
			}
			if strings.HasPrefix(m[1], "i") && !strings.HasPrefix(strings.TrimSpace(lines[j]), "-") || !strings.HasPrefix(m[1], "i") && !names(lines[j], m[1]) {
				return line
			}
		}
	}
	return ""
}

func names(line, name string) bool {
	return regexp.MustCompile(`\bk?` + name + `\b`).MatchString(line)
}

// TestFormatKeepsRandomDocuments looks at the results with other eyes than the
// safety net: values as decoded, comments by their names and places.
func TestFormatKeepsRandomDocuments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{T: t}
		if w.maybe(3) {
			w.list(w.between(0, 2), 3, false)
		} else {
			w.object(w.between(0, 2), 3, false)
		}
		text := w.String()
		if w.maybe(4) {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		report := new(document.Report)
		root := document.Parse("f.yaml", []byte(text), report)
		if root == nil {
			t.Fatalf("not parsed: %v\n%s", report.Problems(), text)
		}
		var order []string
		for i := range w.names {
			order = append(order, fmt.Sprintf("k%d", i+1))
		}
		style := &Style{Order: rapid.Permutation(order).Draw(t, "order"), Gap: Gap(w.between(0, 2))}
		style.Each = style
		formatted, err := Format(root, style)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		again := document.Parse("f.yaml", formatted, report)
		if again == nil || !reflect.DeepEqual(root.Value(), again.Value()) {
			t.Fatalf("another value:\n%s\n\nof\n\n%s", formatted, text)
		}
		for _, c := range w.comments {
			if n := len(regexp.MustCompile(regexp.QuoteMeta(c)+`(?m)$`).FindAll(formatted, -1)); n != 1 {
				t.Fatalf("%s is there %d times:\n%s\n\nof\n\n%s", c, n, formatted, text)
			}
		}
		if line := misplaced(string(formatted)); line != "" {
			t.Fatalf("%s is in the wrong place:\n%s\n\nof\n\n%s", line, formatted, text)
		}
		if same, err := Format(again, style); err != nil || !slices.Equal(same, formatted) {
			t.Fatalf("not stable (%v):\n%s\n\nthen\n\n%s", err, formatted, same)
		}
		if regexp.MustCompile(`(?m)\n\n\z|\r`).Match(formatted) && !strings.Contains(text, "+") {
			t.Fatalf("blank lines at the end of\n%s", formatted)
		}
	})
}

// FuzzFormat lays out whatever comes. It must not panic, and what it refuses
// must be of a shape that is refused on purpose.
func FuzzFormat(f *testing.F) {
	example, err := os.ReadFile("../../rules.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	for _, seed := range []string{
		"list: # a\n- # b\n  a: {c:   1, d: [\n 1, # e\n 2]} # f\n  # g\n\n  b: |+2 # h\n    x\n\n\n# i\n", "? a\n: b", "--- # a\n!x &b\n- *b\n",
		"a: \"b \\\n  c\"", "[a: b,\n {? c # d\n : e}]", "a: >-\n\n   b\n  \n", "- - - a\n    # b\n  # c\n# d", "a: &b\n- *b\n- <<: {}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		root := document.Parse("f.yaml", []byte(text), new(document.Report))
		if root == nil {
			return
		}
		formatted, err := Format(root, testLayout)
		var refused *Error
		if errors.As(err, &refused) {
			if refused.shape == "" {
				t.Errorf("the safety net caught this near line %d:\n%s", refused.Line, text)
			}
			return
		}
		again := document.Parse("f.yaml", formatted, new(document.Report))
		if again == nil || !reflect.DeepEqual(root.Value(), again.Value()) {
			t.Errorf("another value:\n%s\n\nof\n\n%s", formatted, text)
		}
	})
}
