package expression

import (
	"fmt"
	"reflect"
	"regexp"
	pattern "regexp/syntax"
	"time"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

// call compiles a call of one of heed's own functions. Library functions are builtin
// nodes.
func (c *compiler) call(n *ast.CallNode) node {
	arguments := c.all(n.Arguments)
	if name := syntax.Lookup(n); name != "" {
		return asking(name, arguments)
	}
	if name, ok := n.Callee.(*ast.IdentifierNode); ok {
		return callFunction(name.Value, arguments)
	}
	return constant(failedf("%s is not a function", n.Callee.String()))
}

// refuse recovers from a panic of a function that asserts a type which unchecked data may
// not have, and turns it into the reason why there is no result.
func refuse(name string, result *any) {
	switch cause := recover().(type) {
	case nil:
	case outOfBudget:
		panic(cause)
	default:
		*result = badf("%s does not take such a value", name)
	}
}

// patternCost estimates the size of a pattern's program, where nested repetitions
// multiply. It uses only the syntax, so nothing is compiled.
func patternCost(text string) int {
	tree, err := pattern.Parse(text, pattern.Perl)
	if err != nil {
		return len(text)
	}
	return expanded(tree)
}

// expanded returns roughly how many steps the program of a pattern has, up to
// tooManySteps.
func expanded(tree *pattern.Regexp) int {
	total := 1 + len(tree.Rune)/4
	for _, part := range tree.Sub {
		total += expanded(part)
	}
	if tree.Op == pattern.OpRepeat {
		total *= max(tree.Min, tree.Max, 1)
	}
	return min(total, tooManySteps)
}

// Limits on a pattern that comes from an event: its length, its steps, and the cost of
// reading one and of building a step.
const (
	maxPattern   = 1000
	maxSteps     = 2000
	tooManySteps = 1 << 20
	costOfParse  = 500
	costOfStep   = 16
)

// normal converts what Go functions return into the few types that values have.
func normal(value any) any {
	switch v := value.(type) {
	case nil:
		return nil
	case bool, int, float64, string, time.Time, time.Duration, []any, map[string]any, *time.Location, *Unknown:
		return v
	case []string:
		list := make([]any, len(v))
		for i := range v {
			list[i] = v[i]
		}
		return list
	}
	switch r := reflect.ValueOf(value); {
	case r.CanInt():
		return int(r.Int())
	case r.CanUint():
		return int(r.Uint())
	case r.CanFloat():
		return r.Float()
	case r.Kind() == reflect.Slice:
		list := make([]any, r.Len())
		for i := range list {
			list[i] = normal(r.Index(i).Interface())
		}
		return list
	case r.Kind() == reflect.Map:
		object := make(map[string]any, r.Len())
		for _, key := range r.MapKeys() {
			object[fmt.Sprint(key.Interface())] = normal(r.MapIndex(key).Interface())
		}
		return object
	case r.Kind() == reflect.String:
		return r.String()
	}
	return fmt.Sprint(value)
}

func (c *compiler) matches(n *ast.BinaryNode) node {
	left, right := c.compile(n.Left), c.compile(n.Right)
	var fixed *regexp.Regexp
	if pattern, ok := n.Right.(*ast.StringNode); ok {
		re, err := regexp.Compile(pattern.Value)
		if err != nil { // where the library's checker does not look
			return constant(failedf("the pattern in %s is not a regular expression: %v", n.String(), err))
		}
		fixed = re
	}
	text, fixedCost := n.String(), 0
	if fixed != nil {
		fixedCost = patternCost(fixed.String())
	}
	return func(f *frame) any {
		value, pattern := left(f), right(f)
		if u, ok := firstUnknown(value, pattern); ok {
			return u
		}
		s, ok1 := value.(string)
		p, ok2 := pattern.(string)
		if !ok1 || !ok2 {
			return badf("%s compares %s with %s", text, described{value}, described{pattern})
		}
		if fixed != nil {
			f.spend(len(s) * (1 + fixedCost/8))
			return fixed.MatchString(s)
		}
		re, cost, unknown := f.pattern(p, text)
		if unknown != nil {
			return unknown
		}
		f.spend(len(s) * (1 + cost/8))
		return re.MatchString(s)
	}
}

// pattern compiles a pattern that comes from an event. It reuses the last one compiled.
func (f *frame) pattern(pattern, text string) (*regexp.Regexp, int, *Unknown) {
	if f.lastPattern != nil && f.lastPattern.String() == pattern {
		return f.lastPattern, f.lastCost, nil
	}
	if len(pattern) > maxPattern {
		return nil, 0, badf("the pattern in %s is longer than %d", text, maxPattern)
	}
	f.spend(costOfParse + 4*len(pattern))
	cost := patternCost(pattern)
	if cost > maxSteps {
		return nil, 0, badf("the pattern in %s is too large", text)
	}
	f.spend(costOfStep * cost)
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, 0, badf("the pattern in %s is not a regular expression: %v", text, err)
	}
	f.lastPattern, f.lastCost = re, cost
	return re, cost, nil
}
