package expression

import (
	"fmt"
	"regexp"
	"runtime"

	"github.com/expr-lang/expr/ast"

	"heed/engine/event"
	"heed/engine/expression/syntax"
)

// A node is a compiled part of an expression. It returns the part's value, or an *Unknown
// if it has none.
type node func(*frame) any

// A frame is the state of one evaluation.
type frame struct {
	env   *Env
	item  any // the element that a predicate examines
	index int
	vars  []any
	// budget is the work the rule may still do: one unit for each element it examines and
	// each byte it builds. Limits at load time keep rules small; the budget keeps a small
	// rule from being slow on a large event.
	budget int
	// lastPattern is the pattern most recently compiled for this event.
	lastPattern *regexp.Regexp
	lastCost    int
}

// budget is chosen so that any rule on an event of 1 MiB ends within 100 ms and 64 MiB.
const budget = 4 << 20

var tooMuchWork = failedf("the rule needs more work on this event than a rule may do")

// outOfBudget is the panic value that ends an evaluation which costs too much.
type outOfBudget struct{}

func (f *frame) spend(n int) {
	if f.budget -= n; f.budget < 0 {
		panic(outOfBudget{})
	}
}

// eval runs a node. It turns a panic into the reason why there is no value, so that
// neither an event nor a rule can stop the engine.
func (env *Env) eval(n node) (value any) {
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case outOfBudget:
			value = tooMuchWork
		case runtime.Error: // library functions assert types that unchecked data may not have
			value = badf("a function was given a value of a kind that it does not take")
		default:
			value = failedf("the evaluation broke: %s", clip(fmt.Sprint(cause)))
		}
	}()
	return n(&env.frame)
}

// A compiler turns a checked tree into nodes.
type compiler struct {
	vars []string
}

func constant(value any) node { return func(*frame) any { return value } }

func (c *compiler) compile(n ast.Node) node {
	if value, ok := syntax.Literal(n); ok {
		return constant(value)
	}
	switch n := n.(type) {
	case *ast.NilNode:
		return constant(missingf("nil is not a value"))
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ChainNode:
		return c.compile(n.Node)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.CallNode:
		return c.call(n)
	case *ast.BuiltinNode:
		return c.builtin(n)
	case *ast.PredicateNode:
		return c.compile(n.Node)
	case *ast.PointerNode:
		return pointer(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.VariableDeclaratorNode:
		return c.variable(n)
	case *ast.SequenceNode:
		return c.compile(n.Nodes[len(n.Nodes)-1]) // the others have no effect
	case *ast.ArrayNode:
		return c.list(n, false)
	case *ast.MapNode:
		return c.object(n)
	default:
		return constant(failedf("%T is not supported", n))
	}
}

func (c *compiler) identifier(n *ast.IdentifierNode) node {
	for slot := len(c.vars) - 1; slot >= 0; slot-- {
		if c.vars[slot] == n.Value {
			return func(f *frame) any { return f.vars[slot] }
		}
	}
	switch n.Value {
	case "event":
		return func(f *frame) any { return f.env.event.Type }
	case "id":
		return func(f *frame) any { return f.env.event.ID }
	case "source":
		return func(f *frame) any { return f.env.event.Source }
	case "companyId":
		none := missingf("companyId is missing")
		return func(f *frame) any {
			if f.env.event.CompanyID == "" {
				return none
			}
			return f.env.event.CompanyID
		}
	case "receivedAt":
		return func(f *frame) any { return f.env.event.ReceivedAt }
	case "now":
		return func(f *frame) any { return f.env.now }
	case "user":
		return user()
	case "data":
		return func(f *frame) any { return f.env.data }
	default:
		return named(n.Value)
	}
}

func (c *compiler) all(nodes []ast.Node) []node {
	compiled := make([]node, len(nodes))
	for i, n := range nodes {
		compiled[i] = c.compile(n)
	}
	return compiled
}

func (c *compiler) conditional(n *ast.ConditionalNode) node {
	condition, yes, no := c.compile(n.Cond), c.compile(n.Exp1), c.compile(n.Exp2)
	text := n.Cond.String()
	return func(f *frame) any {
		switch truth := asBool(condition(f), text).(type) {
		case bool:
			if truth {
				return yes(f)
			}
			return no(f)
		default:
			return truth
		}
	}
}

func (c *compiler) variable(n *ast.VariableDeclaratorNode) node {
	value := c.compile(n.Value)
	c.vars = append(c.vars, n.Name)
	slot := len(c.vars) - 1
	body := c.compile(n.Expr)
	c.vars = c.vars[:slot]
	return func(f *frame) any {
		f.vars = append(f.vars[:slot:slot], value(f))
		result := body(f)
		f.vars = f.vars[:slot]
		return result
	}
}

// list compiles a list. Unknown elements make the list unknown, unless open is set: they
// are then kept, so that "in" can still find a known one.
func (c *compiler) list(n *ast.ArrayNode, open bool) node {
	if values, ok := syntax.Literals(n.Nodes); ok {
		return constant(values)
	}
	elements := c.all(n.Nodes)
	return func(f *frame) any {
		f.spend(4 + len(elements))
		list := make([]any, len(elements))
		for i, element := range elements {
			list[i] = element(f)
			if u, ok := list[i].(*Unknown); ok && (!open || u.kind == failed) {
				return u
			}
		}
		return list
	}
}

func (c *compiler) object(n *ast.MapNode) node {
	keys, values := make([]node, len(n.Pairs)), make([]node, len(n.Pairs))
	for i, pair := range n.Pairs {
		keys[i], values[i] = c.compile(pair.(*ast.PairNode).Key), c.compile(pair.(*ast.PairNode).Value)
	}
	return func(f *frame) any {
		f.spend(48 + 8*len(keys))
		object := make(map[string]any, len(keys))
		for i := range keys {
			key, value := keys[i](f), values[i](f)
			if u, ok := firstUnknown(key, value); ok {
				return u
			}
			object[Text(key)] = value
		}
		return object
	}
}

func pointer(n *ast.PointerNode) node {
	if n.Name == "index" {
		return func(f *frame) any { return f.index }
	}
	none := missingf("an element of the list is null")
	return func(f *frame) any {
		if f.item == nil {
			return none
		}
		if number, ok := f.item.(event.BadNumber); ok {
			return badf("an element of the list is %s", described{number})
		}
		return f.item
	}
}

func isUnknown(value any) bool {
	_, ok := value.(*Unknown)
	return ok
}

func firstUnknown(values ...any) (*Unknown, bool) {
	for _, value := range values {
		if u, ok := value.(*Unknown); ok {
			return u, true
		}
	}
	return nil, false
}

// asBool returns a value as an operand of and, or, not: true, false or unknown.
func asBool(value any, text string) any {
	switch v := value.(type) {
	case bool, *Unknown:
		return v
	default:
		return badf("%s is %s, not true or false", text, described{value})
	}
}
