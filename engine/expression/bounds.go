package expression

import (
	"slices"
	"strings"

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

// checkBounds refuses, when the rule is loaded, what could run away when an
// event comes: loops within loops and functions that multiply what they get.
func checkBounds(text string, tree ast.Node) []Fault {
	var faults []Fault
	report := func(n ast.Node, code, message, hint string) {
		from := n.Location().From
		faults = append(faults, Fault{From: from, To: wordEnd([]rune(text), from), Code: code, Message: message, Hint: hint})
	}
	var walk func(n ast.Node, inLoop bool)
	walk = func(n ast.Node, inLoop bool) {
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
			walk(child, inLoop || isPredicateBody)
		}
	}
	walk(tree, false)
	return faults
}

func isPredicate(n *ast.BuiltinNode) bool {
	return slices.ContainsFunc(n.Arguments, func(a ast.Node) bool { _, ok := a.(*ast.PredicateNode); return ok })
}

// checkNames finds names and functions that nobody declared and that the
// library's checker does not look at, as in a slice of something untyped.
func (s *Scope) checkNames(text string, tree ast.Node) []Fault {
	var faults []Fault
	var walk func(n ast.Node, vars []string)
	walk = func(n ast.Node, vars []string) {
		switch n := n.(type) {
		case *ast.IdentifierNode:
			if !slices.Contains(s.names(), n.Value) && !slices.Contains(vars, n.Value) && !slices.Contains(functionNames, n.Value) {
				f := Fault{From: n.Location().From, To: n.Location().From + len([]rune(n.Value))}
				s.unknownName(&f, []string{"", n.Value})
				faults = append(faults, f)
			}
		case *ast.MemberNode:
			if field := dataField(n); field != "" && !s.loose && !slices.Contains(s.fieldNames(), field) {
				f := Fault{From: n.Location().From, To: n.Location().From + len([]rune(field))}
				s.unknownField(&f, []string{"", field})
				faults = append(faults, f)
			}
		case *ast.VariableDeclaratorNode:
			walk(n.Value, vars)
			walk(n.Expr, append(slices.Clone(vars), n.Name))
			return
		}
		for _, child := range children(n) {
			walk(child, vars)
		}
	}
	walk(tree, nil)
	return faults
}

// children are the direct children of a node.
func children(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		return slices.DeleteFunc([]ast.Node{n.Node, n.From, n.To}, func(c ast.Node) bool { return c == nil })
	case *ast.CallNode:
		return append([]ast.Node{n.Callee}, n.Arguments...)
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.VariableDeclaratorNode:
		return []ast.Node{n.Value, n.Expr}
	case *ast.SequenceNode:
		return n.Nodes
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	default:
		return nil
	}
}

// paths are the values that a tree reads, each once: data.score, now, id.
func paths(tree ast.Node) []ast.Node {
	var found []ast.Node
	seen := map[string]bool{}
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		if isPath(n) {
			if text := n.String(); !seen[text] && text != "data" {
				seen[text] = true
				found = append(found, n)
			}
			return
		}
		if let, ok := n.(*ast.VariableDeclaratorNode); ok {
			seen[let.Name] = true
		}
		for _, child := range children(n) {
			walk(child)
		}
	}
	walk(tree)
	return found
}

// isPath says whether a node is a name or a chain of constant members of one.
func isPath(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return !slices.Contains(functionNames, n.Value)
	case *ast.ChainNode:
		return isPath(n.Node)
	case *ast.MemberNode:
		switch n.Property.(type) {
		case *ast.StringNode, *ast.IntegerNode:
			return !n.Method && isPath(n.Node)
		}
	}
	return false
}

// pathText writes a path as people do: data.score.
func pathText(n ast.Node) string { return strings.ReplaceAll(n.String(), "?.", ".") }
