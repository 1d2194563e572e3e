package lint

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/expression/syntax"
)

// constantCondition finds a condition, or a part of it that is an and, an or or
// reads nothing, that cannot be decided in more than one way, such as
// data.score > 70 and data.score < 60. It tries: each field takes every value
// that the comparisons can tell apart, and none; what is no comparison of a
// field with literals may be true or false. The parts are evaluated by what
// decides events.
var constantCondition = Check{Code: "constant-condition", In: Condition, Run: func(p *Pass, n ast.Node) {
	if n == p.Tree.Root {
		t := &trial{Pass: p, scope: p.Tree.Scope, leaves: map[ast.Node]*leaf{}, left: maxTrials}
		t.check(n)
	}
}}

// maxTrials bounds how often the leaves of one condition are evaluated; a part of
// it that would need more than is left is taken as sound.
const maxTrials = 1 << 16

type trial struct {
	*Pass
	scope  *expression.Scope
	leaves map[ast.Node]*leaf
	left   int // of maxTrials
}

// leaf is a part of a condition that is no and, or, not.
type leaf struct {
	run    *expression.Value
	fields []string // those it reads, such as data.score and event
	// opaque says that the leaf is no comparison of a field with literals, so
	// that it may be true or false whatever the field is.
	opaque bool
	values []any // the literals it compares with; none if it asks for nil
	is     expression.Truth
}

func (t *trial) newLeaf(n ast.Node) *leaf {
	l := &leaf{run: t.Tree.Part(n)}
	syntax.Walk(n, func(part ast.Node) {
		name, isName := part.(*ast.IdentifierNode)
		switch field := syntax.Field(part); {
		case field != "":
			l.fields = append(l.fields, "data."+field)
		case isName && name.Value != "data" && slices.Contains(t.scope.Names(), name.Value):
			l.fields = append(l.fields, name.Value)
		}
	})
	values, ok := comparison(n)
	l.values, l.opaque = values, !ok && (len(l.fields) > 0 || readsAll(n))
	l.eval(expression.NewEnv(&event.Event{}, nil, time.Time{}))
	return l
}

// readsAll says whether a part looks at data as a whole, not at one field of it,
// or beyond the event: len(data), "score" in data, user.role.
func readsAll(n ast.Node) bool {
	name, isName := n.(*ast.IdentifierNode)
	return isName && name.Value == "data" || syntax.Lookup(n) != "" || syntax.Field(n) == "" && slices.ContainsFunc(syntax.Children(n), readsAll)
}

func (l *leaf) eval(env *expression.Env) {
	switch value, _ := l.run.Eval(env); value {
	case true:
		l.is = expression.True
	case false:
		l.is = expression.False
	default:
		l.is = expression.Undecided
	}
}

// comparison gives the literals with which a leaf compares a field, or event;
// none if it asks for nil.
func comparison(n ast.Node) (values []any, ok bool) {
	if isPlain(n) {
		return []any{true}, true
	}
	b, isBinary := n.(*ast.BinaryNode)
	if !isBinary {
		return nil, false
	}
	left, right := b.Left, b.Right
	if isPlain(right) {
		left, right = right, left
	}
	list, isList := right.(*ast.ArrayNode)
	switch {
	case !isPlain(left):
		return nil, false
	case isList && b.Operator == "in":
		return syntax.Literals(list.Nodes)
	case syntax.IsNil(right):
		return nil, compares(b)
	default:
		value, isLiteral := syntax.Literal(right)
		return []any{value}, isLiteral && compares(b)
	}
}

// isPlain says whether a node is a field of data, or event.
func isPlain(n ast.Node) bool {
	name, ok := n.(*ast.IdentifierNode)
	return syntax.Field(n) != "" || ok && name.Value == "event"
}

// check tries a part and, if it can be decided in several ways, the parts of it.
func (t *trial) check(n ast.Node) {
	var leaves []*leaf
	for _, operand := range syntax.Operands(n) {
		if t.leaves[operand.Node] == nil {
			t.leaves[operand.Node] = t.newLeaf(operand.Node)
		}
		leaves = append(leaves, t.leaves[operand.Node])
	}
	if message, hint := t.constant(n, leaves); message != "" {
		from, to := syntax.Extent(t.text, n)
		if n == t.Tree.Root {
			from, to = t.trimmed()
		}
		t.reportAt(from, to, message, hint)
	} else if syntax.Junction(n) != "" {
		for _, part := range syntax.Children(n) {
			t.check(part)
		}
	}
}

// constant says what never changes about a part.
func (t *trial) constant(n ast.Node, leaves []*leaf) (message, hint string) {
	what := "the condition"
	if n != t.Tree.Root {
		what = "this part of the condition"
	}
	all, again := fields(leaves)
	// Trying finds something only if a field is asked for twice, a part reads
	// nothing, or no event type has all fields.
	if len(again) == 0 && len(all) > 0 && (len(leaves) == 1 || len(t.scope.Types()) < 2) {
		return "", ""
	}
	seen, whole := t.try(n, leaves, all)
	asksForNil := func(l *leaf) bool { return !l.opaque && len(l.fields) > 0 && len(l.values) == 0 }
	switch about := strings.Join(again, " and "); {
	case len(seen) == 0: // too much to try
		return "", ""
	case len(seen) == 1 && seen[expression.True]:
		return what + " is always true, whatever the event holds", "remove it, or compare a field with something else"
	case len(whole) == 1 && whole[expression.True] && !slices.ContainsFunc(leaves, asksForNil):
		return what + " is true whatever " + about + " is, as long as there is one",
			"should an or be an and? If the question is whether there is one, compare with != nil"
	case seen[expression.True]:
		return "", ""
	case len(all) == 0:
		hint = "it does not look at the event: compare one of its fields, such as data.score < 70"
	case about == "event":
		hint = "event is the event's type, here " + t.scope.Events()
	case about == "":
		hint = "no event type has all of " + strings.Join(all, ", ") + ": write a rule for each type"
	default:
		hint = "no value of " + about + " fits all that is asked of it: should an and be an or?"
	}
	return what + " can never be true", hint
}

