package lint

import (
	"github.com/expr-lang/expr/ast"

	"heed/engine/expression"
)

// exactlyNow finds a time that is compared with this very moment.
var exactlyNow = binary(func(b *ast.BinaryNode) (string, string) {
	if b.Operator != "==" && b.Operator != "!=" {
		return "", ""
	}
	for _, sides := range [][2]ast.Node{{b.Left, b.Right}, {b.Right, b.Left}} {
		if name, ok := sides[1].(*ast.IdentifierNode); ok && name.Value == "now" && expression.Kind(sides[0]) == "a time" {
			return "a time is never exactly now", `compare days as texts: format(data.completedAt, "2006-01-02", "UTC") == ` +
				`format(now, "2006-01-02", "UTC"); or ask for a time since: data.completedAt > now - days(1)`
		}
	}
	return "", ""
})
