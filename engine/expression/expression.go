// Package expression owns the expression language of the rules: conditions,
// templates and keys. The grammar and the type check are expr's. The evaluation is
// heed's own, because a missing value is neither false nor an error here but unknown,
// and because every result must be explainable. There is one evaluator: the same code
// decides an event and explains the decision.
//
// The text of an expression passes these stages, each in its own files:
//
//	parse     parse.go; foreign.go if that fails
//	resolve   resolve.go, lookupcheck.go: names, fields, functions, tables
//	check     typecheck.go, constant.go: kinds, and what is wrong for any event
//	lint      package lint, on the Tree that Check gives
//	compile   compile.go and the files of the kinds of nodes
//	evaluate  condition.go, value.go, template.go
//
// The engine, the rule file and the kinds of actions import it; it knows only
// the event.
package expression

import (
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"heed/engine/expression/syntax"
)

// A Problem is one mistake in an expression or template. From and To count the characters
// of its text from 0.
type Problem struct {
	From, To int
	Code     string
	Message  string
	Hint     string
	// Warning reports whether the expression can be used nevertheless.
	Warning bool
}

// shift moves problems by the position of the expression in a larger text.
func shift(problems []Problem, by int) []Problem {
	for i := range problems {
		problems[i].From += by
		problems[i].To += by
	}
	return problems
}

// at returns the problem placed at a node.
func (p Problem) at(text []rune, n ast.Node) Problem {
	p.From = n.Location().From
	p.To = syntax.WordEnd(text, p.From)
	if _, isText := n.(*ast.StringNode); isText {
		p.To = syntax.End(text, p.From)
	}
	return p
}

// A Tree is an expression without errors: it is parsed, its names are known and its kinds
// fit.
type Tree struct {
	// Text is the expression as written. Root is its tree, whose nodes know their types.
	Text string
	Root ast.Node
	// Scope is the scope it was checked against.
	Scope *Scope

	kind string // the kind of its value, in words; empty if it may be anything
}

// Check parses an expression of any kind and checks it. It returns every problem; the
// tree is nil if there is an error.
func (s *Scope) Check(text string) (*Tree, []Problem) {
	if p, wrong := checkText(text); wrong {
		return nil, []Problem{p}
	}
	tree, p := s.parse(text)
	if p != nil {
		return nil, s.explainSyntax(text, *p)
	}
	return s.analyse(text, tree)
}

// analyse is Check after parsing.
func (s *Scope) analyse(text string, parsed *parser.Tree) (*Tree, []Problem) {
	if problems := checkBounds(text, parsed.Node); len(problems) > 0 {
		return nil, problems
	}
	unresolved := withoutHalves(text, s.resolve(text, parsed.Node))
	kind, problems := s.checkTypes(text, parsed)
	if problems = append(unresolved, problems...); len(problems) == 0 {
		problems = append(checkSequences(text, parsed.Node), checkConstants(text, parsed.Node)...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return &Tree{Text: text, Root: parsed.Node, Scope: s, kind: kind}, nil
}

// withoutHalves drops problems at fields that are only the first half of a name with a
// dash, such as data.first-name. The problem at the other half says what to write.
func withoutHalves(text string, problems []Problem) []Problem {
	runes := []rune(text)
	return slices.DeleteFunc(problems, func(half Problem) bool {
		return half.Code == "unknown-field" && slices.ContainsFunc(problems, func(p Problem) bool {
			return p.Code == "unknown-name" && p.From == half.To+1 && runes[half.To] == '-'
		})
	})
}

// CheckCondition is like Check, for an expression that must give true or false.
func (s *Scope) CheckCondition(text string) (*Tree, []Problem) {
	tree, problems := s.Check(text)
	if tree == nil {
		return nil, problems
	}
	if problems := checkSubstitutes(text, tree.Root); len(problems) > 0 {
		return nil, problems
	}
	if tree.kind == "" || tree.kind == "true or false" {
		return tree, nil
	}
	p := Problem{
		To: len([]rune(text)), Code: "not-boolean",
		Message: "the condition gives " + tree.kind + ", not true or false",
		Hint:    "compare it with something, as in data.score < 70",
	}
	if field := syntax.Field(tree.Root); field != "" {
		p.Hint = "compare it: data." + field + " == …, or data." + field + " != nil for any value"
	}
	return nil, []Problem{p}
}

// Kind returns what is known of a node's kind, in words, or "" if it may be anything. The
// kind of a ?? is that of its sides, if they agree.
func Kind(n ast.Node) string {
	if b, ok := n.(*ast.BinaryNode); ok && b.Operator == "??" {
		if left, right := Kind(b.Left), Kind(b.Right); left == right {
			return left
		}
		return ""
	}
	t := n.Type()
	if t == nil || t.Kind() == reflect.Interface {
		return ""
	}
	return word(t.String())
}

// Condition compiles a tree returned by CheckCondition.
func (t *Tree) Condition() *Condition {
	c := &compiler{}
	root := c.clause(t.Root)
	return &Condition{Text: strings.TrimSpace(t.Text), root: root, run: root.run, guards: t.Scope.guards(t.Root)}
}

// Value compiles a tree.
func (t *Tree) Value() *Value {
	value := t.Part(t.Root)
	value.kind = t.kind
	return value
}

// Part compiles a part of the tree that uses no variable of the rest.
func (t *Tree) Part(n ast.Node) *Value {
	c := &compiler{}
	return &Value{Text: strings.TrimSpace(t.Text), field: syntax.Field(n), run: c.compile(n)}
}

// Condition checks and compiles a condition. It returns nil if there are errors.
func (s *Scope) Condition(text string) (*Condition, []Problem) {
	tree, problems := s.CheckCondition(text)
	if tree == nil {
		return nil, problems
	}
	return tree.Condition(), nil
}

// HasErrors reports whether a problem is more than a warning.
func HasErrors(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
}
