package expression

import (
	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

// loop compiles a function that examines each element of a list. If the condition is
// unknown for an element, the result is unknown, unless the other elements decide it.
func (c *compiler) loop(n *ast.BuiltinNode) node {
	list := c.compile(n.Arguments[0])
	each, order := node(nil), node(nil)
	if len(n.Arguments) > 1 {
		each = c.compile(n.Arguments[1])
	}
	if len(n.Arguments) > 2 {
		order = c.compile(n.Arguments[2])
	}
	l := &loop{each: each, text: n.Arguments[len(n.Arguments)-1].String(), order: order}
	run := l.named(n.Name)
	text := n.Arguments[0].String()
	weightOfBody := 1 + syntax.Size(n.Arguments[len(n.Arguments)-1])
	return func(f *frame) any {
		value := list(f)
		if isUnknown(value) {
			return value
		}
		elements, ok := value.([]any)
		if !ok {
			return badf("%s is %s, not a list", text, described{value})
		}
		f.spend(weightOfBody * len(elements))
		item, index := f.item, f.index
		result := run(f, elements)
		f.item, f.index = item, index
		return result
	}
}

type loop struct {
	each  node // the condition or value for one element; nil for the element itself
	text  string
	order node // sortBy's "asc" or "desc"
}

func (l *loop) value(f *frame, elements []any, i int) any {
	f.item, f.index = elements[i], i
	if l.each != nil {
		return l.each(f)
	}
	if f.item == nil {
		return missingf("an element of the list is null")
	}
	return f.item
}

// test evaluates the condition for one element: true, false or unknown.
func (l *loop) test(f *frame, elements []any, i int) any {
	truth := asBool(l.value(f, elements, i), l.text)
	if isUnknown(truth) {
		f.spend(costOfReason)
	}
	return truth
}

// costOfReason is the extra cost of an unknown element, whose reason may be asked for.
const costOfReason = 32

func (l *loop) named(name string) func(*frame, []any) any {
	switch name {
	case "any":
		return func(f *frame, elements []any) any { return l.decide(f, elements, true) }
	case "all":
		return func(f *frame, elements []any) any { return l.decide(f, elements, false) }
	case "none":
		return func(f *frame, elements []any) any { return not(l.decide(f, elements, true)) }
	case "one":
		return l.one
	case "filter":
		return func(f *frame, elements []any) any {
			matching, u := l.matching(f, elements)
			if u != nil {
				return u
			}
			kept := make([]any, len(matching))
			for i, at := range matching {
				kept[i] = elements[at]
			}
			return kept
		}
	case "count":
		return func(f *frame, elements []any) any {
			matching, u := l.matching(f, elements)
			if u != nil {
				return u
			}
			return len(matching)
		}
	case "find":
		return func(f *frame, elements []any) any { return l.find(f, elements, false, false) }
	case "findIndex":
		return func(f *frame, elements []any) any { return l.find(f, elements, false, true) }
	case "findLast":
		return func(f *frame, elements []any) any { return l.find(f, elements, true, false) }
	case "findLastIndex":
		return func(f *frame, elements []any) any { return l.find(f, elements, true, true) }
	case "map":
		return l.mapped
	case "sum":
		return l.sum
	case "sortBy":
		return l.sorted
	default:
		return func(*frame, []any) any { return failedf("%s is not supported", name) }
	}
}

// decide is Kleene's or (decided by true) or and (decided by false) over the elements.
func (l *loop) decide(f *frame, elements []any, decisive bool) any {
	var unsure any
	for i := range elements {
		switch truth := l.test(f, elements, i).(type) {
		case bool:
			if truth == decisive {
				return decisive
			}
		case *Unknown:
			if truth.kind == failed {
				return truth
			}
			unsure = truth
		}
	}
	if unsure != nil {
		return unsure
	}
	return !decisive
}

func (l *loop) one(f *frame, elements []any) any {
	found := 0
	var unsure any
	for i := range elements {
		switch truth := l.test(f, elements, i).(type) {
		case bool:
			if truth {
				found++
			}
		case *Unknown:
			if truth.kind == failed {
				return truth
			}
			unsure = truth
		}
		if found > 1 {
			return false
		}
	}
	if unsure != nil {
		return unsure
	}
	return found == 1
}

// matching returns the indexes of the elements for which the condition holds.
func (l *loop) matching(f *frame, elements []any) ([]int, *Unknown) {
	var matching []int
	for i := range elements {
		switch truth := l.test(f, elements, i).(type) {
		case *Unknown:
			return nil, truth
		case bool:
			if truth {
				matching = append(matching, i)
			}
		}
	}
	return matching, nil
}

func (l *loop) find(f *frame, elements []any, last, asIndex bool) any {
	for k := range elements {
		i := k
		if last {
			i = len(elements) - 1 - k
		}
		switch truth := l.test(f, elements, i).(type) {
		case *Unknown:
			return truth
		case bool:
			if truth && asIndex {
				return i
			}
			if truth && elements[i] != nil {
				return elements[i]
			}
		}
	}
	return missingf("no element fits %s", l.text)
}

func (l *loop) mapped(f *frame, elements []any) any {
	results := make([]any, len(elements))
	for i := range elements {
		results[i] = l.value(f, elements, i)
		if isUnknown(results[i]) {
			return results[i]
		}
	}
	return results
}

func (l *loop) sum(f *frame, elements []any) any {
	total := any(0)
	for i := range elements {
		value := l.value(f, elements, i)
		if isUnknown(value) {
			return value
		}
		if _, ok := number(value); !ok {
			return badf("%s is %s, not a number", l.text, described{value})
		}
		if total = add(f, total, value); isUnknown(total) {
			return total
		}
	}
	return total
}

func (l *loop) sorted(f *frame, elements []any) any {
	mapped := l.mapped(f, elements)
	keys, ok := mapped.([]any)
	if !ok {
		return mapped
	}
	direction := any("asc")
	if l.order != nil {
		if direction = l.order(f); isUnknown(direction) {
			return direction
		}
	}
	if sorted, ok := sortedBy(f, elements, keys, Text(direction)); ok {
		return sorted
	}
	return badf("%s gives values of different kinds to sort by", l.text)
}
