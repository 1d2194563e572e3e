package lint

import (
	"fmt"

	"github.com/expr-lang/expr/ast"
)

// emptyChoice finds a list or range that holds nothing, and a text that every
// text holds.
var emptyChoice = binary(func(b *ast.BinaryNode) (string, string) {
	switch right := b.Right.(type) {
	case *ast.ArrayNode:
		if b.Operator == "in" && len(right.Nodes) == 0 {
			return "the list is empty, so nothing is in it", "write the values in the brackets"
		}
	case *ast.BinaryNode:
		from, _ := right.Left.(*ast.IntegerNode)
		to, _ := right.Right.(*ast.IntegerNode)
		if b.Operator == "in" && right.Operator == ".." && from != nil && to != nil && to.Value < from.Value {
			return fmt.Sprintf("the range %d..%d is empty", from.Value, to.Value),
				fmt.Sprintf("the smaller number comes first: %d..%d", to.Value, from.Value)
		}
	case *ast.StringNode:
		switch b.Operator {
		case "contains", "startsWith", "endsWith", "matches":
			if right.Value == "" {
				return "every text " + b.Operator + ` ""`, "write the text to look for"
			}
		}
	}
	return "", ""
})
