package people

import "slices"

// A front keeps the first elements of many in an order without sorting them all: it
// collects a batch, then keeps only as many as are wanted.
type front[T any] struct {
	limit   int // 0 for all
	compare func(a, b T) int
	list    []T // after each choice, its first elements are sorted
	chosen  bool
}

func (f *front[T]) add(v T) {
	if f.chosen && f.compare(v, f.list[f.limit-1]) > 0 {
		return
	}
	f.list = append(f.list, v)
	if f.limit > 0 && len(f.list) >= 2*f.limit+64 {
		f.sorted()
	}
}

// sorted returns the first elements, in order.
func (f *front[T]) sorted() []T {
	slices.SortFunc(f.list, f.compare)
	if f.limit > 0 && len(f.list) >= f.limit {
		f.list, f.chosen = f.list[:f.limit], true
	}
	return f.list
}
