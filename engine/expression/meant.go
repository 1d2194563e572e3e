package expression

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// A hint is worth most when it can be copied: it is made of the fields, tables
// and texts that stand where the fault is.

// binaryAt is the operation whose sign stands at a place, all of it if it is one
// of several ors, and the one that it is a side of, if any.
func (s *Scope) binaryAt(text string, from int) (found, above *ast.BinaryNode) {
	tree, err := parser.ParseWithConfig(text, s.config)
	if err != nil {
		return nil, nil
	}
	var walk func(n ast.Node, over, parent *ast.BinaryNode)
	walk = func(n ast.Node, over, parent *ast.BinaryNode) {
		b, isBinary := n.(*ast.BinaryNode)
		if isBinary && !(isOr(b) && isOr(parent)) {
			over, parent = parent, b
		}
		if isBinary && b.Location().From == from && found == nil {
			found, above = parent, over
		}
		for _, child := range children(n) {
			walk(child, over, parent)
		}
	}
	walk(tree.Node, nil, nil)
	return found, above
}

func isOr(b *ast.BinaryNode) bool { return b != nil && (b.Operator == "or" || b.Operator == "||") }

// sidesHint is what to write instead of an operation between kinds that it is
// not for; empty if that cannot be said.
func (s *Scope) sidesHint(text string, f *Problem) string {
	b, above := s.binaryAt(text, f.From)
	if b == nil || b.Operator == "in" {
		return ""
	}
	if values := alternatives(b); len(values) > 1 && above != nil && (above.Operator == "==" || above.Operator == "!=") && above.Right == b {
		return "write " + inList(above, values)
	}
	for _, sides := range [][2]ast.Node{{b.Left, b.Right}, {b.Right, b.Left}} {
		path := pathText(sides[0])
		word, isText := sides[1].(*ast.StringNode)
		switch {
		case isCell(sides[0]) && strings.Contains(f.Message, "true or false"):
			return "a cell is a text: write " + path + ` == "yes", or whatever stands in the table`
		case isCell(sides[0]) && !isText:
			return "a cell is a text: write float(" + path + ")"
		case !isText || !isPath(sides[0]):
		case plainNumber.MatchString(word.Value) && strings.Contains(f.Message, "a number"):
			return fmt.Sprintf("numbers stand without quotes: write %s %s %s", pathText(b.Left), b.Operator, strings.Trim(pathText(b.Right), `"`))
		case !strings.Contains(f.Message, "true or false"):
		case b.Operator == "==" && slices.Contains(yeses, strings.ToLower(word.Value)):
			return "true and false stand without quotes: write " + path
		case b.Operator == "==" && slices.Contains(noes, strings.ToLower(word.Value)):
			return "true and false stand without quotes: write not " + path
		default:
			return fmt.Sprintf("true and false stand without quotes: write %s for true, not %[1]s for false", path)
		}
	}
	return ""
}

// moduloHint is how the rest of a division is written between numbers that may
// have decimals; empty if the fault is another.
func (s *Scope) moduloHint(text string, f *Problem) string {
	b, _ := s.binaryAt(text, f.From)
	if b == nil || b.Operator != "%" || !strings.HasPrefix(f.Message, "% is for whole numbers") {
		return ""
	}
	whole := func(n ast.Node) string {
		if _, isInteger := n.(*ast.IntegerNode); isInteger {
			return n.String()
		}
		return "int(" + pathText(n) + ")"
	}
	return "write " + whole(b.Left) + " % " + whole(b.Right)
}

var (
	yeses       = []string{"yes", "true", "ja", "y", "1", "on", "wahr"}
	noes        = []string{"no", "false", "nein", "n", "0", "off", "falsch"}
	plainNumber = regexp.MustCompile(`^-?\d+(\.\d+)?$`)
)

// isCell says whether a node is a cell of a table, which is always a text.
func isCell(n ast.Node) bool {
	if chain, ok := n.(*ast.ChainNode); ok {
		return isCell(chain.Node)
	}
	member, ok := n.(*ast.MemberNode)
	return ok && asks(member.Node) == "lookup"
}

// alternatives are the texts that an or joins; none if it joins anything else.
func alternatives(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.StringNode:
		return []string{n.Value}
	case *ast.BinaryNode:
		left, right := alternatives(n.Left), alternatives(n.Right)
		if isOr(n) && left != nil && right != nil {
			return append(left, right...)
		}
	}
	return nil
}

// inList is a comparison with several texts.
func inList(b *ast.BinaryNode, values []string) string {
	quotes := make([]string, len(values))
	for i, value := range values {
		quotes[i] = quoted(value)
	}
	in := " in ["
	if b.Operator == "!=" {
		in = " not in ["
	}
	return pathText(b.Left) + in + strings.Join(quotes, ", ") + "]"
}

// listHint is what to write instead of field == "a" or "b": the place of the
// text among the operands says of which field it is another value.
func listHint(sides []operand, at int) string {
	var values []string
	for i := at; i >= 0; i-- {
		if text, ok := sides[i].node.(*ast.StringNode); ok && sides[i].of == "or" {
			values = append(values, text.Value)
			continue
		}
		b, ok := sides[i].node.(*ast.BinaryNode)
		if !ok || b.Operator != "==" {
			return ""
		}
		first, ok := b.Right.(*ast.StringNode)
		if !ok || !isPath(b.Left) {
			return ""
		}
		values = append(values, first.Value)
		slices.Reverse(values)
		for _, side := range sides[at+1:] {
			if text, ok := side.node.(*ast.StringNode); ok && side.of == "or" {
				values = append(values, text.Value)
			}
		}
		return "write " + inList(b, values)
	}
	return ""
}

// tableInstead finds a table that is read like a list or an object:
// managers[data.userId], lookups.managers[data.userId].email. It gives the
// name that stands first, and what to write.
func (s *Scope) tableInstead(n ast.Node, vars []string) (name *ast.IdentifierNode, hint string, ok bool) {
	name, behind := chainOf(n)
	if name == nil || slices.Contains(vars, name.Value) || slices.Contains(s.names(), name.Value) {
		return nil, "", false
	}
	table := name.Value
	if first, isText := firstText(behind); isText && slices.Contains([]string{"lookups", "lookup", "tables"}, table) {
		table, behind = first, behind[1:]
	}
	of, known := s.tables[table]
	if !known {
		return nil, "", false
	}
	key, column := "data.userId", ""
	for _, property := range behind {
		if text, isText := property.(*ast.StringNode); !isText {
			key = pathText(property)
		} else if of.Columns == nil || slices.Contains(of.Columns, text.Value) {
			column = text.Value
		}
	}
	return name, "write " + s.cell(table, key, column), true
}

func firstText(nodes []ast.Node) (string, bool) {
	if len(nodes) == 0 {
		return "", false
	}
	text, ok := nodes[0].(*ast.StringNode)
	if !ok {
		return "", false
	}
	return text.Value, true
}

// chainOf takes a.b[c] apart: the name a, and what stands behind it.
func chainOf(n ast.Node) (*ast.IdentifierNode, []ast.Node) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n, nil
	case *ast.ChainNode:
		return chainOf(n.Node)
	case *ast.MemberNode:
		name, behind := chainOf(n.Node)
		return name, append(behind, n.Property)
	case *ast.CallNode: // managers(data.userId)
		if name, ok := n.Callee.(*ast.IdentifierNode); ok && len(n.Arguments) == 1 && !slices.Contains(functionNames, name.Value) {
			return name, n.Arguments
		}
	}
	return nil, nil
}
