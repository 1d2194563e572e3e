package expression

import (
	"slices"

	"github.com/expr-lang/expr/ast"

	"heed/engine/event"
	"heed/engine/expression/syntax"
)

// A Guard is an equality without which a condition is false, such as the second part of
// data.score < 70 and data.quizId == "q17". Rule sets use guards to find the rules for an
// event.
type Guard struct {
	// Field is the field of data that is compared; Kind is its declared kind.
	Field string
	Kind  event.Kind
	// Keys are the values for which the guard holds, as returned by Env.Key, without
	// duplicates.
	Keys []any
}

// Guards returns the equalities of which each must hold, or the condition is false
// whatever else it says. There may be none.
func (c *Condition) Guards() []Guard { return c.guards }

// guards finds the guards of a tree whose value is true or false.
func (s *Scope) guards(n ast.Node) []Guard {
	b, ok := n.(*ast.BinaryNode)
	if !ok {
		return nil
	}
	switch b.Operator {
	case "and", "&&":
		found := s.guards(b.Left)
		if harmless(b.Left) {
			found = append(found, s.guards(b.Right)...)
		}
		return found
	case "or", "||":
		if harmless(b.Left) {
			return either(s.guards(b.Left), s.guards(b.Right))
		}
	case "==":
		if field := syntax.Field(b.Left); field != "" {
			return s.guard(field, b.Right)
		}
		return s.guard(syntax.Field(b.Right), b.Left)
	case "in":
		if list, ok := b.Right.(*ast.ArrayNode); ok {
			return s.guard(syntax.Field(b.Left), list.Nodes...)
		}
	}
	return nil
}

// either returns the guards of an "or": those on a field that both sides guard, with the
// keys of both.
func either(left, right []Guard) []Guard {
	var both []Guard
	for _, l := range left {
		for _, r := range right {
			if l.Field == r.Field && l.Kind == r.Kind {
				both = append(both, Guard{l.Field, l.Kind, distinct(append(slices.Clone(l.Keys), r.Keys...))})
			}
		}
	}
	return both
}

func distinct(keys []any) []any {
	seen := make(map[any]bool, len(keys))
	return slices.DeleteFunc(keys, func(key any) bool {
		again := seen[key]
		seen[key] = true
		return again
	})
}

// harmless reports whether a part can only be true, false or unknown: it compares plain
// values and cannot exceed its limits. A guard decides only behind such parts, since an
// error in front of it is the rule's outcome.
func harmless(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return harmless(n.Node)
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&", "or", "||", "==", "!=", "<", "<=", ">", ">=", "??":
			return harmless(n.Left) && harmless(n.Right)
		case "in":
			list, ok := n.Right.(*ast.ArrayNode)
			harmful := func(element ast.Node) bool { return !harmless(element) }
			return ok && harmless(n.Left) && !slices.ContainsFunc(list.Nodes, harmful)
		}
		return false
	case *ast.NilNode:
		return true
	case *ast.IdentifierNode:
		return n.Value != "data"
	default:
		_, isLiteral := syntax.Literal(n)
		return isLiteral || syntax.Field(n) != ""
	}
}

// guard returns the guard for a field that equals one of some literals. There is none if
// the field's declared kind is not that of the literals: comparing values of different
// kinds is unknown, not false.
func (s *Scope) guard(field string, values ...ast.Node) []Guard {
	literals, ok := syntax.Literals(values)
	i, known := s.index[field]
	if !known || !ok || s.loose {
		return nil
	}
	g := Guard{Field: field, Kind: s.fields[i].Kind}
	for _, literal := range literals {
		key, ok := guardKey(literal)
		if !ok || keyKind(key) != g.Kind {
			return nil
		}
		g.Keys = append(g.Keys, key)
	}
	g.Keys = distinct(g.Keys)
	return []Guard{g}
}

// guardKey returns a map key for a value, such that equal values have equal keys: a
// number is a float64, if it is exact as such.
func guardKey(value any) (any, bool) {
	switch v := value.(type) {
	case string, bool:
		return v, true
	case int:
		return float64(v), v > -exactFloat && v < exactFloat
	case float64:
		return v, v > -exactFloat && v < exactFloat
	default:
		return nil, false
	}
}

func keyKind(key any) event.Kind {
	switch key.(type) {
	case string:
		return event.Text
	case bool:
		return event.Bool
	default:
		return event.Number
	}
}

// Key returns a field's value for looking up guards of a kind. It returns false if the
// event has no such value; every guard on the field must then be evaluated.
func (env *Env) Key(field string, kind event.Kind) (any, bool) {
	key, ok := guardKey(env.data[field])
	return key, ok && keyKind(key) == kind
}
