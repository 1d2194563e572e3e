package event

import "bytes"

// Weight returns an upper bound, in bytes of memory, for the value that Decode makes of a
// body. It can be more than fifty times the body's length. It counts the objects, lists
// and entries that the body can have. It also counts brackets and commas inside of texts,
// so it may overestimate, but never underestimates.
func Weight(body []byte) int64 {
	// Measured: a map with its first eight slots, a list with its first, and the slot of
	// an entry in either, after growing to twice what is needed.
	const object, list, entry = 352, 64, 128
	return 2*int64(len(body)) +
		object*int64(bytes.Count(body, []byte{'{'})) +
		list*int64(bytes.Count(body, []byte{'['})) +
		entry*int64(bytes.Count(body, []byte{','}))
}
