package expression

import (
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

// Truth is the result of a condition.
type Truth string

// The results of a condition. A rule fires on True only. Unknown means that a
// value was missing or of another kind than declared, Failed that the
// evaluation itself went wrong.
const (
	True       Truth = "true"
	False      Truth = "false"
	Undecided  Truth = "unknown"
	Failed     Truth = "error"
	alwaysText       = "always"
)

// Condition is a compiled condition. It is safe for concurrent use.
type Condition struct {
	// Text is the condition as written.
	Text   string
	root   *clause
	run    node // root's, one step nearer
	guards []Guard
}

// clause is a condition split at and, or and not; its leaves are what people
// call the condition's parts. Deciding and explaining run the same nodes.
type clause struct {
	text     string
	op       string // "and", "or", "not"; empty for a leaf
	children []*clause
	run      node
	values   []namedNode // a leaf's: what it reads
}

type namedNode struct {
	name string
	run  node
}

// Always is the condition of a rule without one.
func Always() *Condition {
	always := constant(true)
	return &Condition{root: &clause{text: alwaysText, run: always}, run: always}
}

func (c *compiler) clause(n ast.Node) *clause {
	op := syntax.Junction(n)
	switch op {
	case "not":
		child := c.clause(n.(*ast.UnaryNode).Node)
		return &clause{
			text: n.String(), op: op, children: []*clause{child},
			run: func(f *frame) any { return not(asBool(child.run(f), child.text)) },
		}
	case "and", "or":
		b := n.(*ast.BinaryNode)
		left, right := c.clause(b.Left), c.clause(b.Right)
		return &clause{
			text: n.String(), op: op, children: append(flat(left, op), flat(right, op)...),
			run: junction(left.run, right.run, left.text, right.text, op == "or"),
		}
	}
	leaf := &clause{text: n.String(), run: c.compile(n)}
	for _, path := range syntax.Paths(n, isFunction) {
		leaf.values = append(leaf.values, namedNode{syntax.Text(path), c.compile(path)})
	}
	return leaf
}

// flat makes one level of a and b and c.
func flat(c *clause, op string) []*clause {
	if c.op == op {
		return c.children
	}
	return []*clause{c}
}

// Eval decides the condition and, when it is neither true nor false, says why. A
// rule's budget for the event starts here.
func (c *Condition) Eval(env *Env) (Truth, string) {
	env.begin()
	value := env.eval(c.run)
	if yes, ok := value.(bool); ok && !yes {
		return False, "" // what most rules make of most events
	}
	return truth(value, c.root.text)
}

func truth(value any, text string) (Truth, string) {
	switch v := asBool(value, text).(type) {
	case bool:
		if v {
			return True, ""
		}
		return False, ""
	case *Unknown:
		if v.kind == failed {
			return Failed, v.Reason()
		}
		return Undecided, v.Reason()
	}
	return Failed, "no result"
}

// Clause explains a condition or a part of it.
type Clause struct {
	// Text is the part in canonical writing: data.score < 70.
	Text   string `json:"text"`
	Result Truth  `json:"result"`
	// Reason says why Result is unknown or error.
	Reason string `json:"reason,omitempty"`
	// Values are what a leaf read from the event; nil stands for missing.
	Values map[string]any `json:"values,omitempty"`
	// Op joins the Clauses: and, or, not. Empty for a leaf.
	Op      string    `json:"op,omitempty"`
	Clauses []*Clause `json:"clauses,omitempty"`
}

// maxExplained bounds the values that an explanation shows.
const maxExplained = 2 << 10

// Explain evaluates every part of the condition, including those that the decision did
// not need.
func (c *Condition) Explain(env *Env) *Clause { return c.root.explain(env) }

func (c *clause) explain(env *Env) *Clause {
	explained := &Clause{Text: c.text, Op: c.op}
	env.begin() // so that each part is explained, whatever the others cost
	explained.Result, explained.Reason = truth(env.eval(c.run), c.text)
	for _, child := range c.children {
		explained.Clauses = append(explained.Clauses, child.explain(env))
	}
	for _, v := range c.values {
		if explained.Values == nil {
			explained.Values = map[string]any{}
		}
		value := env.eval(v.run)
		if isUnknown(value) {
			value = env.raw(v.name)
		}
		if weight(value, maxExplained) > maxExplained {
			value = describe(value) // the body is at hand for whoever wants all of it
		}
		explained.Values[v.name] = JSON(value)
	}
	return explained
}

// Deciding are the leaves that determined the result: of a false "and" the first false
// part, of a false "or" all parts, and so on.
func (c *Clause) Deciding() []*Clause {
	if len(c.Clauses) == 0 {
		return []*Clause{c}
	}
	if c.Op == "not" {
		return c.Clauses[0].Deciding()
	}
	if (c.Op == "and" && c.Result == True) || (c.Op == "or" && c.Result == False) {
		var all []*Clause
		for _, child := range c.Clauses {
			all = append(all, child.Deciding()...)
		}
		return all
	}
	for _, child := range c.Clauses {
		if child.Result == c.Result {
			return child.Deciding()
		}
	}
	return []*Clause{c}
}

// Names are the keys of Values in their order.
func (c *Clause) Names() []string { return slices.Sorted(maps.Keys(c.Values)) }

// raw is what the event holds under a direct field, for values that are there
// but not of the declared kind.
func (env *Env) raw(path string) any {
	field, ok := strings.CutPrefix(path, "data.")
	if !ok {
		return nil
	}
	return env.event.Data[field]
}
