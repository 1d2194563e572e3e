package engine

import (
	"slices"

	"heed/engine/event"
	"heed/engine/expression"
)

// A dispatch finds the conditions that an event could meet, among those that listen to
// its type. Conditions that require a field to equal some value are found by that value;
// the others are always candidates.
type dispatch struct {
	all []listener
	// conditions holds copies of the listeners' conditions, adjacent in memory: with
	// thousands of rules, following a pointer to each costs more than its evaluation.
	conditions []expression.Condition
	always     []int // indexes into all, as below
	fields     []*fieldIndex
}

// indexed is what rules are indexed by: a field, read as one kind of value.
type indexed struct {
	field string
	kind  event.Kind
}

// A fieldIndex holds the listeners that require an equality on one field.
type fieldIndex struct {
	indexed
	all   []int
	byKey map[any][]int
}

func newDispatch(listeners []listener) *dispatch {
	d := &dispatch{all: listeners}
	variety := countKeys(listeners)
	for at, l := range listeners {
		d.conditions = append(d.conditions, *l.condition)
		guard, ok := choose(l.condition.Guards(), variety)
		if !ok {
			d.always = append(d.always, at)
			continue
		}
		index := d.index(indexed{guard.Field, guard.Kind})
		index.all = append(index.all, at)
		for _, key := range guard.Keys {
			index.byKey[key] = append(index.byKey[key], at)
		}
	}
	return d
}

// countKeys counts the distinct values that rules compare each field with.
func countKeys(listeners []listener) map[indexed]int {
	seen := map[indexed]map[any]bool{}
	for _, l := range listeners {
		for _, g := range l.condition.Guards() {
			by := indexed{g.Field, g.Kind}
			if seen[by] == nil {
				seen[by] = map[any]bool{}
			}
			for _, key := range g.Keys {
				seen[by][key] = true
			}
		}
	}
	variety := make(map[indexed]int, len(seen))
	for by, keys := range seen {
		variety[by] = len(keys)
	}
	return variety
}

// choose returns the guard that leaves the fewest rules for a value: the one on the field
// that rules compare with the most distinct values.
func choose(guards []expression.Guard, variety map[indexed]int) (best expression.Guard, ok bool) {
	most := 0.0
	for _, g := range guards {
		if score := float64(variety[indexed{g.Field, g.Kind}]) / float64(len(g.Keys)); score > most {
			best, most, ok = g, score, true
		}
	}
	return best, ok
}

func (d *dispatch) index(by indexed) *fieldIndex {
	for _, f := range d.fields {
		if f.indexed == by {
			return f
		}
	}
	d.fields = append(d.fields, &fieldIndex{indexed: by, byKey: map[any][]int{}})
	return d.fields[len(d.fields)-1]
}

// candidates returns the rules that the event could match, in rule order. The rules it
// leaves out do not match. It may use buffer for the result.
func (d *dispatch) candidates(env *expression.Env, buffer []int) []int {
	if len(d.fields) == 0 {
		return d.always
	}
	found := append(buffer, d.always...)
	for _, index := range d.fields {
		rules := index.all // if the value is missing or malformed, the equalities are unknown
		if key, ok := env.Key(index.field, index.kind); ok {
			rules = index.byKey[key]
		}
		found = append(found, rules...)
	}
	slices.Sort(found)
	return found
}
