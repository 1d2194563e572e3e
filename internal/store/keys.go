package store

import "crypto/sha256"

// digest stands for a signature, an id or a body: the first half of its
// SHA-256. Half is enough against accidents and against whoever does not hold
// the signing secret, and keeps the keys small.
type digest [16]byte

func digestOf(data []byte) digest {
	sum := sha256.Sum256(data)
	return digest(sum[:len(digest{})])
}

// idDigest stands for an id among those of a source.
func idDigest(ids, id string) digest {
	if ids != "" {
		id = ids + "\x00" + id
	}
	return digestOf([]byte(id))
}

// key names something that only one event can claim: a kind and a digest.
type key [1 + len(digest{})]byte

const (
	kindID        = 'i' // the id of an accepted event; other is the body
	kindSignature = 's' // a signature; other is the id it came with first
	kindReuse     = 'r' // a signature that came with another id; seq counts how often
)

func keyOf(kind byte, d digest) key {
	k := key{kind}
	copy(k[1:], d[:])
	return k
}

// claim is what is known of a key: the event that has it and when that came.
type claim struct {
	seq        int64
	other      digest
	receivedAt int64
}

// row is a row of keys, after other values.
func (c claim) row(k key, first ...value) []value {
	return append(first, k[:], c.seq, c.other[:], c.receivedAt)
}

// claimOf is a row of keys.
func claimOf(cols []value) (k key, c claim) {
	copy(k[:], cols[0].([]byte))
	c = claim{seq: cols[1].(int64), receivedAt: cols[3].(int64)}
	copy(c.other[:], cols[2].([]byte))
	return k, c
}
