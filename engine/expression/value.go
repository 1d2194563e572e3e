package expression

import (
	"encoding/json"
	"errors"
	"strconv"
)

// Value is one compiled expression. It is safe for concurrent use.
type Value struct {
	// Text is the expression as written.
	Text  string
	field string // set when it is nothing but data.<field>
	run   node
	kind  string
}

// Kind says in words what kind of value it is, such as "a number"; empty if that
// depends on the event.
func (v *Value) Kind() string { return v.kind }

// Eval evaluates the expression: its value, or why it has none.
func (v *Value) Eval(env *Env) (any, *Unknown) {
	value := env.eval(v.run)
	if u, ok := value.(*Unknown); ok {
		return nil, u
	}
	return value, nil
}

// sent is Eval but for a plain field, which it gives as the event has it,
// whatever kind was declared: a template shows what was sent.
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

// Show is the value as a template shows it, nothing longer than maxRendered, or why
// there is none.
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

// maxRendered bounds what one hole can show: a list that holds a list that
// holds a list is soon larger than any event. Building a byte of text costs
// more than looking at one, and an object's entry most.
const (
	maxRendered  = 1 << 20
	costOfText   = 3
	costOfObject = 4
)

// exact keeps a number of the event from being rounded as calculated ones are.
func exact(value any) any {
	if f, ok := value.(float64); ok {
		return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
	}
	return value
}
