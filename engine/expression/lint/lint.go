// Package lint finds what is suspicious in an expression that compiles: it is
// sound, but surely not meant. Each check has a file of its own and a line in
// the list below. Rule files and kinds of actions call it once an expression
// was checked.
package lint

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression"
	"heed/engine/expression/syntax"
)

// Check is one suspicion.
type Check struct {
	// Code is that of the problems it reports.
	Code string
	// In says which expressions it is for.
	In Use
	// Run looks at one node. It is called for each node of a tree, the root
	// first.
	Run func(p *Pass, n ast.Node)
}

// Use is what an expression is for.
type Use uint8

// The uses: a condition decides, an address is where something is sent or who is
// mentioned, any other value is shown.
const (
	Condition Use = 1 << iota
	Address
	Value
	anywhere = Condition | Address | Value
)

// checks are all checks. At one place, the first that finds something reports.
var checks = []Check{
	idleSubstitute, outerSpace, emptyChoice, wildcard, neverEqual, exactlyNow, sameSides, percentScale, roundedQuotient,
	emptyCell, progressArguments, lookupKey, notAnAddress, noZone, constantCondition,
}

// Pass is one walk over a tree.
type Pass struct {
	Tree *expression.Tree
	Use  Use

	check    *Check
	text     []rune
	problems []expression.Problem
}

// Tree looks at an expression. What it finds are warnings.
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

// Template looks at a template and its holes. A template that is one hole may be
// meant as an address.
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

// report warns of a node: of the word, sign or text that starts there.
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

// trimmed is where the expression stands, without the space around it.
func (p *Pass) trimmed() (from, to int) {
	text := string(p.text)
	from = len(p.text) - len([]rune(strings.TrimLeft(text, " \t\n")))
	return from, len([]rune(strings.TrimRight(text, " \t\n")))
}

// binary is a check of operations: look says what is suspicious in one, if
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
