package expression

import (
	"reflect"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/parser"

	"heed/engine/expression/syntax"
)

// checkTypes checks the kinds of an expression and returns the kind of its result. If
// there is a mistake, it checks each part of a chain of and, or and not separately,
// except parts with an unknown name, whose kinds are not known.
func (s *Scope) checkTypes(text string, tree *parser.Tree) (kind string, problems []Problem) {
	restore := largeIntegers(text, tree)
	result, err := checker.Check(tree, s.config)
	restore()
	if err == nil {
		if kind = Kind(tree.Node); result != nil && result.Kind() != reflect.Interface {
			kind = word(result.String())
		}
		return kind, nil
	}
	unresolved := false
	for _, side := range syntax.Operands(tree.Node) {
		if len(s.resolve(text, side.Node)) > 0 {
			unresolved = true
			continue
		}
		result, err := checker.Check(&parser.Tree{Node: side.Node, Source: tree.Source}, s.config)
		switch {
		case err != nil:
			problems = append(problems, s.fromExpr(text, err))
		case side.Of != "" && result != nil && result.Kind() != reflect.Bool && result.Kind() != reflect.Interface:
			problems = append(problems, notBoolean(text, side, word(result.String())))
		}
	}
	if len(problems) == 0 && !unresolved {
		problems = []Problem{s.fromExpr(text, err)}
	}
	return "", problems
}

func notBoolean(text string, side syntax.Operand, what string) Problem {
	p := Problem{
		Code: "not-boolean", Message: "one side of " + side.Of + " is " + what + ", not true or false",
		Hint: "each side of " + side.Of + " must be a comparison of its own: data.score < 70 and data.passed",
	}
	_, isText := side.Node.(*ast.StringNode)
	switch {
	case side.Of == "not":
		p.Message = "not is used on " + what + ", not on true or false"
		p.Hint = "put the whole comparison in brackets: not (data.score < 70)"
	case isText:
		p.Hint = `name the field again, data.quizType == "graded" or data.quizType == "final", ` +
			`or write data.quizType in ["graded", "final"]; for a missing value write data.quizType ?? "none"`
	}
	p.From = side.Node.Location().From
	p.To = syntax.WordEnd([]rune(text), p.From)
	return p
}

// checkSequences finds what the grammar and the types allow but nobody means: a semicolon
// that discards a condition, a substitute of another kind than the value, or a library
// method that works only partly.
func checkSequences(text string, tree ast.Node) []Problem {
	var problems []Problem
	runes := []rune(text)
	report := func(n ast.Node, p Problem) { problems = append(problems, p.at(runes, n)) }
	syntax.Walk(tree, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.SequenceNode:
			code := syntax.Blank(runes)
			from := len([]rune(code[:max(strings.IndexByte(code, ';'), 0)]))
			problems = append(problems, Problem{
				From: from, To: from + 1, Code: "syntax", Message: "a semicolon drops what comes before it",
				Hint: "join conditions with and: data.score < 70 and data.passed",
			})
		case *ast.BinaryNode:
			for _, side := range []ast.Node{n.Left, n.Right} {
				if p, wrong := badSubstitute(side); wrong && n.Operator != "??" {
					p.Hint = "write a substitute of the same kind: data.score ?? 0, data.quizType ?? \"none\""
					report(side, p)
				}
			}
		case *ast.CallNode:
			if member, ok := n.Callee.(*ast.MemberNode); ok {
				report(member, Problem{
					Code:    "forbidden-function",
					Message: strings.Trim(syntax.Text(member.Property), `"`) + "() cannot be called on a value",
					Hint: `functions come before their value: hour(now, "UTC"), format(now, "15:04", "UTC"); ` +
						"times are compared with < and >",
				})
			}
		}
	})
	return problems
}

// checkSubstitutes finds a substitute that applies to a whole comparison.
func checkSubstitutes(text string, tree ast.Node) []Problem {
	var problems []Problem
	for _, side := range syntax.Operands(tree) {
		if p, wrong := badSubstitute(side.Node); wrong {
			p.Hint = "a substitute comes right after its value, in brackets: (data.score ?? 0) < 70"
			problems = append(problems, p.at([]rune(text), side.Node))
		}
	}
	return problems
}

// badSubstitute finds a ?? whose sides are of different kinds. That is fine where the
// value is shown, but not where it is compared.
func badSubstitute(side ast.Node) (Problem, bool) {
	n, ok := side.(*ast.BinaryNode)
	if !ok || n.Operator != "??" {
		return Problem{}, false
	}
	kind, other := Kind(n.Left), Kind(n.Right)
	known := func(kind string) bool { return kind != "" && kind != "nil" }
	return Problem{Code: "type-mismatch", Message: "the substitute is " + other + ", but the value is " + kind},
		known(kind) && known(other) && kind != other
}
