package expression

import (
	"github.com/expr-lang/expr/ast"

	"heed/engine/event"
)

// Guard is an equality that a condition begins with, such as the first part of
// data.quizId == "q17" and data.score < 70: where it is false the condition is
// false, whatever follows. A rule set finds the rules for an event by it.
type Guard struct {
	// Field is the field of data that is compared.
	Field string
	// Keys are the values for which the guard holds, as Env.Key gives them.
	Keys []any
}

// Guard returns the equality that the condition begins with; false if it
// begins with anything else.
func (c *Condition) Guard() (Guard, bool) { return c.guard, len(c.guard.Keys) > 0 }

// guardOf looks at the leftmost part of a chain of ands: only that is decided
// before anything else can fail.
func guardOf(n ast.Node) Guard {
	b, ok := n.(*ast.BinaryNode)
	if !ok {
		return Guard{}
	}
	switch b.Operator {
	case "and", "&&":
		return guardOf(b.Left)
	case "==":
		if field := dataField(b.Left); field != "" {
			return guardFor(field, b.Right)
		}
		return guardFor(dataField(b.Right), b.Left)
	case "in":
		if list, ok := b.Right.(*ast.ArrayNode); ok {
			return guardFor(dataField(b.Left), list.Nodes...)
		}
	}
	return Guard{}
}

func guardFor(field string, values ...ast.Node) Guard {
	literals, ok := constants(values)
	if field == "" || !ok {
		return Guard{}
	}
	g := Guard{Field: field}
	for _, literal := range literals {
		key, ok := guardKey(literal)
		if !ok {
			return Guard{}
		}
		g.Keys = append(g.Keys, key)
	}
	return g
}

// guardKey is a value as a key under which equal values meet: numbers as
// float64, if they are exact as such.
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

// Key is a field's value for looking up guards; false if the event has none
// that could be looked up, so that every guard on the field must be evaluated.
func (env *Env) Key(field string) (any, bool) { return guardKey(env.data[field]) }

// sameKind says whether all guards on a field compare values of the kind that
// the field is declared as, so that a failed look-up means false.
func sameKind(kind event.Kind, key any) bool {
	switch key.(type) {
	case string:
		return kind == event.Text
	case bool:
		return kind == event.Bool
	default:
		return kind == event.Number
	}
}

// checked drops a guard on a field whose declared kind is not that of its
// keys: comparing values of different kinds is unknown, not false.
func (s *Scope) checked(g Guard) Guard {
	for _, f := range s.fields {
		if f.Name != g.Field || s.loose {
			continue
		}
		for _, key := range g.Keys {
			if !sameKind(f.Kind, key) {
				return Guard{}
			}
		}
		return g
	}
	return Guard{}
}
