package expression

import (
	"cmp"
	"math"
	"strings"
	"time"
	"unique"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

func (c *compiler) unary(n *ast.UnaryNode) node {
	operand := c.compile(n.Node)
	text := n.Node.String()
	if n.Operator == "not" || n.Operator == "!" {
		return func(f *frame) any { return not(asBool(operand(f), text)) }
	}
	negative := n.Operator == "-"
	return func(f *frame) any {
		switch v := operand(f).(type) {
		case *Unknown:
			return v
		case int:
			if negative && v == math.MinInt {
				return -float64(v)
			}
			if negative {
				return -v
			}
			return v
		case float64:
			if negative {
				return -v
			}
			return v
		default:
			return badf("%s is %s, not a number", text, described{v})
		}
	}
}

func not(value any) any {
	if truth, ok := value.(bool); ok {
		return !truth
	}
	return value
}

func (c *compiler) binary(n *ast.BinaryNode) node {
	switch n.Operator {
	case "and", "&&":
		return c.junction(n, false)
	case "or", "||":
		return c.junction(n, true)
	case "==", "!=":
		return c.equality(n)
	case "??":
		left, right := c.compile(n.Left), c.compile(n.Right)
		return func(f *frame) any {
			value := left(f)
			if u, ok := value.(*Unknown); ok && u.kind == missing {
				return right(f)
			}
			return value
		}
	case "in":
		return c.in(n)
	case "matches":
		return c.matches(n)
	}
	operate, text := operation(n.Operator), n.String()
	if field, value, ok := fieldAndLiteral(n); ok {
		return fieldOperation(field, value, operate, text)
	}
	left, right := c.compile(n.Left), c.compile(n.Right)
	return func(f *frame) any {
		a, b := left(f), right(f)
		if u, ok := a.(*Unknown); ok {
			return u
		}
		if u, ok := b.(*Unknown); ok {
			return u
		}
		result := operate(f, a, b)
		if result == nil {
			return badf("%s cannot be worked out between %s and %s", text, described{a}, described{b})
		}
		return result
	}
}

// fieldAndLiteral splits a node such as data.score < 70 into field and literal.
func fieldAndLiteral(n *ast.BinaryNode) (field string, value any, ok bool) {
	field = syntax.Field(n.Left)
	value, ok = syntax.Literal(n.Right)
	return unique.Make(field).Value(), value, ok && field != ""
}

// fieldOperation compiles an operation on a field and a literal. Most conditions consist
// of these, so they take one step instead of three: with thousands of rules, each step
// may be a cache miss.
func fieldOperation(field string, literal any, operate func(f *frame, a, b any) any, text string) node {
	none := missingf("data.%s is missing", field)
	return func(f *frame) any {
		value := f.env.data[field]
		if value == nil {
			return none
		}
		if u, ok := value.(*Unknown); ok {
			return u
		}
		result := operate(f, value, literal)
		if result == nil {
			return badf("%s cannot be worked out between %s and %s", text, described{value}, described{literal})
		}
		return result
	}
}

// junction compiles Kleene's "and" (decided by false) or "or" (decided by true): if one
// side is unknown, the other can still decide. Evaluation stops after a left side that
// failed or that decides.
func (c *compiler) junction(n *ast.BinaryNode, decisive bool) node {
	return junction(c.compile(n.Left), c.compile(n.Right), n.Left.String(), n.Right.String(), decisive)
}

func junction(left, right node, leftText, rightText string, decisive bool) node {
	return func(f *frame) any {
		a := asBool(left(f), leftText)
		if a == decisive {
			return decisive
		}
		if u, ok := a.(*Unknown); ok && u.kind == failed {
			return u
		}
		b := asBool(right(f), rightText)
		if u, ok := b.(*Unknown); b == decisive || (ok && u.kind == failed) {
			return b
		}
		if isUnknown(a) {
			return a
		}
		return b
	}
}

// equality compiles == and !=. Comparing with nil asks whether there is a value; any
// other comparison with a missing value is unknown.
func (c *compiler) equality(n *ast.BinaryNode) node {
	want := n.Operator == "=="
	left, right, text := c.compile(n.Left), c.compile(n.Right), n.String()
	if syntax.IsNil(n.Right) || syntax.IsNil(n.Left) {
		operand := left
		if syntax.IsNil(n.Left) {
			operand = right
		}
		return func(f *frame) any {
			u, unknown := operand(f).(*Unknown)
			if unknown && (u.kind == failed || u.kind == unasked) {
				return u
			}
			return (unknown && u.kind == missing) == want
		}
	}
	compare := equalTo(want, text)
	if field, value, ok := fieldAndLiteral(n); ok {
		return fieldOperation(field, value, compare, text)
	}
	return func(f *frame) any {
		a, b := left(f), right(f)
		if u, ok := a.(*Unknown); ok {
			return u
		}
		if u, ok := b.(*Unknown); ok {
			return u
		}
		return compare(f, a, b)
	}
}

func equalTo(want bool, text string) func(f *frame, a, b any) any {
	return func(f *frame, a, b any) any {
		result := compareValues(f, a, b)
		if result == notComparable {
			return badf("%s compares %s", text, clash{a, b})
		}
		return (result == equal) == want
	}
}

func inOrder(a, b any) int {
	order, _ := compareNumbers(a, b)
	return order
}

// compareNumbers compares ints and floats exactly, even beyond 2^53.
func compareNumbers(a, b any) (int, bool) {
	switch a := a.(type) {
	case int:
		switch b := b.(type) {
		case int:
			return cmp.Compare(a, b), true
		case float64:
			return compareIntFloat(a, b), true
		}
	case float64:
		switch b := b.(type) {
		case int:
			return -compareIntFloat(b, a), true
		case float64:
			return cmp.Compare(a, b), true
		}
	}
	return 0, false
}

func compareIntFloat(i int, f float64) int {
	switch {
	case i > -exactFloat && i < exactFloat:
		return cmp.Compare(float64(i), f)
	case f >= math.MaxInt64:
		return -1
	case f < math.MinInt64:
		return 1
	default: // beyond 2^53 a float is whole
		return cmp.Compare(i, int(f))
	}
}

// order compares two values of an ordered kind: numbers, texts, times and durations.
func order(a, b any) (int, bool) {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return strings.Compare(a, b), ok
	case time.Time:
		b, ok := b.(time.Time)
		return a.Compare(b), ok
	case time.Duration:
		b, ok := b.(time.Duration)
		return cmp.Compare(a, b), ok
	default:
		return compareNumbers(a, b)
	}
}

