package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"

	"heed/engine/source"
)

// Sign returns the signature that MindTickle puts in its header: the lower-case hex
// HMAC-SHA256, keyed with the secret, of the timestamp header, a colon and the raw body.
// The timestamp is signed as it is, whatever it is.
func Sign(secret, timestamp string, body []byte) string {
	return hex.EncodeToString(newMAC(secret).sum(mindtickleFormula, signed{timestamp: timestamp, body: body}))
}

var mindtickleFormula = newFormula(source.MindtickleHMAC.Signed)

// signed holds the parts of a request that may be signed, as received.
type signed struct {
	timestamp, id string
	body          []byte
}

// A mac is a keyed HMAC with buffers that avoid allocations. It must not be used
// concurrently.
type mac struct {
	hash   hash.Hash
	text   []byte
	result [sha256.Size]byte
}

func newMAC(key string) *mac {
	return &mac{hash: hmac.New(sha256.New, []byte(key))}
}

// sum returns the MAC of the text that the formula makes of a request. It is valid until
// the next call.
func (m *mac) sum(f formula, s signed) []byte {
	m.hash.Reset()
	m.text = m.text[:0]
	for i := range f {
		switch f[i].kind {
		case literal:
			m.text = append(m.text, f[i].text...)
		case timestampPart:
			m.text = append(m.text, s.timestamp...)
		case idPart:
			m.text = append(m.text, s.id...)
		case bodyPart:
			m.hash.Write(m.text)
			m.hash.Write(s.body)
			m.text = m.text[:0]
		}
	}
	if len(m.text) > 0 {
		m.hash.Write(m.text)
	}
	return m.hash.Sum(m.result[:0])
}

// parseSignatures reads a signature header. The MACs stand one after the other,
// each of sha256.Size bytes. Of a list, what has another prefix or form is left
// out: it is of another version of the scheme.
func parseSignatures(h *source.HMAC, value string) (macs []byte, ok bool) {
	if !h.List {
		return appendSignature(nil, h, value)
	}
	for one := range strings.FieldsSeq(value) {
		macs, _ = appendSignature(macs, h, one)
	}
	return macs, len(macs) > 0
}

func appendSignature(macs []byte, h *source.HMAC, s string) ([]byte, bool) {
	s, ok := strings.CutPrefix(s, h.Prefix)
	if !ok {
		return macs, false
	}
	mac, ok := decodeSignature(h.Encoding, s)
	if !ok {
		return macs, false
	}
	return append(macs, mac[:]...), true
}

// encodedSize is the length of the longer of the two forms of a MAC.
const encodedSize = 2 * sha256.Size

// decodeSignature decodes 64 hex digits of either case, or 44 characters of base64.
func decodeSignature(encoding source.Encoding, s string) (mac [sha256.Size]byte, ok bool) {
	var text [encodedSize]byte
	switch {
	case encoding == source.Hex && len(s) == encodedSize:
		copy(text[:], s)
		_, err := hex.Decode(mac[:], text[:])
		return mac, err == nil
	case encoding == source.Base64 && len(s) == base64.StdEncoding.EncodedLen(sha256.Size):
		// The decoder needs space for the padding, and ignores line breaks.
		var decoded [sha256.Size + 1]byte
		n, err := base64.StdEncoding.Strict().Decode(decoded[:], text[:copy(text[:], s)])
		copy(mac[:], decoded[:])
		return mac, err == nil && n == sha256.Size
	default:
		return mac, false
	}
}
