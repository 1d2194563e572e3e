package document

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// Each case holds the word HERE once in its value; the place found for it must
// be where it stands in the text.
func TestWithinFindsAPartThroughEveryScalarStyle(t *testing.T) {
	for name, text := range map[string]string{
		"plain":                  "k: ab HERE cd\n",
		"single quoted":          "k: 'it''s ''now'' HERE cd'\n",
		"double quoted":          `k: "tab \t \x41 \u00e9 \U0001F600 \" HERE cd"` + "\n",
		"literal":                "k: |\n  first\n\n    more HERE\n  last\n",
		"literal with indicator": "k: |2-\n    two\n  HERE\n",
		"folded":                 "k: >-\n  first\n  second HERE\n\n  third\n",
		"folded after paragraph": "k: >\n  first\n  second\n\n\n  third HERE x\n",
		"folded, more indented":  "k: >\n  first\n    code\n    code HERE\n  last\n",
		"plain over lines":       "k: first\n  second\n\n  third HERE\n",
		"double over lines":      "k: \"first\n  second\\\n   third\n\n  fourth HERE\"\n",
		"single over lines":      "k: 'first\n  second\n  third HERE'\n",
		"in flow":                "k: {a: [x, 'y HERE']}\n",
		"tagged":                 "k: !!str ab HERE\n",
		"anchored":               "k: &a ab HERE\n",
		"not ASCII":              "k: äöü 😀 HERE\n",
		"windows line ends":      "k: |\r\n  first\r\n  second HERE\r\n",
		"in a list":              "k:\n  - |\n    a\n    HERE\n",
	} {
		t.Run(name, func(t *testing.T) { checkHere(t, text) })
	}
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

func checkHere(t failer, text string) {
	t.Helper()
	report := new(Report)
	root := Parse("f.yaml", []byte(text), report)
	if root == nil {
		t.Fatalf("not parsed: %v\n%s", report.Problems(), text)
	}
	node := find(root)
	if node == nil {
		t.Fatalf("no value with HERE in\n%s", text)
	}
	before := []rune(node.Text()[:strings.Index(node.Text(), "HERE")])
	place := node.Within(len(before), len(before)+4)
	line := []rune(root.file.Line(place.Line))
	if place.Col < 1 || place.Col+3 > len(line) || string(line[place.Col-1:place.Col+3]) != "HERE" || place.Width != 4 {
		t.Fatalf("HERE found at %d:%d, width %d, in\n%s", place.Line, place.Col, place.Width, text)
	}
}

func find(n *Node) *Node {
	if n.IsScalar() && strings.Contains(n.Text(), "HERE") {
		return n
	}
	for _, item := range n.Items() {
		if found := find(item); found != nil {
			return found
		}
	}
	for _, pair := range n.Pairs() {
		if found := find(pair.Value); found != nil {
			return found
		}
	}
	return nil
}

func TestWithinFindsAPartInRandomScalars(t *testing.T) {
	word := rapid.StringMatching(`[a-z'"\\é]{1,5}`)
	rapid.Check(t, func(t *rapid.T) {
		words := append(rapid.SliceOfN(word, 0, 6).Draw(t, "before"), "HERE")
		words = append(words, rapid.SliceOfN(word, 0, 4).Draw(t, "after")...)
		value := strings.Builder{}
		for i, w := range words {
			if i > 0 {
				value.WriteString(rapid.SampledFrom([]string{" ", " ", "\n", "\n\n", "\n  "}).Draw(t, "gap"))
			}
			value.WriteString(w)
		}
		text := value.String()
		var yaml string
		switch style := rapid.SampledFrom([]string{"literal", "double", "single"}).Draw(t, "style"); style {
		case "literal":
			yaml = "k:\n  deep: |2\n    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n"
		case "double":
			yaml = "k: " + fmt.Sprintf("%q", text) + "\n"
		case "single":
			folded := strings.Join(strings.FieldsFunc(text, unicode.IsSpace), "\n   ")
			yaml = "k: '" + strings.ReplaceAll(folded, "'", "''") + "'\n"
		}
		checkHere(t, yaml)
	})
}
