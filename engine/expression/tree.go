package expression

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

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

// extent is where a tree stands in the text, as far as its nodes know.
func extent(text []rune, tree ast.Node) (from, to int) {
	from = len(text)
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		at := n.Location().From
		from, to = min(from, at), max(to, n.Location().To, wordEnd(text, at))
		for _, child := range children(n) {
			walk(child)
		}
	}
	walk(tree)
	return from, min(to, len(text))
}

// paths are the values that a tree reads, each once: data.score, now, id.
func paths(tree ast.Node) []ast.Node {
	var found []ast.Node
	seen := map[string]bool{}
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		member, isMember := n.(*ast.MemberNode)
		isCell := isMember && isRecord(member.Node)
		if isCell || isPath(n) || asks(n) != "" {
			if text := n.String(); !seen[text] && text != "data" {
				seen[text] = true
				found = append(found, n)
			}
		}
		switch {
		case isCell: // the record is shown by its cell, what it is found by is worth showing
			n = member.Node
		case isPath(n):
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
