package receiver

import (
	"errors"
	"io"
	"sync/atomic"
)

// A body takes memory before its signature can be checked, so the total memory of bodies
// is limited: a client that opens many connections and never finishes a body must not be
// able to exhaust it.
const (
	// maxBodies is how many bytes the bodies of all requests may take at once.
	maxBodies = 32 << 20
	// freeBody is how much of each body is not counted. It is less than its connection
	// takes anyway. Most events are smaller, so they are accepted even when the budget is
	// spent.
	freeBody = 4 << 10
)

// errNoRoom says that the budget for bodies is spent.
var errNoRoom = errors.New("too many bodies at once")

// A budget is a number of bytes shared by requests. It never blocks.
type budget struct{ left atomic.Int64 }

func newBudget(bytes int64) *budget {
	b := &budget{}
	b.left.Store(bytes)
	return b
}

func (b *budget) take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

func (b *budget) give(n int64) { b.left.Add(n) }

// read reads a body of a declared length, or of an unknown one if that is
// negative; from enforces MaxBody. Memory grows with what is received: the buffer
// starts small and doubles. held is how much of the budget the buffer holds; the caller
// gives it back, except after an error.
func (b *budget) read(from io.Reader, declared int) (body []byte, held int64, err error) {
	limit := declared
	if declared < 0 {
		limit = MaxBody + 1
	}
	body = make([]byte, min(limit, freeBody))
	for n := 0; ; {
		got, err := fill(from, body[n:])
		n += got
		switch {
		case n == declared, declared < 0 && err == io.EOF:
			return body[:n], held, nil
		case err == io.EOF:
			err = io.ErrUnexpectedEOF
		case err == nil:
			size := min(2*len(body), limit)
			if more := int64(size - len(body)); b.take(more) {
				held += more
				body = append(make([]byte, 0, size), body...)[:size]
				continue
			}
			err = errNoRoom
		}
		b.give(held)
		return nil, 0, err
	}
}

// fill reads until the buffer is full. Any error is the reader's own, io.EOF
// included.
func fill(from io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var got int
		got, err = from.Read(buffer[n:])
		n += got
	}
	if n == len(buffer) {
		err = nil
	}
	return n, err
}
