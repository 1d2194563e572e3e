package access

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
)

// MinToken is how many characters a token has at least.
const MinToken = 16

// Tokens are the tokens that open the listener. Only their digests are kept.
type Tokens struct{ byDigest map[Digest]Identity }

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// ReadTokens reads a file of tokens: a name, a role and a token a line, apart by
// white space. Empty lines and those that begin with # say nothing. The error
// names the line and never shows a token.
func ReadTokens(text []byte) (*Tokens, error) {
	t := &Tokens{byDigest: map[Digest]Identity{}}
	names := map[string]bool{}
	scanner := bufio.NewScanner(bytes.NewReader(text))
	for line := 1; scanner.Scan(); line++ {
		fields := strings.Fields(scanner.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %d: write a name, a role and a token, such as: nora operator TOKEN", line)
		}
		role, err := parseRole(fields[1])
		switch name := fields[0]; {
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", line, err)
		case !tokenName.MatchString(name):
			return nil, fmt.Errorf("line %d: a name has letters, digits and . _ @ - only", line)
		case names[name]:
			return nil, fmt.Errorf("line %d: the name %s is there twice, and the audit log could not tell them apart",
				line, name)
		case len(fields[2]) < MinToken:
			return nil, fmt.Errorf("line %d: the token is shorter than %d characters: make one with, say, openssl "+
				"rand -hex 24",
				line, MinToken)
		default:
			if err := t.Add(name, role, fields[2]); err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
			names[name] = true
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, err
	}
	if len(t.byDigest) == 0 {
		return nil, fmt.Errorf("there is no token: write a name, a role and a token a line")
	}
	return t, nil
}

// Add adds one token; each may be given once.
func (t *Tokens) Add(name string, role Role, token string) error {
	if t.byDigest == nil {
		t.byDigest = map[Digest]Identity{}
	}
	key := digestOf(token)
	if other, known := t.byDigest[key]; known {
		return fmt.Errorf("the token of %s is that of %s, too", name, other.Name)
	}
	t.byDigest[key] = Identity{Name: name, Role: role, Masked: role < Operator}
	return nil
}

// digestOf returns the digest under which a token is looked up, so that the time of a
// lookup says nothing about the token.
func digestOf(token string) Digest { return sha256.Sum256([]byte("heed token " + token)) }

func (t *Tokens) find(token string) (Identity, Digest, bool) {
	key := digestOf(token)
	who, ok := t.byDigest[key]
	return who, key, ok
}
