package receiver

import (
	"fmt"
	"net/http"
	"time"

	"heed/engine/source"
)

// verifier says whether a request is from the sender of its source.
type verifier interface {
	// inspect looks at the headers, before the body is read. A refusal may come
	// with an error, which is for the log.
	inspect(r *http.Request) (claim, *refusal, error)
	// verify looks at the body, and returns the request's MAC, if it is signed.
	verify(c claim, body []byte) (mac []byte, why *refusal)
}

// claim is what the headers of a request say.
type claim struct {
	keys *Keyring
	// timestamp and id are as they came; at is the time of the timestamp.
	timestamp, id string
	at            time.Time
	// macs stand one after the other.
	macs []byte
}

// newVerifier returns the verifier of a scheme.
func newVerifier(v *source.Verification, keys *sourceKeys) verifier {
	switch v.Scheme {
	case source.SchemeMindtickle, source.SchemeHMAC, source.SchemeStandardWebhooks, source.SchemeGitHub:
		if err := v.HMAC.Validate(); err != nil {
			return closed{err}
		}
		return newHMACVerifier(v.HMAC, keys)
	case source.SchemeBearer:
		return &bearerVerifier{keys: keys}
	case source.SchemeBasic:
		return newBasicVerifier(v.User, keys)
	default:
		return closed{fmt.Errorf("unknown scheme of verification %q", v.Scheme)}
	}
}

// secretForm says what the secrets of a verification are.
func secretForm(v *source.Verification) form {
	switch v.Scheme {
	case source.SchemeBearer:
		return tokenForm
	case source.SchemeBasic:
		return passwordForm
	default:
		return signingForm(v.HMAC.KeyPrefix)
	}
}

// closed is for a source that nothing can be verified for: it lets nothing through.
type closed struct{ why error }

func (c closed) inspect(*http.Request) (claim, *refusal, error) { return claim{}, unverifiable, c.why }

func (c closed) verify(claim, []byte) ([]byte, *refusal) { return nil, unverifiable }
