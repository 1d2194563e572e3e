package expression

import (
	"slices"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

// resolve finds undeclared names, fields, functions and tables, and records in the scope
// what the expression uses. The library's checker stops at the first mistake, and does
// not check a slice of an untyped value at all.
func (s *Scope) resolve(text string, tree ast.Node) []Problem {
	runes := []rune(text)
	problems := s.checkLookups(runes, tree)
	report := func(p Problem) {
		if !overlaps(p, problems) {
			problems = append(problems, p)
		}
	}
	var walk func(n ast.Node, vars []string)
	walk = func(n ast.Node, vars []string) {
		switch n := n.(type) {
		case *ast.IdentifierNode:
			s.usesNow = s.usesNow || n.Value == "now"
			s.usesReceivedAt = s.usesReceivedAt || n.Value == "receivedAt"
			if !slices.Contains(s.Names(), n.Value) && !slices.Contains(vars, n.Value) && !isFunction(n.Value) {
				p := Problem{From: n.Location().From, To: n.Location().From + len([]rune(n.Value))}
				s.unknownName(&p, n.Value, around(runes, p))
				report(p)
			}
			// Rules recorded before this was an error must still explain their events.
			if isFunction(n.Value) && !s.recorded && !slices.Contains(s.Names(), n.Value) && !slices.Contains(vars, n.Value) {
				report(s.notCalled(n))
			}
		case *ast.MemberNode:
			if field := syntax.Field(n); field != "" && !s.loose && !s.hasField(field) {
				p := Problem{From: n.Location().From, To: n.Location().From + len([]rune(field))}
				s.unknownField(&p, field)
				report(p)
			}
			if isFunctionName(n.Node) { // reported by the library's checker
				walk(n.Property, vars)
				return
			}
		case *ast.CallNode:
			if isFunctionName(n.Callee) {
				for _, argument := range n.Arguments {
					walk(argument, vars)
				}
				return
			}
		case *ast.VariableDeclaratorNode:
			walk(n.Value, vars)
			walk(n.Expr, append(slices.Clone(vars), n.Name))
			return
		}
		for _, child := range syntax.Children(n) {
			walk(child, vars)
		}
	}
	walk(tree, nil)
	return problems
}

// notCalled returns the problem of a function name that is not called.
func (s *Scope) notCalled(n *ast.IdentifierNode) Problem {
	p := Problem{
		From: n.Location().From, To: n.Location().From + len([]rune(n.Value)), Code: "unknown-name",
		Message: n.Value + " is a function, which is not called here",
		Hint:    "write " + n.Value + "(…) with its arguments",
	}
	if call, ok := usages[n.Value]; ok {
		p.Hint = "call it: " + call
	}
	if slices.Contains([]string{"count", "len", "sum"}, n.Value) && slices.Contains(s.Names(), "total") {
		p.Hint = "how many events there are is total; " + p.Hint
	}
	return p
}

func isFunctionName(n ast.Node) bool {
	name, ok := n.(*ast.IdentifierNode)
	return ok && isFunction(name.Value)
}

func isFunction(name string) bool { return slices.Contains(functionNames, name) }

// around returns the context that shows what a name was meant as: "-" if a dash joins it
// to the word before, otherwise the sign after it with the word that follows, such as "("
// of a call or a dot with a member's name.
func around(text []rune, name Problem) string {
	if name.From > 1 && text[name.From-1] == '-' && syntax.WordEnd(text, name.From-2) == name.From-1 {
		return "-"
	}
	if name.To+1 >= len(text) {
		return ""
	}
	return string(text[name.To:syntax.WordEnd(text, name.To+1)])
}
