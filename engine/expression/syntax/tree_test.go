package syntax

import (
	"slices"
	"testing"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

func parse(t *testing.T, text string) ast.Node {
	t.Helper()
	tree, err := parser.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return tree.Node
}

func TestOperands_sayWhatJoinsThem(t *testing.T) {
	for text, want := range map[string][]string{
		"a":                 {"a "},
		"a and b || not c":  {"a and", "b and", "c not"},
		"not (a < 1 and b)": {"a < 1 and", "b and"},
		"(a or b) == c":     {"(a or b) == c "},
	} {
		var got []string
		for _, o := range Operands(parse(t, text)) {
			got = append(got, o.Node.String()+" "+o.Of)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestPaths_givesEachPathOnce(t *testing.T) {
	text := `data.score < 70 and data.score > len(data.tags) and lookup("managers", data.userId).email == user.email`
	var got []string
	for _, path := range Paths(parse(t, text), func(name string) bool { return name == "len" || name == "lookup" }) {
		got = append(got, Text(path))
	}
	want := []string{"data.score", "data.tags", `lookup("managers", data.userId).email`, "data.userId", "user.email"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestField_isADirectMemberOfData(t *testing.T) {
	for text, want := range map[string]string{
		"data.score": "score", `data["first name"]`: "first name", "data.a.b": "", "user.email": "", "data": "", "data[x]": "",
	} {
		if got := Field(parse(t, text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestLiteral_takesAMinus(t *testing.T) {
	for text, want := range map[string]any{"-70": -70, "0.5": 0.5, `"x"`: "x", "true": true, "- -1": 1, "70.0": 70} {
		if got, ok := Literal(parse(t, text)); !ok || got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	if _, ok := Literal(parse(t, "a")); ok {
		t.Error("a name is no literal")
	}
}

func TestBlank_keepsPlaces(t *testing.T) {
	for text, want := range map[string]string{
		`ä == "b\"c" and 'd'`: `ä == "____" and '_'`, "`a\\` + b": "`__` + b", `"open`: `"____`,
	} {
		if got := Blank([]rune(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestEnd_coversAWordASignOrAText(t *testing.T) {
	for text, want := range map[string]int{"score < 70": 5, "<= 70": 2, "< 70": 1, `"a b" x`: 5, `"open`: 1, "": 1} {
		if got := End([]rune(text), 0); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
