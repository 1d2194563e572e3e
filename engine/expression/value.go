package expression

import (
	"encoding/json"
	"errors"
	"strconv"
)

// A Value is a compiled expression. It is safe for concurrent use.
type Value struct {
	// Text is the expression as written.
	Text  string
	field string // set if the expression is just data.<field>
	run   node
	kind  string
}

// Kind returns the kind of the value in words, such as "a number", or "" if that depends
// on the event.
func (v *Value) Kind() string { return v.kind }

// Eval returns the expression's value, or why it has none.
func (v *Value) Eval(env *Env) (any, *Unknown) {
	value := env.eval(v.run)
	if u, ok := value.(*Unknown); ok {
		return nil, u
	}
	return value, nil
}

// sent is like Eval, except that it returns a plain field as the event has it, whatever
// its declared kind: a template shows what was sent.
func (v *Value) sent(env *Env) (any, *Unknown) {
	if env.failure != nil {
		return nil, tooMuchWork
	}
	if raw := env.event.Data[v.field]; v.field != "" && raw != nil {
		return exact(raw), nil
	}
	if v.Text == "data" {
		return env.event.Data, nil
	}
	value, unknown := v.Eval(env)
	if unknown != nil && unknown.kind == failed {
		env.failure = errors.New(unknown.Reason())
	}
	return value, unknown
}

// Show returns the value as a template shows it, up to maxRendered, or why there is none.
func (v *Value) Show(env *Env) (string, *Unknown) {
	value, unknown := v.sent(env)
	if unknown != nil {
		return "", unknown
	}
	text, isText := value.(string)
	if !isText && weight(value, maxRendered) <= maxRendered {
		text = Text(value)
		env.charge(costOfText * len(text))
	} else if !isText {
		return "", badf("%s is larger than 1 MiB", v.Text)
	}
	if len(text) > maxRendered {
		return "", badf("%s is larger than 1 MiB", v.Text)
	}
	return text, nil
}

// maxRendered limits what one hole can show: deeply nested lists soon exceed the size of
// any event. Building a byte of text costs more than examining one, and an object's entry
// costs most.
const (
	maxRendered  = 1 << 20
	costOfText   = 3
	costOfObject = 4
)

// exact keeps a number of the event from being rounded like a calculated one.
func exact(value any) any {
	if f, ok := value.(float64); ok {
		return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
	}
	return value
}
