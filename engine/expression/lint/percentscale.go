package lint

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression"
	"heed/engine/expression/syntax"
)

// percentScale finds a percentage that is compared with a share.
var percentScale = binary(func(b *ast.BinaryNode) (string, string) {
	value, _ := syntax.Literal(b.Right)
	share, isFraction := value.(float64)
	function, _ := syntax.Call(b.Left)
	isPercentage := function == "percent" || strings.HasSuffix(syntax.Field(b.Left), "Pct")
	if !isFraction || !isPercentage || share <= 0 || share >= 1 || !compares(b) || b.Operator == "!=" {
		return "", ""
	}
	return "a percentage runs from 0 to 100", fmt.Sprintf("write %v", expression.Number(share*100))
})
