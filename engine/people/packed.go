package people

import (
	"encoding/binary"
	"iter"
	"slices"
)

// packed are the rows of one person in the order of the numbers of their items. There
// may be millions of rows, so they are encoded: one takes 17 to 27 bytes instead of 72.
//
// A row is the number of its item, a byte with the length of what follows, whose
// highest bit says that the row is not saved, and then its amounts and times. All
// numbers are varints.
type packed []byte

// unsavedBit is a free bit of the length, which is at most 8 numbers of 10 bytes.
const unsavedBit = 0x80

// An entry is the position of a row: from start to end, with its length at header.
type entry struct{ start, header, end int }

// entries yields the item number and the position of each row.
func (p packed) entries() iter.Seq2[uint32, entry] {
	return func(yield func(uint32, entry) bool) {
		for at := 0; at < len(p); {
			item, n := binary.Uvarint(p[at:])
			header := at + n
			end := header + 1 + int(p[header]&^unsavedBit)
			if !yield(uint32(item), entry{at, header, end}) {
				return
			}
			at = end
		}
	}
}

// locate returns the position of an item's row, or where it would be inserted.
func (p packed) locate(item uint32) (e entry, found bool) {
	for number, e := range p.entries() {
		if number >= item {
			if number == item {
				return e, true
			}
			return entry{e.start, e.start, e.start}, false
		}
	}
	return entry{len(p), len(p), len(p)}, false
}

// len returns the number of rows.
func (p packed) len() (n int) {
	for range p.entries() {
		n++
	}
	return n
}

// find returns the row of an item.
func (p packed) find(item uint32) (row, bool) {
	if e, found := p.locate(item); found {
		return p.row(item, e), true
	}
	return row{}, false
}

// all yields every row.
func (p packed) all() iter.Seq[row] {
	return func(yield func(row) bool) {
		for item, e := range p.entries() {
			if !yield(p.row(item, e)) {
				return
			}
		}
	}
}

// put adds a row, or replaces the row of the same item, and marks it as unsaved.
func (p *packed) put(r row) {
	var buffer [10 * binary.MaxVarintLen64]byte
	encoded := binary.AppendUvarint(buffer[:0], uint64(r.item))
	header := len(encoded)
	encoded = r.encode(append(encoded, 0))
	encoded[header] = unsavedBit | byte(len(encoded)-header-1)
	e, _ := p.locate(r.item)
	p.replace(e, encoded)
}

// drop deletes the row of an item.
func (p *packed) drop(item uint32) {
	if e, found := p.locate(item); found {
		p.replace(e, nil)
	}
}

// replace replaces the bytes of an entry. It allocates only what is needed; append would
// allocate twice as much.
func (p *packed) replace(e entry, with []byte) {
	if len(*p)-(e.end-e.start)+len(with) <= cap(*p) {
		*p = slices.Replace(*p, e.start, e.end, with...)
	} else {
		*p = slices.Concat((*p)[:e.start], with, (*p)[e.end:])
	}
}

// setUnsaved marks the row of an item as unsaved, if it exists.
func (p packed) setUnsaved(item uint32) {
	if e, found := p.locate(item); found {
		p[e.header] |= unsavedBit
	}
}

// takeUnsaved yields the unsaved rows, and marks them as saved.
func (p packed) takeUnsaved() iter.Seq[row] {
	return func(yield func(row) bool) {
		for item, e := range p.entries() {
			if p[e.header]&unsavedBit == 0 {
				continue
			}
			p[e.header] &^= unsavedBit
			if !yield(p.row(item, e)) {
				return
			}
		}
	}
}

// encode appends the row without its item.
func (r *row) encode(b []byte) []byte {
	for _, a := range [...]amount{r.progress, r.seconds, r.best, r.last} {
		b = appendAmount(b, a)
	}
	b = appendTime(b, r.firstAt, 0)
	for _, at := range [...]int64{r.lastAt, r.scoredAt, r.completedAt} {
		b = appendTime(b, at, r.firstAt)
	}
	return b
}

// row decodes an entry.
func (p packed) row(item uint32, e entry) row {
	r, b := row{item: item}, []byte(p[e.header+1:e.end])
	for _, a := range [...]*amount{&r.progress, &r.seconds, &r.best, &r.last} {
		b = takeAmount(b, a)
	}
	b = takeTime(b, &r.firstAt, 0)
	for _, at := range [...]*int64{&r.lastAt, &r.scoredAt, &r.completedAt} {
		b = takeTime(b, at, r.firstAt)
	}
	return r
}

// appendAmount encodes none as 0, whole amounts as odd numbers and others as even
// numbers, since most amounts are whole.
func appendAmount(b []byte, a amount) []byte {
	switch {
	case a == none:
		return binary.AppendUvarint(b, 0)
	case a%unit == 0:
		return binary.AppendUvarint(b, uint64(a/unit)<<1|1)
	default:
		return binary.AppendUvarint(b, uint64(a)<<1)
	}
}

func takeAmount(b []byte, a *amount) (rest []byte) {
	v, n := binary.Uvarint(b)
	switch {
	case v == 0:
		*a = none
	case v&1 == 1:
		*a = amount(v>>1) * unit
	default:
		*a = amount(v >> 1)
	}
	return b[n:]
}

// appendTime encodes never as 0, and any other time as its distance from another time,
// where distances of 0 or more are increased by one.
func appendTime(b []byte, at, from int64) []byte {
	if at == 0 {
		return binary.AppendVarint(b, 0)
	}
	distance := at - from
	if distance >= 0 {
		distance++
	}
	return binary.AppendVarint(b, distance)
}

func takeTime(b []byte, at *int64, from int64) (rest []byte) {
	distance, n := binary.Varint(b)
	switch {
	case distance == 0:
		*at = 0
	case distance > 0:
		*at = from + distance - 1
	default:
		*at = from + distance
	}
	return b[n:]
}
