// Package lint finds what is suspicious in an expression that compiles: it is valid, but
// surely not meant. Each check has its own file and an entry in the list below. Rule
// files and kinds of actions call it after an expression was checked.
package lint

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression"
	"heed/engine/expression/syntax"
)

// A Check finds one kind of mistake.
type Check struct {
	// Code is the code of the problems it reports.
	Code string
	// In is the set of uses to which the check applies.
	In Use
	// Run examines one node. It is called for each node of a tree, root first.
	Run func(p *Pass, n ast.Node)
}

// A Use is what an expression is used for.
type Use uint8

// The uses: a condition decides, an address is where something is sent or who is
// mentioned, and any other value is shown.
const (
	Condition Use = 1 << iota
	Address
	Value
	anywhere = Condition | Address | Value
)

// checks lists all checks. At each place, only the first that finds something reports.
var checks = []Check{
	idleSubstitute, outerSpace, emptyChoice, wildcard, neverEqual, exactlyNow, sameSides, percentScale, roundedQuotient,
	emptyCell, progressArguments, lookupKey, notAnAddress, noZone, constantCondition,
}

// A Pass is one walk over a tree.
type Pass struct {
	Tree *expression.Tree
	Use  Use

	check    *Check
	text     []rune
	problems []expression.Problem
}

// Tree checks an expression. All problems it returns are warnings.
func Tree(t *expression.Tree, use Use) []expression.Problem {
	p := &Pass{Tree: t, Use: use, text: []rune(t.Text)}
	syntax.Walk(t.Root, func(n ast.Node) {
		for i := range checks {
			if p.check = &checks[i]; p.check.In&use != 0 {
				p.check.Run(p, n)
			}
		}
	})
	return p.problems
}

// Template checks a template and its holes. A template that is one hole may be used as an
// address.
func Template(t *expression.TemplateTree, address bool) []expression.Problem {
	problems := literalText(t)
	for _, hole := range t.Holes {
		use := Value
		if hole.Mention || address && t.IsHole() {
			use = Address
		}
		for _, p := range Tree(hole.Tree, use) {
			p.From, p.To = p.From+hole.At, p.To+hole.At
			problems = append(problems, p)
		}
	}
	return problems
}

// report adds a warning at the word, sign or text at the start of a node.
func (p *Pass) report(n ast.Node, message, hint string) {
	from := n.Location().From
	to := syntax.WordEnd(p.text, from)
	if _, isText := n.(*ast.StringNode); isText {
		to = syntax.End(p.text, from)
	}
	p.reportAt(from, to, message, hint)
}

func (p *Pass) reportAt(from, to int, message, hint string) {
	again := func(have expression.Problem) bool { return have.From == from && have.Code == p.check.Code }
	if !slices.ContainsFunc(p.problems, again) {
		p.problems = append(p.problems, expression.Problem{
			From: from, To: to, Code: p.check.Code, Message: message, Hint: hint, Warning: true,
		})
	}
}

// trimmed returns the extent of the expression without surrounding space.
func (p *Pass) trimmed() (from, to int) {
	text := string(p.text)
	from = len(p.text) - len([]rune(strings.TrimLeft(text, " \t\n")))
	return from, len([]rune(strings.TrimRight(text, " \t\n")))
}

// binary returns a check of binary operations. look returns what is suspicious in one, if
// anything.
func binary(look func(*ast.BinaryNode) (message, hint string)) Check {
	return Check{Code: "suspicious", In: Condition, Run: func(p *Pass, n ast.Node) {
		if b, ok := n.(*ast.BinaryNode); ok {
			if message, hint := look(b); message != "" {
				p.report(b, message, hint)
			}
		}
	}}
}
