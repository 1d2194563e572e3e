package event

import "bytes"

// Weight bounds how many bytes of memory the value takes that Decode makes of a
// body, from how many objects, lists and entries the body can have. It may be
// fifty times the body's length and more. Brackets and commas inside of texts
// count too, so it can be too much, but not too little.
func Weight(body []byte) int64 {
	// Measured: a map with its first eight places, a list with its first, and
	// the place of an entry in either, grown to twice what is needed.
	const object, list, entry = 352, 64, 128
	return 2*int64(len(body)) +
		object*int64(bytes.Count(body, []byte{'{'})) +
		list*int64(bytes.Count(body, []byte{'['})) +
		entry*int64(bytes.Count(body, []byte{','}))
}