// costOfOrder returns the cost of comparing two values: long texts may share a long
// prefix.
func costOfOrder(a, b any) int {
	s, ok1 := a.(string)
	t, ok2 := b.(string)
	if !ok1 || !ok2 {
		return 0
	}
	return min(len(s), len(t)) / 16
}

// operation returns the function for a binary operator on two known values. The function
// returns nil if the operator does not accept values of these kinds.
func operation(operator string) func(f *frame, a, b any) any {
	if operate, ok := operations[operator]; ok {
		return operate
	}
	return func(*frame, any, any) any { return failedf("the operator %s is not supported", operator) }
}

var operations = map[string]func(f *frame, a, b any) any{
	"<":          compare(func(o int) bool { return o < 0 }),
	"<=":         compare(func(o int) bool { return o <= 0 }),
	">":          compare(func(o int) bool { return o > 0 }),
	">=":         compare(func(o int) bool { return o >= 0 }),
	"contains":   texts(strings.Contains),
	"startsWith": texts(strings.HasPrefix),
	"endsWith":   texts(strings.HasSuffix),
	"+":          add,
	"-":          subtract,
	"*":          multiply,
	"/":          divide,
	"%":          modulo,
	"**":         power,
	"^":          power,
	"..":         span,
}

func compare(holds func(order int) bool) func(*frame, any, any) any {
	return func(f *frame, a, b any) any {
		f.spend(costOfOrder(a, b))
		if o, ok := order(a, b); ok {
			return holds(o)
		}
		return nil
	}
}

func texts(holds func(s, part string) bool) func(*frame, any, any) any {
	return func(f *frame, a, b any) any {
		s, ok1 := a.(string)
		part, ok2 := b.(string)
		if !ok1 || !ok2 {
			return nil
		}
		f.spend(len(s))
		return holds(s, part)
	}
}

// in compiles in, which finds a value in a list or a key in an object. An unknown element
// makes the result unknown, unless the value is found among the others.
func (c *compiler) in(n *ast.BinaryNode) node {
	left, right, text := c.compile(n.Left), c.compile(n.Right), n.String()
	if list, ok := n.Right.(*ast.ArrayNode); ok {
		right = c.list(list, true)
	}
	return func(f *frame) any {
		needle, haystack := left(f), right(f)
		if u, ok := firstUnknown(needle, haystack); ok {
			return u
		}
		switch haystack := haystack.(type) {
		case map[string]any:
			key, ok := needle.(string)
			if !ok {
				return badf("%s looks for %s among keys", text, described{needle})
			}
			_, has := haystack[key]
			return has
		case []any:
			f.spend(len(haystack))
			var unsure *Unknown
			for _, element := range haystack {
				if u, ok := element.(*Unknown); ok {
					unsure = u
					continue
				}
				switch result := compareValues(f, needle, element); {
				case result == equal:
					return true
				case result == notComparable && unsure == nil:
					unsure = badf("%s compares %s", text, clash{needle, element})
				}
			}
			if unsure != nil {
				return unsure
			}
			return false
		default:
			return badf("%s looks into %s", text, described{haystack})
		}
	}
}
