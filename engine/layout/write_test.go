package layout

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heed/engine/document"
)

// awkward are texts that YAML likes to take for something else.
var awkward = []string{
	"", " ", "yes", "No", "y", "on", "012", "0x1F", "1_000", "# x", "a # b", "a: b", "a:", ": a", "null", "~", "1e3", "1e400", ".inf", "2026-01-02",
	"12:30:00", "- a", "-", "---", "...", "? a", "<<", "=", "!tag", "&a", "*a", "{{ data.x }}", "[a]", "{a: b}", "'a'", `"a"`, `a\nb`, "%", "@a", "`a`", "|", ">",
	"a\nb", "a\nb\n", "a\n\nb\n\n", "\na", " a\n b", "a\n  b", "a \nb", "a\tb", "\ta\nb", "a\r\nb", "#a\n#b", "---\n...", "é", "😀", "a😀\nb", "\u0000", "\u0007\x1b[31m",
	"\u007f", "\u0085", "\u00a0a", "a\u2028b", "\u202e", "\ufeff", "\ufffe", "\U000e0001", "\U0010ffff", "trailing ", "true", "Null",
}

var numbers = []string{
	"0", "-0", "61", "61.0", "-1.5e-7", "1E5", "9007199254740993", "18446744073709551616", "1e400",
	"123456789012345678901234567890", "0.1000000000000000055",
}

func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom(awkward), rapid.String(), rapid.StringMatching(`[a-z:#,*()!?&%=/\n '"\\-]{0,12}`))
}

func values(depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), texts().AsAny(), texts().AsAny(),
		rapid.Map(rapid.SampledFrom(numbers), func(n string) any { return json.Number(n) }),
		rapid.Int().AsAny(), rapid.Float64().AsAny(),
	}
	if depth > 0 {
		kinds = append(
			kinds,
			rapid.SliceOfN(values(depth-1), 0, 4).AsAny(),
			rapid.MapOfN(texts(), values(depth-1), 0, 4).AsAny(),
			rapid.Map(rapid.MapOfN(texts(), values(depth-1), 0, 4), func(m map[string]any) any { return inOrder(m) }),
		)
	}
	return rapid.OneOf(kinds...)
}

func parse(t rapid.TB, text []byte) *document.Node {
	t.Helper()
	report := new(document.Report)
	root := document.Parse("written.yaml", text, report)
	if root == nil {
		t.Fatalf("%s\n%v", text, report.Problems())
	}
	return root
}

func TestWhatIsWrittenReadsBackAsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := values(3).Draw(t, "value")
		text := Write(value)
		root := parse(t, text)
		if diff := cmp.Diff(plainOf(value), root.Exact()); diff != "" {
			t.Fatalf("%s\n%s", text, diff)
		}
	})
}

// plainOf is Plain of maps too.
func plainOf(value any) any {
	switch v := value.(type) {
	case Object:
		return plainOf(Plain(v))
	case []any:
		list := []any{}
		for i := range v {
			list = append(list, plainOf(v[i]))
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for key := range v {
			object[key] = plainOf(v[key])
		}
		return object
	default:
		return Plain(value)
	}
}

func TestEveryAwkwardTextReadsBack(t *testing.T) {
	for _, text := range append(awkward, strings.Repeat("long ", 1000)) {
		value := map[string]any{text: []any{text, map[string]any{text: text}}}
		if diff := cmp.Diff(any(value), parse(t, Write(value)).Value()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestNumbersReadBack(t *testing.T) {
	value := []any{0, -7, math.MaxInt64, math.MinInt64, 0.5, -1e-7, 1.5e300, math.MaxFloat64}
	if diff := cmp.Diff(any(value), parse(t, Write(value)).Value()); diff != "" {
		t.Error(diff)
	}
}

func TestExactKeepsNumbersAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]any{
		"61.0": json.Number("61.0"), "1e400": json.Number("1e400"), "9007199254740993": json.Number("9007199254740993"),
		`"61.0"`: "61.0", "'1e400'": "1e400", "!!str 12": "12", "0x1F": 31, "1_000": 1000, "012": 12, "1.": 1.0, "+5": 5, "2026-01-02": "2026-01-02",
	} {
		if got := parse(t, []byte(text)).Exact(); got != want {
			t.Errorf("%s is %T %v, want %T %v", text, got, got, want, want)
		}
	}
}

func TestWriteIsReadable(t *testing.T) {
	got := string(Write(Object{
		{"tests", []any{
			Object{{"name", "a.json: matched"}, {"rule", "low"}, {"given", Object{{"data", Object{{"score", json.Number("61.0")}, {"userId", "user-1"}, {"tags", []any{}}}}}}},
			Object{{"name", "b"}, {"text", "one\ntwo\n"}, {"list", []any{[]any{1, true}, nil, Object{}}}},
		}},
	}))
	want := `tests:
  - name: "a.json: matched"
    rule: low
    given:
      data:
        score: 61.0
        userId: user-1
        tags: []
  - name: b
    text: |
      one
      two
    list:
      -
        - 1
        - true
      - null
      - {}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	for was, more := range map[string]string{
		"tests:\n":                                 "  - a: \"x: y\"\n",
		"tests: # none yet":                        "\n  - a: \"x: y\"\n",
		"a: 1\ntests:\n- b: 1":                     "\n- a: \"x: y\"\n",
		"tests:\n    - b\n":                        "    - a: \"x: y\"\n",
		"tests:\n  - b # c\n\n":                    "  - a: \"x: y\"\n",
		"tests:\n  # d\n  -\n    - b\n# the end\n": "  - a: \"x: y\"\n",
		"tests:\r\n  - b: |\r\n      x\r\n":        "  - a: \"x: y\"\r\n",
	} {
		text, err := Append(parse(t, []byte(was)), "tests", []any{Object{{"a", "x: y"}}})
		if err != nil || string(text) != was+more {
			t.Errorf("%q: %q, %v", was, text, err)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	for was, want := range map[string]string{
		"":                               "tests: is not the last of its keys",
		"[1]":                            "tests: is not the last of its keys",
		"tests:\n  - a\nversion: 1\n":    "tests: is not the last of its keys",
		"tests: []\n":                    "its tests: is not a list with a line for each dash",
		"tests: [{a: b}]\n":              "its tests: is not a list with a line for each dash",
		"tests: x\n":                     "its tests: is not a list with a line for each dash",
		"tests: null\n":                  "its tests: is not a list with a line for each dash",
		"{tests: \n}\n":                  "what stands at its end leaves no room for more",
		"tests:\n  - a\n...\n":           "what stands at its end leaves no room for more",
		"tests:\n  - a: |+\n      x\n\n": "",
		"tests:\n  - a: |\n      x":      "what stands at its end leaves no room for more",
	} {
		_, err := Append(parse(t, []byte(was)), "tests", []any{"more"})
		if got := errorText(err); got != want {
			t.Errorf("%q: %q, want %q", was, got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
