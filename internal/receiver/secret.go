package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"sync"
)

// A secret is one signing secret, token or password. It caches keyed MACs, since keying
// takes as long as the MAC of a small body.
type secret struct {
	// key is a pointer because fmt prints unexported fields without calling their
	// methods. Of a pointer it shows only the address.
	key    *string
	digest [sha256.Size]byte
	macs   sync.Pool // of *mac
}

func newSecret(key string) *secret {
	return &secret{
		key: &key, digest: sha256.Sum256([]byte(key)),
		macs: sync.Pool{New: func() any { return newMAC(key) }},
	}
}

// signed returns the one of the MACs that was made with the secret, or nil. It compares
// in constant time.
func (s *secret) signed(f formula, what signed, macs []byte) []byte {
	m := s.macs.Get().(*mac)
	defer s.macs.Put(m)
	sum := m.sum(f, what)
	for ; len(macs) > 0; macs = macs[sha256.Size:] {
		if one := macs[:sha256.Size:sha256.Size]; hmac.Equal(sum, one) {
			return one
		}
	}
	return nil
}

// is compares what a sender gave, by its SHA-256, in constant time.
func (s *secret) is(given [sha256.Size]byte) bool {
	return subtle.ConstantTimeCompare(s.digest[:], given[:]) == 1
}

func (s *secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }
