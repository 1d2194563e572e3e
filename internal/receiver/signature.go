package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"sync"
)

// Sign returns the signature that MindTickle puts into x-mt-webhook-signature:
// the lower-case hex HMAC-SHA256, keyed with the secret, of the timestamp
// header, a colon and the raw body. The timestamp is signed as it stands,
// whatever it is.
func Sign(secret, timestamp string, body []byte) string {
	return hex.EncodeToString(newMAC(secret).sum(timestamp, body))
}

// parseSignature reads a signature header: 64 hex digits of either case.
func parseSignature(s string) ([]byte, bool) {
	if len(s) != 2*sha256.Size {
		return nil, false
	}
	var digits [2 * sha256.Size]byte
	copy(digits[:], s)
	mac := make([]byte, sha256.Size)
	if _, err := hex.Decode(mac, digits[:]); err != nil {
		return nil, false
	}
	return mac, true
}

// secret is one signing secret with MACs that are keyed already: keying takes
// as long as the MAC of a small body.
type secret struct {
	// key is a pointer since fmt asks no method how to print a field that is
	// not exported: of a pointer it shows the address.
	key  *string
	macs sync.Pool // of *mac
}

func newSecret(key string) *secret {
	return &secret{key: &key, macs: sync.Pool{New: func() any { return newMAC(key) }}}
}

// signed compares in constant time.
func (s *secret) signed(timestamp string, body, sum []byte) bool {
	m := s.macs.Get().(*mac)
	defer s.macs.Put(m)
	return hmac.Equal(m.sum(timestamp, body), sum)
}

func (s *secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// mac is a keyed HMAC with the buffers that make its use free of allocations.
// One goroutine at a time uses it.
type mac struct {
	hash   hash.Hash
	prefix []byte
	result [sha256.Size]byte
}

func newMAC(key string) *mac {
	return &mac{hash: hmac.New(sha256.New, []byte(key))}
}

// sum returns the MAC of timestamp, a colon and body; it is good until the
// next call.
func (m *mac) sum(timestamp string, body []byte) []byte {
	m.hash.Reset()
	m.prefix = append(append(m.prefix[:0], timestamp...), ':')
	m.hash.Write(m.prefix)
	m.hash.Write(body)
	return m.hash.Sum(m.result[:0])
}
