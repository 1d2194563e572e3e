// Package access owns who may do what on the admin listener: roles, the tokens
// that give them, the sessions of browsers, and the gate that every request
// passes. It knows nothing of heed's data. internal/admin reads from a context who
// asks; internal/admin/api, internal/admin/console and internal/app use the rest.
package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Role is what somebody may do. A role may do all that those before it may.
type Role int

// The roles. Nobody may do nothing. A Viewer reads, with personal values masked;
// an Operator acts, and may reveal values; Rules may also write rule files.
const (
	Nobody Role = iota
	Viewer
	Operator
	Rules
)

var roleNames = []string{"nobody", "viewer", "operator", "rules"}

func (r Role) String() string { return roleNames[r] }

// parseRole reads a role by its name.
func parseRole(name string) (Role, error) {
	if i := slices.Index(roleNames, name); i > 0 {
		return Role(i), nil
	}
	return Nobody, fmt.Errorf("%q is not a role: write %s", name, strings.Join(roleNames[1:], ", "))
}

// Identity is who asks.
type Identity struct {
	// Name is that of the token; "local" where the listener asks for none.
	Name string
	Role Role
	// Masked says that personal values are to be shown by pseudonyms.
	Masked bool
}

type contextKey struct{}

// With returns a context that carries an identity.
func With(ctx context.Context, who Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, who)
}

// Of returns the identity that a context carries. Without one, heed itself or the
// command line on the data directory is asking, and may do everything.
func Of(ctx context.Context) Identity {
	if who, ok := ctx.Value(contextKey{}).(Identity); ok {
		return who
	}
	return Local
}

// Local is whoever asks on loopback without a token.
var Local = Identity{Name: "local", Role: Rules}
