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

// constantCondition finds a condition that always has the same result, such as data.score
// > 70 and data.score < 60, or a part of one that is an and, an or, or reads nothing. It
// works by trial: each field takes every value that the comparisons can tell apart, and
// none. The parts are evaluated by the code that decides events.
var constantCondition = Check{Code: "constant-condition", In: Condition, Run: func(p *Pass, n ast.Node) {
	if n == p.Tree.Root {
		t := &trial{Pass: p, scope: p.Tree.Scope, left: maxTrials}
		t.check(n)
	}
}}

// maxTrials limits how often the parts of one condition are evaluated. A part that would
// need more is assumed to be sound.
const maxTrials = 1 << 16

type trial struct {
	*Pass
	scope *expression.Scope
	left  int // of maxTrials
}

// check tries a part and, if it can have several results, its own parts.
func (t *trial) check(n ast.Node) {
	if message, hint := t.constant(n); message != "" {
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
func (t *trial) constant(n ast.Node) (message, hint string) {
	op, all := syntax.Junction(n), parts(n)
	tried := slices.DeleteFunc(slices.Clone(all), t.isOpaque)
	readings := readingsOf(tried)
	fields := slices.Sorted(maps.Keys(readings))
	again := slices.DeleteFunc(slices.Clone(fields), func(field string) bool {
		return readings[field].times == 1 && field != "event"
	})
	// A trial finds something only if a field occurs twice, nothing is read, or no event
	// type has all fields.
	if len(tried) == 0 || len(again) == 0 && len(fields) > 0 && (len(tried) == 1 || len(t.scope.Types()) < 2) {
		return "", ""
	}
	seen, whole := t.try(op, tried, t.dimensions(readings))
	complete := len(tried) == len(all)
	always := func(results map[expression.Truth]bool) bool {
		return len(results) == 1 && results[expression.True] && (complete || op == "or")
	}
	what := "the condition"
	if n != t.Tree.Root {
		what = "this part of the condition"
	}
	switch about := strings.Join(again, " and "); {
	case len(seen) == 0: // too much to try
		return "", ""
	case always(seen):
		return what + " is always true, whatever the event holds", "remove it, or compare a field with something else"
	case always(whole) && !slices.ContainsFunc(fields, func(field string) bool { return readings[field].asksForNil }):
		return what + " is true whatever " + about + " is, as long as there is one",
			"should an or be an and? If the question is whether there is one, compare with != nil"
	case seen[expression.True] || !complete && op == "or":
		return "", ""
	case len(fields) == 0:
		hint = "it does not look at the event: compare one of its fields, such as data.score < 70"
	case about == "event":
		hint = "event is the event's type, here " + t.scope.Events()
	case about == "":
		hint = "no event type has all of " + strings.Join(fields, ", ") + ": write a rule for each type"
	default:
		hint = "no value of " + about + " fits all that is asked of it: should an and be an or?"
	}
	return what + " can never be true", hint
}

// parts returns what a node joins, flattening a and b and c, or the node itself if it
// joins nothing.
func parts(n ast.Node) []ast.Node {
	op := syntax.Junction(n)
	if op != "and" && op != "or" {
		return []ast.Node{n}
	}
	var all []ast.Node
	for _, child := range syntax.Children(n) {
		if syntax.Junction(child) == op {
			all = append(all, parts(child)...)
		} else {
			all = append(all, child)
		}
	}
	return all
}

// isOpaque reports whether a part reads the event other than by comparing a field with
// literals, so that it is not known which values it tells apart.
func (t *trial) isOpaque(part ast.Node) bool {
	return slices.ContainsFunc(syntax.Operands(part), func(leaf syntax.Operand) (opaque bool) {
		_, _, ok := comparison(leaf.Node)
		syntax.Walk(leaf.Node, func(n ast.Node) {
			name, isName := n.(*ast.IdentifierNode)
			reads := isName && slices.Contains(t.scope.Names(), name.Value) || syntax.Lookup(n) != ""
			opaque = opaque || reads && !ok
		})
		return opaque
	})
}

// comparison returns the field, or event, that a leaf compares, and the literals. There
// are no literals if it only asks for nil.
func comparison(n ast.Node) (field string, literals []any, ok bool) {
	if field := plain(n); field != "" {
		return field, []any{true}, true
	}
	b, isBinary := n.(*ast.BinaryNode)
	if !isBinary {
		return "", nil, false
	}
	left, right := b.Left, b.Right
	if plain(right) != "" {
		left, right = right, left
	}
	list, isList := right.(*ast.ArrayNode)
	switch field = plain(left); {
	case field == "":
		return "", nil, false
	case isList && b.Operator == "in":
		literals, ok = syntax.Literals(list.Nodes)
		return field, literals, ok
	case syntax.IsNil(right):
		return field, nil, compares(b)
	default:
		literals, ok = syntax.Literals([]ast.Node{right})
		return field, literals, ok && compares(b)
	}
}

// plain returns the name of a field of data, or event, or "" for any other node.
func plain(n ast.Node) string {
	if name, ok := n.(*ast.IdentifierNode); ok && name.Value == "event" {
		return name.Value
	}
	if field := syntax.Field(n); field != "" {
		return "data." + field
	}
	return ""
}

// reading is how parts read a field.
type reading struct {
	times      int
	asksForNil bool
	// values are those that the parts can tell apart: each literal that the field is
	// compared with, and the values just below and above it.
	values map[any]bool
}

func readingsOf(parts []ast.Node) map[string]*reading {
	all := map[string]*reading{}
	for _, part := range parts {
		for _, leaf := range syntax.Operands(part) {
			field, literals, ok := comparison(leaf.Node)
			if !ok {
				continue
			}
			if all[field] == nil {
				all[field] = &reading{values: map[any]bool{}}
			}
			all[field].times++
			all[field].asksForNil = all[field].asksForNil || len(literals) == 0
			for _, literal := range literals {
				all[field].add(literal)
			}
		}
	}
	return all
}

func (r *reading) add(literal any) {
	r.values[literal] = true
	switch v := literal.(type) {
	case string:
		r.values[""], r.values[v+"\x00"] = true, true
	case bool:
		r.values[!v] = true
	case float64:
		r.values[math.Nextafter(v, math.Inf(-1))], r.values[math.Nextafter(v, math.Inf(1))] = true, true
	case int:
		if half := float64(v) + 0.5; half != math.Trunc(half) {
			r.values[half], r.values[half-1] = true, true
		} else {
			r.values[v+1], r.values[v-1] = true, true
		}
	}
}

// A dimension is a field, or event, and the values it takes.
type dimension struct {
	field  string
	values []any
}

func (t *trial) dimensions(readings map[string]*reading) []dimension {
	types := dimension{field: "event"}
	for _, e := range t.scope.Types() {
		types.values = append(types.values, e.Name)
	}
	if len(types.values) == 0 || t.scope.Open() {
		types.values = []any{"of any type"}
	}
	all := []dimension{types}
	for field, r := range readings {
		values := slices.Collect(maps.Keys(r.values))
		switch name, isData := strings.CutPrefix(field, "data."); {
		case isData && len(values) == 0:
			all = append(all, dimension{name, []any{"any", nil}}) // the parts only ask whether there is a value
		case isData:
			all = append(all, dimension{name, append(values, nil)})
		case t.scope.Open():
			all[0].values = append(all[0].values, values...)
		}
	}
	return all
}

// try evaluates parts for every combination of values. It returns the results seen over
// all combinations, and over those in which no field is missing; it returns none if there
// are too many.
func (t *trial) try(op string, parts []ast.Node, dimensions []dimension) (seen, whole map[expression.Truth]bool) {
	total := 1
	for _, d := range dimensions {
		if total *= len(d.values); total*len(parts) > t.left {
			return nil, nil
		}
	}
	t.left -= total * len(parts)
	compiled := make([]*expression.Value, len(parts))
	for i, part := range parts {
		compiled[i] = t.Tree.Part(part)
	}
	seen, whole = map[expression.Truth]bool{}, map[expression.Truth]bool{}
	for i := range total {
		e := event.Event{Data: map[string]any{}}
		for _, d := range dimensions {
			if value := d.values[i%len(d.values)]; d.field == "event" {
				e.Type = value.(string)
			} else {
				e.Data[d.field] = value
			}
			i /= len(d.values)
		}
		if !t.possible(&e) {
			continue
		}
		result := join(op, compiled, expression.NewEnv(&e, nil, time.Time{}))
		seen[result] = true
		if !slices.Contains(slices.Collect(maps.Values(e.Data)), nil) {
			whole[result] = true
		}
	}
	return seen, whole
}

// possible reports whether an event's type has all its fields.
func (t *trial) possible(e *event.Event) bool {
	for _, known := range t.scope.Types() {
		for field, value := range e.Data {
			if _, has := known.Field(field); known.Name == e.Type && value != nil && !has && !t.scope.Open() {
				return false
			}
		}
	}
	return true
}

// join computes Kleene's or, or else Kleene's and, over parts.
func join(op string, parts []*expression.Value, env *expression.Env) expression.Truth {
	decisive, result := expression.False, expression.True
	if op == "or" {
		decisive, result = result, decisive
	}
	for _, part := range parts {
		is := expression.Undecided
		switch value, _ := part.Eval(env); value {
		case true:
			is = expression.True
		case false:
			is = expression.False
		}
		if is == decisive {
			return decisive
		}
		if is == expression.Undecided {
			result = is
		}
	}
	return result
}
