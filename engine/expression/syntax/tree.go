// Package syntax looks at the trees of expressions: what a node is, what it
// holds and where it stands in the text. It knows no types, no fields and no
// problems. The expression package and lint import it.
package syntax

import (
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// Children are the direct children of a node.
func Children(n ast.Node) []ast.Node {
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

// Walk visits a tree, each node before its children.
func Walk(n ast.Node, visit func(ast.Node)) {
	visit(n)
	for _, child := range Children(n) {
		Walk(child, visit)
	}
}

// Size is how many nodes a tree has.
func Size(n ast.Node) (total int) {
	Walk(n, func(ast.Node) { total++ })
	return total
}

// Field is the name of the field if a node is nothing but data.<field>.
func Field(n ast.Node) string {
	member, ok := n.(*ast.MemberNode)
	if !ok || member.Method {
		return ""
	}
	base, isName := member.Node.(*ast.IdentifierNode)
	field, isNamed := member.Property.(*ast.StringNode)
	if !isName || !isNamed || base.Value != "data" {
		return ""
	}
	return field.Value
}

// Text writes a node as people do: data.score, not data?.score.
func Text(n ast.Node) string { return strings.ReplaceAll(n.String(), "?.", ".") }

// Literal is the value of a literal: a number with or without a minus, a text,
// true or false.
func Literal(n ast.Node) (any, bool) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return n.Value, true
	case *ast.FloatNode:
		return Number(n.Value), true // the type checker writes 70 as 70.0 next to a number
	case *ast.StringNode:
		return n.Value, true
	case *ast.BoolNode:
		return n.Value, true
	case *ast.UnaryNode:
		value, ok := Literal(n.Node)
		if !ok || n.Operator != "-" {
			return nil, false
		}
		switch v := value.(type) {
		case int:
			return -v, v != math.MinInt
		case float64:
			return -v, true
		}
	}
	return nil, false
}

// Literals are the values of literals, if that is all there is.
func Literals(nodes []ast.Node) ([]any, bool) {
	values := make([]any, len(nodes))
	for i, n := range nodes {
		value, ok := Literal(n)
		if !ok {
			return nil, false
		}
		values[i] = value
	}
	return values, true
}

// ExactFloat is the first whole number that a float64 may have got wrong.
const ExactFloat = 1 << 53

// Number is a number as expressions calculate with it: an int if it is whole and
// small enough for a float to be exact.
func Number(f float64) any {
	if f == float64(int(f)) && f > -ExactFloat && f < ExactFloat {
		return int(f)
	}
	return f
}

// Strings are the texts that a literal or a list of literals holds.
func Strings(nodes ...ast.Node) []string {
	var all []string
	for _, n := range nodes {
		switch n := n.(type) {
		case *ast.StringNode:
			all = append(all, n.Value)
		case *ast.ArrayNode:
			all = append(all, Strings(n.Nodes...)...)
		}
	}
	return all
}

// IsNil says whether a node is nil.
func IsNil(n ast.Node) bool { _, ok := n.(*ast.NilNode); return ok }

// Call is the name and the arguments of a call; the name is empty for anything
// else.
func Call(n ast.Node) (name string, arguments []ast.Node) {
	switch n := n.(type) {
	case *ast.BuiltinNode:
		return n.Name, n.Arguments
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok {
			return name.Value, n.Arguments
		}
	}
	return "", nil
}

// Lookup is the name of what a node looks up beyond the event: "user", or one of
// the functions lookup, progress and rank; empty if it looks up nothing.
func Lookup(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if n.Value == "user" {
			return n.Value
		}
	case *ast.CallNode:
		if name, _ := Call(n); name == "lookup" || name == "progress" || name == "rank" {
			return name
		}
	case *ast.ChainNode:
		return Lookup(n.Node)
	}
	return ""
}

// IsRecord says whether a node gives a record: a user or a row of a table.
func IsRecord(n ast.Node) bool { return Lookup(n) == "user" || Lookup(n) == "lookup" }

// IsPath says whether a node is a name or a chain of constant members of one.
func IsPath(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return true
	case *ast.ChainNode:
		return IsPath(n.Node)
	case *ast.MemberNode:
		switch n.Property.(type) {
		case *ast.StringNode, *ast.IntegerNode:
			return !n.Method && IsPath(n.Node)
		}
	}
	return false
}

// Paths are the values that a tree reads, each once: data.score, now, id. The names
// of functions do not count.
func Paths(tree ast.Node, isFunction func(name string) bool) []ast.Node {
	var found []ast.Node
	seen := map[string]bool{"data": true}
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		member, isMember := n.(*ast.MemberNode)
		isCell := isMember && IsRecord(member.Node)
		if isCell || IsPath(n) || Lookup(n) != "" {
			if text := n.String(); !seen[text] && !isFunction(text) {
				seen[text] = true
				found = append(found, n)
			}
		}
		switch {
		case isCell: // the record is shown by its cell, what it is found by is worth showing
			n = member.Node
		case IsPath(n):
			return
		}
		if let, ok := n.(*ast.VariableDeclaratorNode); ok {
			seen[let.Name] = true
		}
		for _, child := range Children(n) {
			walk(child)
		}
	}
	walk(tree)
	return found
}

// Operand is one side of an and, an or or a not. Of is that operator, empty for
// a whole expression.
type Operand struct {
	Node ast.Node
	Of   string
}

// Junction is "and", "or" or "not" if a node is one of these, whichever way it
// is written; empty if it is anything else.
func Junction(n ast.Node) string {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return "not"
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&":
			return "and"
		case "or", "||":
			return "or"
		}
	}
	return ""
}

// Operands are what a tree joins with and, or and not: the parts that are not
// junctions themselves.
func Operands(n ast.Node) []Operand { return operands(n, "") }

func operands(n ast.Node, of string) []Operand {
	junction := Junction(n)
	if junction == "" {
		return []Operand{{n, of}}
	}
	var all []Operand
	for _, child := range Children(n) {
		all = append(all, operands(child, junction)...)
	}
	return all
}
