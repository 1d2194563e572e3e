package expression

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/event"
)

// A condition that is true, or not true, whatever an event holds is a mistake:
// data.score > 70 and data.score < 60. It is found by trying: each field takes
// every value that the comparisons in the condition can tell apart, and none;
// what is no comparison of a field with literals may be true or false. The
// parts are evaluated by what decides events.

// maxTrials bounds how often the leaves of one condition are evaluated for
// that; a part of it that would need more than is left is taken for sound.
const maxTrials = 1 << 16

// checkConstancy warns of a condition, or a part of it that is an and, an or
// or reads nothing, that cannot be decided in more than one way.
func (s *Scope) checkConstancy(text string, tree ast.Node, c *Condition) []Problem {
	t := s.newTrial(tree)
	t.root, t.left = c.root, maxTrials
	if !t.worthwhile() {
		return nil
	}
	return t.check(text, c.root, 0)
}

// trial is the trying out of one condition.
type trial struct {
	scope  *Scope
	root   *clause
	leaves []leaf
	left   int // of maxTrials
}

// leaf is a part of the condition that is no and, or, not.
type leaf struct {
	node   ast.Node
	fields []string
	// opaque says that the leaf is no comparison of a field with literals, so
	// that it may be true or false whatever the field is.
	opaque bool
	// asksForNil says that it asks whether there is a value.
	asksForNil bool
	values     []any // the literals it compares with
	fixed      any   // the value of a leaf that reads nothing
}

func (s *Scope) newTrial(tree ast.Node) *trial {
	t := &trial{scope: s}
	for _, p := range operands(tree) {
		l := leaf{node: p.node, opaque: true}
		for _, path := range paths(p.node) {
			l.fields = append(l.fields, rootOf(path))
		}
		if values, ok := comparison(p.node); ok {
			l.opaque, l.values, l.asksForNil = false, values, len(values) == 0
		}
		if readsAll(p.node) {
			l.fields = append(l.fields, "data")
		}
		if len(l.fields) == 0 {
			l.opaque, l.fixed = false, evalConstant(p.node)
		}
		t.leaves = append(t.leaves, l)
	}
	return t
}

// rootOf is the field that a path starts with, or the path itself: data.score,
// event, now.
func rootOf(path ast.Node) string {
	text := pathText(path)
	if parts := strings.SplitN(text, ".", 3); len(parts) == 3 {
		return parts[0] + "." + parts[1]
	}
	return text
}

// readsAll says whether a part looks at data as a whole, not at one field of
// it, or beyond the event: len(data), "score" in data, user.role.
func readsAll(n ast.Node) bool {
	if asks(n) != "" {
		return true
	}
	if name, ok := n.(*ast.IdentifierNode); ok {
		return name.Value == "data"
	}
	return dataField(n) == "" && slices.ContainsFunc(children(n), readsAll)
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
	switch b.Operator {
	case "in":
		list, isList := right.(*ast.ArrayNode)
		if !isList || !isPlain(left) {
			return nil, false
		}
		return constants(list.Nodes)
	case "==", "!=", "<", "<=", ">", ">=":
		if isPlain(right) {
			left, right = right, left
		}
		if isNil(right) && isPlain(left) {
			return nil, true
		}
		value, isLiteral := literal(right)
		return []any{value}, isLiteral && isPlain(left)
	default:
		return nil, false
	}
}

// isPlain says whether a node is a field of data, or event.
func isPlain(n ast.Node) bool {
	name, ok := n.(*ast.IdentifierNode)
	return dataField(n) != "" || ok && name.Value == "event"
}

// worthwhile says whether trying could find anything: a field that is asked
// for twice, a part that reads nothing, fields that no event type has together.
func (t *trial) worthwhile() bool {
	seen := map[string]bool{}
	for _, l := range t.leaves {
		if len(l.fields) == 0 {
			return true
		}
		for _, field := range l.fields {
			if seen[field] || field == "event" {
				return true
			}
			seen[field] = true
			if name, ok := strings.CutPrefix(field, "data."); ok && slices.ContainsFunc(t.scope.types, func(e *event.Type) bool { _, has := e.Field(name); return !has }) {
				return true
			}
		}
	}
	return false
}

// check tries a part and, if it can be decided in several ways, the parts of
// it. from counts the leaves in front of it.
func (t *trial) check(text string, c *clause, from int) []Problem {
	leaves := t.leaves[from : from+c.size()]
	if c.op == "" && len(leaves[0].fields) > 0 && leaves[0].fields[0] != "event" {
		return nil
	}
	if f, constant := t.constant(c, leaves); constant {
		f.From, f.To = t.span(text, leaves)
		return []Problem{f}
	}
	var faults []Problem
	for _, child := range c.children {
		faults = append(faults, t.check(text, child, from)...)
		from += child.size()
	}
	return faults
}

