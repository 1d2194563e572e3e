package lint

import (
	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

// emptyCell finds a cell of a table, or a value of a user, that should be "":
// empty ones are missing.
var emptyCell = Check{Code: "suspicious", In: anywhere, Run: func(p *Pass, n ast.Node) {
	b, ok := n.(*ast.BinaryNode)
	if !ok || b.Operator != "==" {
		return
	}
	for _, sides := range [][2]ast.Node{{b.Left, b.Right}, {b.Right, b.Left}} {
		if empty, isText := sides[1].(*ast.StringNode); isText && empty.Value == "" && isCell(sides[0]) {
			p.report(n, `an empty cell is missing here, so it is never ""`, "write "+syntax.Text(sides[0])+" == nil")
		}
	}
}}

func isCell(n ast.Node) bool {
	if chain, ok := n.(*ast.ChainNode); ok {
		return isCell(chain.Node)
	}
	member, ok := n.(*ast.MemberNode)
	return ok && syntax.IsRecord(member.Node)
}
