package expression

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/parser"
)

// read parses and checks an expression; the tree's nodes then know their types.
// It returns every fault there is. What people write who come from another
// language is read as what they meant, so that the rest is checked as well.
func (s *Scope) read(text string) (ast.Node, reflect.Type, []Problem) {
	if len(text) > MaxBytes {
		return nil, nil, []Problem{{To: 1, Code: "too-long", Message: "the expression is longer than 8 KiB", Hint: "split the rule into several"}}
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil, []Problem{{To: 1, Code: "empty-expression", Message: "there is no expression here", Hint: "write one, such as data.score < 70"}}
	}
	tree, result, faults := s.check(text)
	if len(faults) > 0 {
		return nil, nil, s.asMeant(text, faults)
	}
	return tree, result, nil
}

// asMeant looks for the habits of other languages in an expression with
// faults.
func (s *Scope) asMeant(text string, faults []Problem) []Problem {
	habits, meant := s.findHabits(text)
	isSyntax := func(f Problem) bool { return f.Code == "syntax" }
	if !slices.ContainsFunc(faults, isSyntax) {
		habits = s.besideFaults(text, habits, faults)
	}
	if len(habits) == 0 {
		return faults
	}
	_, _, rest := s.check(meant.text())
	if slices.ContainsFunc(rest, isSyntax) {
		return habits // it is most likely what follows from them
	}
	for _, f := range rest {
		if f = meant.original(f); !overlaps(f, habits) {
			habits = append(habits, f)
		}
	}
	slices.SortStableFunc(habits, func(a, b Problem) int { return cmp.Compare(a.From, b.From) })
	return habits
}

// besideFaults keeps the habits of the comparisons that have a fault. The
// expression can be read, so elsewhere what looks like a habit is none.
func (s *Scope) besideFaults(text string, habits, faults []Problem) []Problem {
	tree, err := parser.ParseWithConfig(text, s.config)
	if err != nil {
		return habits
	}
	var wrong []Problem
	for _, side := range operands(tree.Node) {
		var whole Problem
		if whole.From, whole.To = extent([]rune(text), side.node); overlaps(whole, faults) {
			wrong = append(wrong, whole)
		}
	}
	return slices.DeleteFunc(habits, func(h Problem) bool { return !overlaps(h, wrong) && !overlaps(h, faults) })
}

func overlaps(f Problem, others []Problem) bool {
	return slices.ContainsFunc(others, func(o Problem) bool { return f.From < o.To && o.From < f.To })
}

// check parses and checks an expression as it stands.
func (s *Scope) check(text string) (ast.Node, reflect.Type, []Problem) {
	tree, err := parser.ParseWithConfig(text, s.config)
	if err != nil {
		return nil, nil, []Problem{s.fromExpr(text, err)}
	}
	if faults := checkBounds(text, tree.Node); len(faults) > 0 {
		return nil, nil, faults
	}
	// The library's checker stops at the first fault, and does not look at a
	// slice of something untyped at all.
	faults := s.checkNames(text, tree.Node)
	restore := largeIntegers(text, tree)
	result, err := checker.Check(tree, s.config)
	restore()
	if err != nil {
		faults = s.checkParts(text, tree, faults)
		if len(faults) == 0 {
			faults = []Problem{s.fromExpr(text, err)}
		}
	}
	if len(faults) == 0 {
		faults = append(checkMeaning(text, tree.Node), checkConstants(text, tree.Node)...)
	}
	if len(faults) > 0 {
		return nil, nil, faults
	}
	return tree.Node, result, nil
}

// checkParts checks each part of a chain of and, or and not by itself, but for
// those in which a name is wrong: nothing is known of their types.
func (s *Scope) checkParts(text string, tree *parser.Tree, names []Problem) []Problem {
	faults := names
	sides := operands(tree.Node)
	for i, side := range sides {
		if len(s.checkNames(text, side.node)) > 0 {
			continue
		}
		result, err := checker.Check(&parser.Tree{Node: side.node, Source: tree.Source}, s.config)
		switch {
		case err != nil:
			faults = append(faults, s.fromExpr(text, err))
		case side.of != "" && result != nil && result.Kind() != reflect.Bool && result.Kind() != reflect.Interface:
			f := notBoolean(text, side, word(result.String()))
			if hint := listHint(sides, i); hint != "" && side.of == "or" {
				f.Hint = hint
			}
			faults = append(faults, f)
		}
	}
	return faults
}