// size is how many leaves a clause has.
func (c *clause) size() int {
	if c.op == "" {
		return 1
	}
	total := 0
	for _, child := range c.children {
		total += child.size()
	}
	return total
}

// constant tries every combination of values and says what never changes.
func (t *trial) constant(c *clause, leaves []leaf) (Problem, bool) {
	truths, ok := t.try(c, leaves)
	about := strings.Join(repeated(leaves), " and ")
	f := Problem{Code: "constant-condition", Warning: true}
	what := "the condition"
	if c != t.root {
		what = "this part of the condition"
	}
	switch {
	case !ok || truths.some[Failed]:
		return f, false // too much to try, or a fault of another kind
	case !truths.some[True]:
		f.Message = what + " can never be true"
		switch {
		case len(fields(leaves)) == 0:
			f.Hint = "it does not look at the event: compare one of its fields, such as data.score < 70"
		case about == "event":
			f.Hint = "event is the event's type, here " + t.scope.events()
		case about == "":
			f.Hint = "no event type has all of " + strings.Join(fields(leaves), ", ") + ": write a rule for each type"
		default:
			f.Hint = "no value of " + about + " fits all that is asked of it: should an and be an or?"
		}
	case truths.only(True):
		f.Message = what + " is always true, whatever the event holds"
		f.Hint = "leave it out, or compare a field with something else"
	case truths.present.only(True) && !slices.ContainsFunc(leaves, func(l leaf) bool { return l.asksForNil }):
		f.Message = what + " is true whatever " + about + " is, as long as there is one"
		f.Hint = "should an or be an and? If the question is whether there is one, compare with != nil"
	default:
		return f, false
	}
	return f, true
}

