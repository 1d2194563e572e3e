package store

import "encoding/binary"

// keyFilter is a Bloom filter of the keys of a run: a key that it does not hold is
// not in the run. Without it, each new event would be looked for in every run.
//
// All bits of a key are in one block of 64 bytes, so that a look takes one line of
// the processor's cache. Keys are digests, whose bytes are as good as random: they
// need no other hash.
type keyFilter []byte

const (
	filterBlock  = 64 // bytes
	bytesPerKey  = 2  // of the filter; about one of 500 other keys passes
	bitsPerKey   = 6
	bitsPerBlock = 8 * filterBlock
)

// newKeyFilter makes an empty filter for so many keys.
func newKeyFilter(keys int) keyFilter {
	blocks := max(1, (keys*bytesPerKey+filterBlock-1)/filterBlock)
	return make(keyFilter, blocks*filterBlock)
}

// block is the part of the filter in which the key's bits are, and the bits.
func (f keyFilter) block(k key) (block []byte, bits uint64) {
	d := k[1:]
	n := uint64(binary.BigEndian.Uint32(d)) * uint64(len(f)/filterBlock) >> 32 * filterBlock
	return f[n : n+filterBlock], binary.BigEndian.Uint64(d[4:])
}

func (f keyFilter) add(k key) {
	block, bits := f.block(k)
	for range bitsPerKey {
		bit := bits % bitsPerBlock
		block[bit/8] |= 1 << (bit % 8)
		bits /= bitsPerBlock
	}
}

// mayHold says whether the run may have the key.
func (f keyFilter) mayHold(k key) bool {
	block, bits := f.block(k)
	for range bitsPerKey {
		bit := bits % bitsPerBlock
		if block[bit/8]&(1<<(bit%8)) == 0 {
			return false
		}
		bits /= bitsPerBlock
	}
	return true
}
