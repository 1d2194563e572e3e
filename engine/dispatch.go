package engine

import "heed/engine/expression"

// dispatch finds the rules that an event could match among those that listen
// to its type: rules that begin with an equality on a field are found by the
// field's value, the rest are always looked at.
type dispatch struct {
	rules  []*Rule
	always []int // indexes into rules
	fields []fieldIndex
}

// fieldIndex has the rules that begin with an equality on one field.
type fieldIndex struct {
	field string
	all   []int
	byKey map[any][]int
}

func (d *dispatch) add(r *Rule) {
	at := len(d.rules)
	d.rules = append(d.rules, r)
	guard, ok := r.Condition.Guard()
	if !ok {
		d.always = append(d.always, at)
		return
	}
	index := d.field(guard.Field)
	index.all = append(index.all, at)
	for _, key := range guard.Keys {
		if known := index.byKey[key]; len(known) == 0 || known[len(known)-1] != at { // in [1, 1] names a value twice
			index.byKey[key] = append(known, at)
		}
	}
}

func (d *dispatch) field(name string) *fieldIndex {
	for i := range d.fields {
		if d.fields[i].field == name {
			return &d.fields[i]
		}
	}
	d.fields = append(d.fields, fieldIndex{field: name, byKey: map[any][]int{}})
	return &d.fields[len(d.fields)-1]
}

// each calls visit for every rule that the event could match. Those it leaves
// out do not match.
func (d *dispatch) each(env *expression.Env, visit func(at int)) {
	for _, at := range d.always {
		visit(at)
	}
	for i := range d.fields {
		index := &d.fields[i]
		found := index.all // a value that is missing or odd leaves the guards unknown
		if key, ok := env.Key(index.field); ok {
			found = index.byKey[key]
		}
		for _, at := range found {
			visit(at)
		}
	}
}
