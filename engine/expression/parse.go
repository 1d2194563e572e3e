package expression

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"heed/engine/expression/syntax"
)

// maxBytes limits the length of an expression.
const maxBytes = 8 << 10

// maxExpressionDepth limits the depth of an expression's tree. A chain of ands is as deep
// as it is long.
const maxExpressionDepth = 150

// checkText rejects empty and very long texts before they are parsed.
func checkText(text string) (Problem, bool) {
	switch {
	case len(text) > maxBytes:
		return Problem{
			To: 1, Code: "too-long", Message: "the expression is longer than 8 KiB",
			Hint: "split the rule into several",
		}, true
	case strings.TrimSpace(text) == "":
		return Problem{
			To: 1, Code: "empty-expression", Message: "there is no expression here",
			Hint: "write one, such as data.score < 70",
		}, true
	}
	return Problem{}, false
}

func (s *Scope) parse(text string) (*parser.Tree, *Problem) {
	tree, err := parser.ParseWithConfig(text, s.config)
	if err != nil {
		p := s.fromExpr(text, err)
		return nil, &p
	}
	return tree, nil
}

// Library functions that are left out: they can run away, hide what is read, or use a
// clock of their own.
var forbidden = map[string]string{
	"reduce":  "use sum, count, any or all",
	"repeat":  "write the text out",
	"get":     "write data.field or data[\"field\"]",
	"groupBy": "use filter and count",
	"now":     "now is a value: write it without brackets",
}

// checkBounds rejects, at load time, what could run away when an event arrives: nested
// loops and functions that multiply their input.
func checkBounds(text string, tree ast.Node) []Problem {
	var problems []Problem
	runes, tooDeep := []rune(text), false
	report := func(n ast.Node, code, message, hint string) {
		problems = append(problems, Problem{Code: code, Message: message, Hint: hint}.at(runes, n))
	}
	var walk func(n ast.Node, inLoop bool, depth int)
	walk = func(n ast.Node, inLoop bool, depth int) {
		if depth > maxExpressionDepth {
			if !tooDeep {
				report(n, "too-deep", "the expression nests too deep, or has too many parts in a row",
					"split the rule into several")
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
				report(n, "nested-loop", n.Name+" is inside another loop over a list",
					"one loop at a time: a rule must stay fast on any event")
			}
		case *ast.CallNode:
			if name, ok := n.Callee.(*ast.IdentifierNode); ok && name.Value == "now" {
				report(n, "not-a-function", "now is a value, not a function", "write now without brackets")
			}
		case *ast.IdentifierNode:
			if n.Value == "$env" {
				report(n, "unknown-name", "unknown name $env", "write data.field")
			}
		}
		_, isPredicateBody := n.(*ast.PredicateNode)
		for _, child := range syntax.Children(n) {
			walk(child, inLoop || isPredicateBody, depth+1)
		}
	}
	walk(tree, false, 0)
	return problems
}

func isPredicate(n *ast.BuiltinNode) bool {
	return slices.ContainsFunc(n.Arguments, func(a ast.Node) bool { _, ok := a.(*ast.PredicateNode); return ok })
}
