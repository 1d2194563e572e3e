package expression

import (
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/types"

	"heed/engine/event"
	"heed/engine/expression/syntax"
)

// A Named is a value that expressions see under a name.
type Named struct {
	Name string
	// Kind is its kind. If Texts is set, it is an Object whose values are text.
	Kind  event.Kind
	Texts bool
}

// ValueScope returns the scope of expressions that see only the given values and no
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

// ResponseScope returns the scope of expressions on an HTTP response: its status and
// body.
func ResponseScope() *Scope {
	return ValueScope(Named{Name: "status", Kind: event.Number}, Named{Name: "body", Kind: event.Any})
}

// NewValueEnv returns the environment for a ValueScope. Values are set with Set.
func NewValueEnv() *Env {
	env := &Env{names: map[string]any{}}
	env.frame.env = env
	env.begin()
	return env
}

// NewResponseEnv returns the environment for a ResponseScope. The body is parsed as JSON,
// or is text if it is not JSON.
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

// Missing reports whether there is no value only because it is absent, not because
// something is wrong with it.
func (u *Unknown) Missing() bool { return u.kind == missing }

// Uses reports whether the expression uses the given name.
func (t *Tree) Uses(name string) (used bool) {
	syntax.Walk(t.Root, func(n ast.Node) {
		identifier, ok := n.(*ast.IdentifierNode)
		used = used || ok && identifier.Value == name
	})
	return used
}

// Members returns the members of a named value that the expression reads, such as the
// columns of a row.
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

// Constant returns the value of an expression that is a literal, and whether it is one.
func (t *Tree) Constant() (any, bool) { return syntax.Literal(t.Root) }

// Kind returns what is known of the kind of the expression's value, in words, or "" if it
// may be anything.
func (t *Tree) Kind() string { return t.kind }
