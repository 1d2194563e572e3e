package receiver

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// authorization is the header of the schemes bearer and basic.
const authorization = "Authorization"

// A bearerVerifier verifies a token (RFC 6750).
type bearerVerifier struct{ keys *sourceKeys }

func (v *bearerVerifier) inspect(r *http.Request) (claim, *refusal, error) {
	keys, err := v.keys.get()
	if err != nil {
		return claim{}, unverifiable, err
	}
	token, ok := bearerToken(r.Header[authorization])
	if !ok {
		return claim{}, missingToken, nil
	}
	given := sha256.Sum256([]byte(token))
	if !keys.accepts(func(s *secret) bool { return s.is(given) }) {
		return claim{}, wrongCredentials, nil
	}
	return claim{}, nil, nil
}

func (v *bearerVerifier) verify(claim, []byte) ([]byte, *refusal) { return nil, nil }

func bearerToken(values []string) (string, bool) {
	value, ok := only(values)
	if !ok {
		return "", false
	}
	scheme, token, _ := strings.Cut(value, " ")
	token = strings.Trim(token, " ")
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// A basicVerifier verifies a user and a password (RFC 7617).
type basicVerifier struct {
	user [sha256.Size]byte
	keys *sourceKeys
}

func newBasicVerifier(user string, keys *sourceKeys) *basicVerifier {
	return &basicVerifier{user: sha256.Sum256([]byte(user)), keys: keys}
}

func (v *basicVerifier) inspect(r *http.Request) (claim, *refusal, error) {
	keys, err := v.keys.get()
	if err != nil {
		return claim{}, unverifiable, err
	}
	user, password, ok := r.BasicAuth()
	if _, once := only(r.Header[authorization]); !ok || !once {
		return claim{}, missingPassword, nil
	}
	givenUser, given := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	known := keys.accepts(func(s *secret) bool { return s.is(given) })
	if subtle.ConstantTimeCompare(v.user[:], givenUser[:]) != 1 || !known {
		return claim{}, wrongCredentials, nil
	}
	return claim{}, nil, nil
}

func (v *basicVerifier) verify(claim, []byte) ([]byte, *refusal) { return nil, nil }