// fields are the fields that leaves read, each once; again are those that more
// than one reads, and event.
func fields(leaves []*leaf) (all, again []string) {
	count := map[string]int{"event": 1}
	for _, l := range leaves {
		for _, field := range slices.Compact(slices.Sorted(slices.Values(l.fields))) {
			count[field]++
		}
	}
	for field, n := range count {
		if field != "event" || n > 1 {
			all = append(all, field)
		}
		if n > 1 {
			again = append(again, field)
		}
	}
	slices.Sort(all)
	slices.Sort(again)
	return all, again
}

// dimension is what varies: the event type, a field, or an opaque leaf.
type dimension struct {
	field  string
	leaf   *leaf
	values []any
}

// try evaluates a part for every combination and gives the results that were
// seen, over all and where no field is missing; none if that is too much.
func (t *trial) try(n ast.Node, leaves []*leaf, fields []string) (seen, whole map[expression.Truth]bool) {
	dimensions := t.dimensions(leaves, fields)
	total := 1
	for _, d := range dimensions {
		if total *= len(d.values); total*len(leaves) > t.left {
			return nil, nil
		}
	}
	t.left -= total * len(leaves)
	seen, whole = map[expression.Truth]bool{}, map[expression.Truth]bool{}
	for i := range total {
		e, possible := t.combination(dimensions, i)
		if !possible {
			continue // no event type has such fields
		}
		env := expression.NewEnv(&e, nil, time.Time{})
		for _, l := range leaves {
			if !l.opaque && len(l.fields) > 0 {
				l.eval(env)
			}
		}
		result := t.fold(n)
		seen[result] = true
		if !slices.Contains(slices.Collect(maps.Values(e.Data)), nil) {
			whole[result] = true
		}
	}
	return seen, whole
}

// fold is the Kleene value of a part, by what its leaves are.
func (t *trial) fold(n ast.Node) expression.Truth {
	op := syntax.Junction(n)
	if op == "" {
		return t.leaves[n].is
	}
	decisive, result := expression.False, expression.True
	if op != "and" {
		decisive, result = result, decisive
	}
	for _, child := range syntax.Children(n) {
		switch is := t.fold(child); {
		case op == "not" && is != expression.Undecided:
			return map[expression.Truth]expression.Truth{expression.True: expression.False, expression.False: expression.True}[is]
		case is == decisive:
			return decisive
		case is == expression.Undecided:
			result = is
		}
	}
	return result
}

func (t *trial) dimensions(leaves []*leaf, fields []string) []dimension {
	types := dimension{field: "event"}
	for _, e := range t.scope.Types() {
		types.values = append(types.values, e.Name)
	}
	if t.scope.Open() {
		types.values = append(representatives("event", leaves), "of any type")
	}
	all := []dimension{types}
	for _, l := range leaves {
		if l.opaque {
			all = append(all, dimension{leaf: l, values: []any{expression.True, expression.False}})
		}
	}
	for _, field := range fields {
		if name, ok := strings.CutPrefix(field, "data."); ok {
			values := representatives(field, leaves)
			if len(values) == 0 {
				values = []any{"any"} // the leaves only ask whether there is one
			}
			all = append(all, dimension{field: name, values: append(values, nil)})
		}
	}
	return all
}

// combination is the nth one; false if no event type has all its fields.
func (t *trial) combination(dimensions []dimension, n int) (e event.Event, possible bool) {
	e = event.Event{ID: "id", CompanyID: "company", Data: map[string]any{}}
	for _, d := range dimensions {
		value := d.values[n%len(d.values)]
		n /= len(d.values)
		switch {
		case d.leaf != nil:
			d.leaf.is = value.(expression.Truth)
		case d.field == "event":
			e.Type = value.(string)
		default:
			e.Data[d.field] = value
		}
	}
	for _, known := range t.scope.Types() {
		for field, value := range e.Data {
			if _, has := known.Field(field); known.Name == e.Type && value != nil && !has && !t.scope.Open() {
				return e, false
			}
		}
	}
	return e, true
}

// representatives are the values of a field that the leaves can tell apart: each
// literal, and what comes right before and after it.
func representatives(field string, leaves []*leaf) []any {
	seen := map[any]bool{}
	for _, l := range leaves {
		if !slices.Contains(l.fields, field) {
			continue
		}
		for _, value := range l.values {
			seen[value] = true
			switch v := value.(type) {
			case string:
				seen[""], seen[v+"\x00"] = true, true
			case bool:
				seen[!v] = true
			case float64:
				seen[math.Nextafter(v, math.Inf(-1))], seen[math.Nextafter(v, math.Inf(1))] = true, true
			case int:
				if half := float64(v) + 0.5; half != math.Trunc(half) {
					seen[half], seen[half-1] = true, true
				} else {
					seen[v+1], seen[v-1] = true, true
				}
			}
		}
	}
	return slices.Collect(maps.Keys(seen))
}
