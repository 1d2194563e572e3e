package expression

import (
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

// A Truth is the result of a condition.
type Truth string

// The results of a condition. A rule fires only on True. Unknown means that a value was
// missing or of another kind than declared; Failed means that the evaluation itself
// failed.
const (
	True       Truth = "true"
	False      Truth = "false"
	Undecided  Truth = "unknown"
	Failed     Truth = "error"
	alwaysText       = "always"
)

// A Condition is a compiled condition. It is safe for concurrent use.
type Condition struct {
	// Text is the condition as written.
	Text   string
	root   *clause
	run    node // the same as root.run, but one pointer closer
	guards []Guard
}

// A clause is a node of a condition split at and, or and not. Its leaves are the parts
// that people see. Deciding and explaining run the same nodes.
type clause struct {
	text     string
	op       string // "and", "or", "not"; empty for a leaf
	children []*clause
	run      node
	values   []namedNode // for a leaf: what it reads
}

type namedNode struct {
	name string
	run  node
}

// Always returns the condition of a rule that has none.
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

// flat flattens a and b and c into one level.
func flat(c *clause, op string) []*clause {
	if c.op == op {
		return c.children
	}
	return []*clause{c}
}

// Eval decides the condition and, if it is neither true nor false, returns the reason. It
// resets the rule's budget for the event.
func (c *Condition) Eval(env *Env) (Truth, string) {
	env.begin()
	value := env.eval(c.run)
	if yes, ok := value.(bool); ok && !yes {
		return False, "" // the most common outcome
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

// A Clause explains a condition or a part of it.
type Clause struct {
	// Text is the part in canonical form: data.score < 70.
	Text   string `json:"text"`
	Result Truth  `json:"result"`
	// Reason says why Result is unknown or error.
	Reason string `json:"reason,omitempty"`
	// Values are the values that a leaf read from the event; nil means missing.
	Values map[string]any `json:"values,omitempty"`
	// Op joins the Clauses: and, or, not. It is empty for a leaf.
	Op      string    `json:"op,omitempty"`
	Clauses []*Clause `json:"clauses,omitempty"`
}

// maxExplained limits the size of the values that an explanation shows.
const maxExplained = 2 << 10

// Explain evaluates every part of the condition, including parts the decision did not
// need.
func (c *Condition) Explain(env *Env) *Clause { return c.root.explain(env) }

func (c *clause) explain(env *Env) *Clause {
	explained := &Clause{Text: c.text, Op: c.op}
	env.begin() // each part gets its own budget, so that all are explained
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
			value = describe(value) // the full value is in the body of the event
		}
		explained.Values[v.name] = JSON(value)
	}
	return explained
}

// Deciding returns the leaves that determined the result: the first false part of a false
// "and", all parts of a false "or", and so on.
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

// Names returns the keys of Values, sorted.
func (c *Clause) Names() []string { return slices.Sorted(maps.Keys(c.Values)) }

// raw returns what the event holds in a direct field, for values that are present but not
// of the declared kind.
func (env *Env) raw(path string) any {
	field, ok := strings.CutPrefix(path, "data.")
	if !ok {
		return nil
	}
	return env.event.Data[field]
}
