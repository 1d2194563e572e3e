package receiver

import (
	"fmt"
	"net/http"
	"time"

	"heed/engine/source"
)

// A verifier checks whether a request is from the sender of its source.
type verifier interface {
	// inspect checks the headers, before the body is read. A refusal may come with an
	// error for the log.
	inspect(r *http.Request) (claim, *refusal, error)
	// verify checks the body, and returns the request's MAC if it is signed.
	verify(c claim, body []byte) (mac []byte, why *refusal)
}

// A claim is what the headers of a request say.
type claim struct {
	keys *Keyring
	// timestamp and id are as received; at is the time of the timestamp.
	timestamp, id string
	at            time.Time
	// macs are concatenated.
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

// secretForm returns the form of a verification's secrets.
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

// closed is the verifier of a source for which nothing can be verified: it refuses
// everything.
type closed struct{ why error }

func (c closed) inspect(*http.Request) (claim, *refusal, error) { return claim{}, unverifiable, c.why }

func (c closed) verify(claim, []byte) ([]byte, *refusal) { return nil, unverifiable }
