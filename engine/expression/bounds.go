package expression

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// Functions of the library that are left out: they can run away, hide what is
// read, or bring in a clock of their own.
var forbidden = map[string]string{
	"reduce":  "use sum, count, any or all",
	"repeat":  "write the text out",
	"get":     "write data.field or data[\"field\"]",
	"groupBy": "use filter and count",
	"now":     "now is a value: write it without brackets",
}

// maxExpressionDepth bounds how deep an expression's tree is. A chain of ands
// is a tree as deep as it is long.
const maxExpressionDepth = 150

// checkBounds refuses, when the rule is loaded, what could run away when an
// event comes: loops within loops and functions that multiply what they get.
func checkBounds(text string, tree ast.Node) []Problem {
	var faults []Problem
	tooDeep := false
	report := func(n ast.Node, code, message, hint string) {
		from := n.Location().From
		faults = append(faults, Problem{From: from, To: wordEnd([]rune(text), from), Code: code, Message: message, Hint: hint})
	}
	var walk func(n ast.Node, inLoop bool, depth int)
	walk = func(n ast.Node, inLoop bool, depth int) {
		if depth > maxExpressionDepth {
			if !tooDeep {
				report(n, "too-deep", "the expression nests too deep, or has too many parts in a row", "split the rule into several")
			}
			tooDeep = true
			return
		}
		switch n := n.(type) {
		case *ast.BuiltinNode:
			if hint, ok := forbidden[n.Name]; ok {
				report(n, "forbidden-function", n.Name+" cannot be used in rules", hint)
			}
			if isPredicate(n) && inLoop {
				report(n, "nested-loop", n.Name+" stands inside another loop over a list", "one loop at a time: a rule must stay fast on any event")
			}
		case *ast.CallNode:
			if name, ok := n.Callee.(*ast.IdentifierNode); ok && name.Value == "now" {
				report(n, "not-a-function", "now is a value, not a function", "write now without brackets")
			}
		case *ast.IdentifierNode:
			if n.Value == "$env" {
				report(n, "unknown-name", "there is no $env here", "write data.field")
			}
		}
		_, isPredicateBody := n.(*ast.PredicateNode)
		for _, child := range children(n) {
			walk(child, inLoop || isPredicateBody, depth+1)
		}
	}
	walk(tree, false, 0)
	return faults
}

func isPredicate(n *ast.BuiltinNode) bool {
	return slices.ContainsFunc(n.Arguments, func(a ast.Node) bool { _, ok := a.(*ast.PredicateNode); return ok })
}
