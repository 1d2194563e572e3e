package people

import (
	"cmp"
	"slices"
)

// chunkSize is the maximum number of values in a chunk. Larger chunks make insertion
// slower, smaller ones make counting slower.
const chunkSize = 512

// An order keeps values sorted, including duplicates, so that it can quickly count those
// above another. It uses chunks, since inserting into a single list of a hundred thousand
// values would move half of them.
type order struct {
	chunks [][]amount // no chunk is empty
}

// chunk returns the first chunk whose last value is at least v.
func (o *order) chunk(v amount) int {
	i, _ := slices.BinarySearchFunc(o.chunks, v, func(c []amount, v amount) int { return cmp.Compare(c[len(c)-1], v) })
	return i
}

func (o *order) insert(v amount) {
	if len(o.chunks) == 0 {
		o.chunks = [][]amount{{v}}
		return
	}
	i := min(o.chunk(v), len(o.chunks)-1)
	if c := o.chunks[i]; len(c) == chunkSize {
		o.chunks = slices.Insert(o.chunks, i+1, slices.Clone(c[chunkSize/2:]))
		o.chunks[i] = c[:chunkSize/2]
		i = min(o.chunk(v), i+1)
	}
	at, _ := slices.BinarySearch(o.chunks[i], v)
	o.chunks[i] = slices.Insert(o.chunks[i], at, v)
}

// remove removes one occurrence of v, which must exist.
func (o *order) remove(v amount) {
	i := o.chunk(v)
	at, _ := slices.BinarySearch(o.chunks[i], v)
	o.chunks[i] = slices.Delete(o.chunks[i], at, at+1)
	if len(o.chunks[i]) == 0 {
		o.chunks = slices.Delete(o.chunks, i, i+1)
	}
}

// above returns the number of values greater than v.
func (o *order) above(v amount) (n int) {
	i := o.chunk(v + 1)
	if i == len(o.chunks) {
		return 0
	}
	at, _ := slices.BinarySearch(o.chunks[i], v+1)
	n = len(o.chunks[i]) - at
	for _, c := range o.chunks[i+1:] {
		n += len(c)
	}
	return n
}
