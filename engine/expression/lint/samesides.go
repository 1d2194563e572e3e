package lint

import (
	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

// sameSides finds a comparison of something with itself.
var sameSides = binary(func(b *ast.BinaryNode) (string, string) {
	if _, isLiteral := syntax.Literal(b.Left); isLiteral || !compares(b) || b.Left.String() != b.Right.String() {
		return "", ""
	}
	return "both sides are the same",
		"compare with another field or value; to ask whether there is a value, write != nil"
})

// compares says whether an operation compares two values by one of the signs.
func compares(b *ast.BinaryNode) bool {
	switch b.Operator {
	case "==", "!=", "<", "<=", ">", ">=":
		return true
	}
	return false
}