// fields are the fields that the leaves read, each once.
func fields(leaves []leaf) []string {
	seen := map[string]bool{}
	for _, l := range leaves {
		for _, field := range l.fields {
			seen[field] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// repeated are the fields that more than one leaf reads; all of them if none
// is.
func repeated(leaves []leaf) []string {
	count := map[string]int{}
	for _, l := range leaves {
		for _, field := range l.fields {
			count[field]++
		}
	}
	var names []string
	for _, field := range fields(leaves) {
		if count[field] > 1 || field == "event" {
			names = append(names, field)
		}
	}
	return names
}

// truths are the results that were seen: over all, and where no field is
// missing.
type truths struct {
	results
	present results
}

type results struct{ some map[Truth]bool }

func (r results) only(t Truth) bool { return len(r.some) == 1 && r.some[t] }

func (t *trial) try(c *clause, leaves []leaf) (truths, bool) {
	seen := truths{results{map[Truth]bool{}}, results{map[Truth]bool{}}}
	dimensions := t.dimensions(leaves)
	total := 1
	for _, d := range dimensions {
		if total *= len(d.values); total > t.left {
			return seen, false
		}
	}
	if total *= len(leaves); total > t.left {
		return seen, false
	}
	t.left -= total
	total /= len(leaves)
	for n := range total {
		env, opaque, ok := t.combination(dimensions, n)
		if !ok {
			continue // no event type has such fields
		}
		at := 0
		result, _ := truth(c.fold(env, leaves, opaque, &at), "")
		seen.some[result] = true
		if !slices.Contains(slices.Collect(maps.Values(env.data)), nil) {
			seen.present.some[result] = true
		}
	}
	return seen, true
}

// fold is the Kleene value of a clause; an opaque leaf is as the combination
// has it.
func (c *clause) fold(env *Env, leaves []leaf, opaque map[int]any, at *int) any {
	if c.op == "" {
		i := *at
		*at++
		switch {
		case leaves[i].opaque:
			return opaque[i]
		case leaves[i].fixed != nil:
			return asBool(leaves[i].fixed, c.text)
		}
		env.begin()
		return env.eval(c.run)
	}
	if c.op == "not" {
		return not(c.children[0].fold(env, leaves, opaque, at))
	}
	result := any(c.op == "and")
	for _, child := range c.children {
		left, right := constant(result), constant(child.fold(env, leaves, opaque, at))
		result = junction(left, right, "", "", c.op == "or")(&env.frame)
	}
	return result
}

// dimension is what varies: the event type, a field, or an opaque leaf.
type dimension struct {
	field  string
	leaf   int
	values []any
}

func (t *trial) dimensions(leaves []leaf) []dimension {
	all := []dimension{{field: "event", values: t.eventTypes(leaves)}}
	for i, l := range leaves {
		if l.opaque {
			all = append(all, dimension{leaf: i, values: []any{true, false}})
		}
	}
	for _, field := range fields(leaves) {
		if name, ok := strings.CutPrefix(field, "data."); ok {
			all = append(all, dimension{field: name, values: representatives(name, leaves)})
		}
	}
	return all
}

func (t *trial) eventTypes(leaves []leaf) []any {
	if t.scope.loose {
		return append(textValues("event", leaves), "of any type")
	}
	var names []any
	for _, e := range t.scope.types {
		names = append(names, e.Name)
	}
	return names
}

// representatives are the values of a field that the leaves can tell apart, and
// nil for none.
func representatives(name string, leaves []leaf) []any {
	values := append(numberValues("data."+name, leaves), textValues("data."+name, leaves)...)
	if slices.ContainsFunc(leaves, func(l leaf) bool {
		return slices.Contains(l.fields, "data."+name) && slices.ContainsFunc(l.values, isBool)
	}) {
		values = append(values, true, false)
	}
	if len(values) == 0 {
		values = append(values, "any") // the leaves only ask whether there is one
	}
	return append(values, nil)
}

func isBool(v any) bool { _, ok := v.(bool); return ok }

// textValues are the texts that the leaves compare a field with, the empty one and
// those that come right behind each.
func textValues(field string, leaves []leaf) []any {
	var all []any
	for _, l := range leaves {
		for _, value := range l.values {
			if v, ok := value.(string); ok && slices.Contains(l.fields, field) {
				all = append(all, v, v+"\x00")
			}
		}
	}
	if len(all) > 0 {
		all = append(all, "")
	}
	return distinct(all)
}

// numberValues are the numbers that the leaves compare a field with, one between
// each two of them, if there is any, and one on either side.
func numberValues(field string, leaves []leaf) []any {
	var all []any
	for _, l := range leaves {
		for _, value := range l.values {
			if _, ok := number(value); ok && slices.Contains(l.fields, field) {
				all = append(all, value)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	order := func(a, b any) int { n, _ := compareNumbers(a, b); return n }
	slices.SortFunc(all, order)
	all = slices.CompactFunc(all, func(a, b any) bool { return order(a, b) == 0 })
	values := []any{-math.MaxFloat64, math.MaxFloat64}
	for i, n := range all {
		values = append(values, n)
		if i == 0 {
			continue
		}
		if middle := between(all[i-1], n); order(all[i-1], middle) < 0 && order(middle, n) < 0 {
			values = append(values, middle)
		}
	}
	return values
}

// between is a number between two of them, if there is one that is no whole
// number or these are.
func between(a, b any) any {
	low, whole := a.(int)
	if high, ok := b.(int); whole && ok && low+1 < high {
		return low + 1
	}
	from, _ := number(a)
	to, _ := number(b)
	return from/2 + to/2
}

// combination is the nth one; false if no event type has all its fields.
func (t *trial) combination(dimensions []dimension, n int) (env *Env, opaque map[int]any, ok bool) {
	e := event.Event{ID: "id", CompanyID: "company", Data: map[string]any{}}
	opaque = map[int]any{}
	var eventType *event.Type
	for _, d := range dimensions {
		value := d.values[n%len(d.values)]
		n /= len(d.values)
		switch {
		case d.field == "event":
			e.Type = value.(string)
			if i := slices.IndexFunc(t.scope.types, func(have *event.Type) bool { return have.Name == e.Type }); i >= 0 {
				eventType = t.scope.types[i]
			}
		case d.field == "":
			opaque[d.leaf] = value
		default:
			e.Data[d.field] = value
		}
	}
	if eventType != nil && !t.scope.loose {
		for field, value := range e.Data {
			if _, has := eventType.Field(field); !has && value != nil {
				return nil, nil, false
			}
		}
	}
	env = &Env{event: e, data: e.Data}
	env.frame.env = env
	return env, opaque, true
}

// span is where the leaves stand in the text.
func (t *trial) span(text string, leaves []leaf) (from, to int) {
	runes := []rune(text)
	if len(leaves) == len(t.leaves) {
		trimmed := strings.TrimSpace(text)
		from = len([]rune(text[:strings.Index(text, trimmed)]))
		return from, from + len([]rune(trimmed))
	}
	from, to = extent(runes, leaves[0].node)
	for _, l := range leaves[1:] {
		start, end := extent(runes, l.node)
		from, to = min(from, start), max(to, end)
	}
	return from, to
}
