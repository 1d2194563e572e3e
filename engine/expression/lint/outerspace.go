package lint

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

// outerSpace finds a text with a space at its start or end.
var outerSpace = binary(func(b *ast.BinaryNode) (string, string) {
	if b.Operator != "==" && b.Operator != "in" {
		return "", ""
	}
	for _, text := range syntax.Strings(b.Right) {
		if trimmed := strings.TrimSpace(text); trimmed != text && trimmed != "" {
			return "the text " + strconv.Quote(text) + " has a space at its end", "write " + strconv.Quote(trimmed)
		}
	}
	return "", ""
})
