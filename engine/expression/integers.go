package expression

import (
	"regexp"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// manyDigits matches a whole number that a float64 may not represent exactly.
var manyDigits = regexp.MustCompile(`[0-9_]{16,}|0[xX][0-9a-fA-F_]{13,}`)

// largeIntegers remembers the whole numbers of a tree that a float64 would round, since
// the type checker turns arguments of functions into floats. The returned function
// restores them.
func largeIntegers(text string, tree *parser.Tree) (restore func()) {
	if !manyDigits.MatchString(text) {
		return func() {}
	}
	kept := integerVisitor{}
	ast.Walk(&tree.Node, kept)
	return func() {
		for slot, integer := range kept {
			*slot = integer
		}
	}
}

// integerVisitor holds whole numbers by their place in the tree.
type integerVisitor map[*ast.Node]*ast.IntegerNode

// Visit implements ast.Visitor.
func (v integerVisitor) Visit(slot *ast.Node) {
	if integer, ok := (*slot).(*ast.IntegerNode); ok && !isExact(integer.Value) {
		v[slot] = integer
	}
}
