package lint

import (
	"github.com/expr-lang/expr/ast"

	"heed/engine/expression"
	"heed/engine/expression/syntax"
)

// idleSubstitute finds a ?? whose value is never missing, as in
// data.score < 70 ?? 0, where it takes only the 70.
var idleSubstitute = binary(func(b *ast.BinaryNode) (string, string) {
	value, ok := syntax.Literal(b.Left)
	if !ok || b.Operator != "??" {
		return "", ""
	}
	return expression.Text(value) + " is never missing, so what comes after ?? is never used",
		"put the substitute after the field, in brackets: (data.score ?? 0) < 70"
})
