package syntax

import (
	"slices"
	"strings"
	"unicode"

	"github.com/expr-lang/expr/ast"
)

// twoSigns are the operators of two signs.
var twoSigns = []string{"==", "!=", "<=", ">=", "??", "&&", "||"}

// End is where the word, sign or quoted text ends that starts at from, as far as
// that can be seen. Places count characters from 0.
func End(text []rune, from int) int {
	if from >= len(text) {
		return from + 1
	}
	if strings.ContainsRune("\"'`", text[from]) {
		if end := slices.Index(text[from+1:], text[from]); end >= 0 {
			return from + end + 2
		}
	}
	return WordEnd(text, from)
}

// WordEnd is End, but of a quoted text only the quote.
func WordEnd(text []rune, from int) int {
	isWord := func(r rune) bool { return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	to := from
	for to < len(text) && isWord(text[to]) {
		to++
	}
	if to == from && from+2 <= len(text) && slices.Contains(twoSigns, string(text[from:from+2])) {
		return from + 2
	}
	return max(to, from+1)
}

// Extent is where a tree stands in the text, as far as its nodes know.
func Extent(text []rune, tree ast.Node) (from, to int) {
	from = len(text)
	Walk(tree, func(n ast.Node) {
		at := n.Location()
		from, to = min(from, at.From), max(to, at.To, WordEnd(text, at.From))
	})
	return from, min(to, len(text))
}

// Blank writes _ for each character in quotes, so that code can be told from
// texts. The places of all else stay.
func Blank(text []rune) string {
	out := make([]rune, len(text))
	var quote rune
	for i := 0; i < len(text); i++ {
		r := text[i]
		switch {
		case quote != 0 && r == '\\' && quote != '`':
			out[i] = '_'
			if i++; i < len(text) {
				out[i] = '_'
			}
			continue
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			r = '_'
		case r == '"' || r == '\'' || r == '`':
			quote = r
		}
		out[i] = r
	}
	return string(out)
}
