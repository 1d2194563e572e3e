package people

import (
	"cmp"
	"slices"
)

// chunkSize is how many values a chunk has at most. Bigger ones cost more to
// insert into, smaller ones more to count over.
const chunkSize = 512

// order keeps values sorted, equal ones too, so that it can say at once how
// many are above another: in chunks, since to insert into one list of a
// hundred thousand would move half of it.
type order struct {
	chunks [][]amount // none is empty
}

// chunk returns the first chunk that ends with v or more.
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

// remove takes one such value out, which must be there.
func (o *order) remove(v amount) {
	i := o.chunk(v)
	at, _ := slices.BinarySearch(o.chunks[i], v)
	o.chunks[i] = slices.Delete(o.chunks[i], at, at+1)
	if len(o.chunks[i]) == 0 {
		o.chunks = slices.Delete(o.chunks, i, i+1)
	}
}

// above is how many values are greater than v.
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
