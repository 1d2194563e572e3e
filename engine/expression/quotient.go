package expression

import (
	"fmt"

	"github.com/expr-lang/expr/ast"
)

// multipliedQuotient finds a quotient that is multiplied and then compared: it
// is rounded in between, so that 57 / 100 * 100 is a little less than 57.
func multipliedQuotient(b *ast.BinaryNode) (message, hint string) {
	switch b.Operator {
	case "==", "!=", "<", "<=", ">", ">=":
	default:
		return "", ""
	}
	for _, side := range []ast.Node{b.Left, b.Right} {
		product, ok := side.(*ast.BinaryNode)
		if !ok || product.Operator != "*" {
			continue
		}
		for _, sides := range [][2]ast.Node{{product.Left, product.Right}, {product.Right, product.Left}} {
			quotient, ok := sides[0].(*ast.BinaryNode)
			if !ok || quotient.Operator != "/" {
				continue
			}
			if !isOperand(quotient.Left) || !isOperand(quotient.Right) || !isOperand(sides[1]) {
				continue // what is to be written has brackets that are not known here
			}
			x, y, factor := pathText(quotient.Left), pathText(quotient.Right), sides[1]
			message = "the quotient is rounded before it is multiplied: 57 / 100 * 100 is less than 57"
			if value, isLiteral := literal(factor); isLiteral && value == 100 {
				return message, fmt.Sprintf("write percent(%s, %s)", x, y)
			}
			return message, fmt.Sprintf("multiply first: %s * %s / %s", x, pathText(factor), y)
		}
	}
	return "", ""
}

// isOperand says whether a node is a value that needs no brackets.
func isOperand(n ast.Node) bool {
	_, isLiteral := literal(n)
	return isLiteral || isPath(n)
}
