package lint

import "github.com/expr-lang/expr/ast"

// roundedQuotient finds a quotient that is multiplied and then compared: it is
// rounded in between, so that 57 / 100 * 100 is a little less than 57.
var roundedQuotient = binary(func(b *ast.BinaryNode) (string, string) {
	for _, side := range []ast.Node{b.Left, b.Right} {
		product, ok := side.(*ast.BinaryNode)
		if ok && compares(b) && product.Operator == "*" && (isQuotient(product.Left) || isQuotient(product.Right)) {
			return "the quotient is rounded before it is multiplied: 57 / 100 * 100 is less than 57",
				"multiply first: x * 100 / y, or write percent(x, y)"
		}
	}
	return "", ""
})

func isQuotient(n ast.Node) bool {
	b, ok := n.(*ast.BinaryNode)
	return ok && b.Operator == "/"
}