// operand is one side of an and, an or or a not; of is that operator, empty for a
// whole expression.
type operand struct {
	node ast.Node
	of   string
}

func operands(n ast.Node) []operand {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return orItself(operands(n.Node), n.Operator)
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&", "or", "||":
			return append(orItself(operands(n.Left), n.Operator), orItself(operands(n.Right), n.Operator)...)
		}
	}
	return []operand{{node: n}}
}

func orItself(sides []operand, operator string) []operand {
	if len(sides) == 1 && sides[0].of == "" {
		sides[0].of = operator
	}
	return sides
}

func notBoolean(text string, p operand, what string) Problem {
	from := p.node.Location().From
	f := Problem{
		From: from, To: wordEnd([]rune(text), from), Code: "not-boolean",
		Message: "one side of " + p.of + " is " + what + ", not true or false",
		Hint:    "each side of " + p.of + " must be a comparison of its own: data.score < 70 and data.passed",
	}
	if p.of == "not" || p.of == "!" {
		f.Message = p.of + " stands before " + what + ", not before true or false"
		f.Hint = "put the whole comparison into brackets: not (data.score < 70)"
	}
	if _, isText := p.node.(*ast.StringNode); isText && p.of != "not" {
		f.Hint = `name the field again, data.quizType == "graded" or data.quizType == "final", or write data.quizType in ["graded", "final"]; for a missing value write data.quizType ?? "none"`
	}
	return f
}

// behind is the sign that stands at a place.
func behind(text string, at int) string {
	if runes := []rune(text); at < len(runes) {
		return string(runes[at])
	}
	return ""
}

// wordAt is the word that starts at a place.
func wordAt(text string, at int) string {
	runes := []rune(text)
	if at >= len(runes) {
		return ""
	}
	return string(runes[at:min(wordEnd(runes, at), len(runes))])
}

// checkNames finds names, fields, functions and tables that nobody declared.
func (s *Scope) checkNames(text string, tree ast.Node) []Problem {
	faults := append(s.checkFacts(text, tree), s.checkDashes(text, tree)...)
	var walk func(n ast.Node, vars []string)
	walk = func(n ast.Node, vars []string) {
		if name, hint, ok := s.tableInstead(n, vars); ok {
			from := name.Location().From
			f := Problem{From: from, To: from + len([]rune(name.Value)), Code: "unknown-name", Message: "tables are asked by lookup", Hint: hint}
			if !overlaps(f, faults) {
				faults = append(faults, f)
			}
			return
		}
		if at, found := s.eventsCounted(n, vars); found {
			from, to := extent([]rune(text), at)
			faults = append(faults, Problem{
				From: from, To: to, Code: "unknown-name",
				Message: "heed counts no events: a rule sees one event, none that came before it", Hint: nothingInstead,
			})
			return
		}
		switch n := n.(type) {
		case *ast.IdentifierNode:
			s.usesNow = s.usesNow || n.Value == "now"
			s.usesReceivedAt = s.usesReceivedAt || n.Value == "receivedAt"
			if !slices.Contains(s.names(), n.Value) && !slices.Contains(vars, n.Value) && !slices.Contains(functionNames, n.Value) {
				f := Problem{From: n.Location().From, To: n.Location().From + len([]rune(n.Value))}
				if s.unknownName(&f, []string{"", n.Value, behind(text, f.To), wordAt(text, f.To+1)}); !overlaps(f, faults) {
					faults = append(faults, f)
				}
			}
		case *ast.MemberNode:
			if field := dataField(n); field != "" && !s.loose && !slices.Contains(s.fieldNames(), field) {
				f := Problem{From: n.Location().From, To: n.Location().From + len([]rune(field))}
				if s.unknownField(&f, []string{"", field}); !overlaps(f, faults) {
					faults = append(faults, f)
				}
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
