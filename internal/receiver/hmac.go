package receiver

import (
	"errors"
	"net/http"

	"heed/engine/source"
)

// An hmacVerifier verifies all schemes that sign the body with HMAC-SHA256.
type hmacVerifier struct {
	hmac    source.HMAC
	formula formula
	keys    *sourceKeys
	// signsTimestamp and signsID report whether these are signed, so that they must be
	// present and can be trusted.
	signsTimestamp, signsID bool
}

func newHMACVerifier(h source.HMAC, keys *sourceKeys) *hmacVerifier {
	return &hmacVerifier{
		hmac: h, formula: newFormula(h.Signed), keys: keys,
		signsTimestamp: h.Signs(source.TimestampPart), signsID: h.Signs(source.IDPart),
	}
}

func (v *hmacVerifier) inspect(r *http.Request) (claim, *refusal, error) {
	keys, err := v.keys.get()
	if err != nil {
		return claim{}, unverifiable, err
	}
	c := claim{keys: keys}
	signatures, ok := only(r.Header[v.hmac.SignatureHeader])
	if !ok {
		return c, missingSignature, nil
	}
	if why, err := v.inspectTimestamp(r, &c); why != nil {
		return c, why, err
	}
	if v.signsID {
		if c.id, ok = only(r.Header[v.hmac.IDHeader]); !ok {
			return c, missingID, nil
		}
	}
	if c.macs, ok = parseSignatures(&v.hmac, signatures); !ok {
		return c, badSignature, nil
	}
	return c, nil, nil
}

// inspectTimestamp reads the timestamp if it is signed. An unsigned one is worthless.
func (v *hmacVerifier) inspectTimestamp(r *http.Request, c *claim) (*refusal, error) {
	if !v.signsTimestamp {
		return nil, nil
	}
	var ok bool
	if c.timestamp, ok = only(r.Header[v.hmac.TimestampHeader]); !ok {
		return missingTimestamp, nil
	}
	if c.at, ok = parseTimestamp(c.timestamp); !ok {
		return badTimestamp, errors.New("the timestamp has the form " + formOf(c.timestamp))
	}
	return nil, nil
}

func (v *hmacVerifier) verify(c claim, body []byte) (mac []byte, why *refusal) {
	what := signed{timestamp: c.timestamp, id: c.id, body: body}
	c.keys.accepts(func(s *secret) bool {
		mac = s.signed(v.formula, what, c.macs)
		return mac != nil
	})
	if mac == nil {
		return nil, wrongSignature
	}
	return mac, nil
}
