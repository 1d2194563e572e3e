package expression

import (
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/types"

	"heed/engine/event"
	"heed/engine/expression/syntax"
)

// Named is a value that expressions see under a name.
type Named struct {
	Name string
	// Kind is what it is; an Object of texts if Texts is set.
	Kind  event.Kind
	Texts bool
}

// ValueScope is the scope of expressions that see some values and nothing of an
// event.
func ValueScope(names ...Named) *Scope {
	s := &Scope{values: true}
	known := types.Map{}
	for _, n := range names {
		known[n.Name] = exprType[n.Kind]
		if n.Texts {
			known[n.Name] = types.Map{types.Extra: types.String}
		}
		s.named = append(s.named, n.Name)
	}
	s.configure(known)
	return s
}

// ResponseScope is the scope of expressions on an answer of an HTTP endpoint: its
// status and its body.
func ResponseScope() *Scope {
	return ValueScope(Named{Name: "status", Kind: event.Number}, Named{Name: "body", Kind: event.Any})
}

// NewValueEnv is what expressions of a ValueScope see, once Set has given the
// values.
func NewValueEnv() *Env {
	env := &Env{names: map[string]any{}}
	env.frame.env = env
	env.begin()
	return env
}

// NewResponseEnv is what expressions of a ResponseScope see: the body as JSON or, if
// it is not JSON, as text.
func NewResponseEnv(status int, body []byte) *Env {
	env := NewValueEnv()
	env.Set("status", status)
	env.Set("body", bodyValue(body))
	return env
}

func bodyValue(body []byte) any {
	value, err := event.DecodeJSON(body)
	switch {
	case err == nil:
		return value
	case utf8.Valid(body):
		return string(body)
	default:
		return nil
	}
}

// Missing says whether there is no value just since it is absent, not since
// something is wrong with it.
func (u *Unknown) Missing() bool { return u.kind == missing }

// Uses says whether the expression names a value of its scope.
func (t *Tree) Uses(name string) (used bool) {
	syntax.Walk(t.Root, func(n ast.Node) {
		identifier, ok := n.(*ast.IdentifierNode)
		used = used || ok && identifier.Value == name
	})
	return used
}

// Members are the members of a named value that the expression reads by name, such
// as the columns of a row.
func (t *Tree) Members(name string) (members []string) {
	syntax.Walk(t.Root, func(n ast.Node) {
		member, ok := n.(*ast.MemberNode)
		if !ok {
			return
		}
		base, ok := member.Node.(*ast.IdentifierNode)
		if property, isText := member.Property.(*ast.StringNode); ok && isText && base.Value == name {
			members = append(members, property.Value)
		}
	})
	return members
}

// Constant is the value of an expression that is written out, if it is one.
func (t *Tree) Constant() (any, bool) { return syntax.Literal(t.Root) }

// Kind is what is known of the kind of the expression's value, in words; empty if
// it may be anything.
func (t *Tree) Kind() string { return t.kind }
