package expression

import (
	"regexp"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// manyDigits is a whole number that a float64 may not hold.
var manyDigits = regexp.MustCompile(`[0-9_]{16,}|0[xX][0-9a-fA-F_]{13,}`)

// largeIntegers keeps the whole numbers of a tree that a float64 would round:
// the type checker turns arguments of functions into floats. The function that
// it returns puts them back.
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

// integerVisitor are whole numbers by where they hang in the tree.
type integerVisitor map[*ast.Node]*ast.IntegerNode

// Visit implements ast.Visitor.
func (v integerVisitor) Visit(slot *ast.Node) {
	if integer, ok := (*slot).(*ast.IntegerNode); ok && !isExact(integer.Value) {
		v[slot] = integer
	}
}
