package intake

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/semaphore"

	"heed/engine/event"
)

// ErrOverloaded is what Accept returns when the memory for decoded events stayed
// in use for as long as the caller was ready to wait. Nothing is stored.
var ErrOverloaded = errors.New("too many large events at once")

// A decoded event may take fifty times its body, so what all of them take
// together is bounded. One that is alone may take more.
const (
	maxDecoded = 32 << 20
	// freeWeight is the weight up to which an event is not counted and never
	// waits behind large ones. Ordinary events weigh a quarter of it.
	freeWeight = 16 << 10
)

// decoding is the memory that decoded events share.
type decoding struct {
	budget *semaphore.Weighted
	size   int64
}

func newDecoding(size int64) decoding {
	return decoding{semaphore.NewWeighted(size), size}
}

// start waits until there is memory for a body's value; done gives it back.
func (d decoding) start(ctx context.Context, body []byte) (done func(), err error) {
	weight := min(event.Weight(body), d.size)
	if weight <= freeWeight {
		return func() {}, nil
	}
	if err := d.budget.Acquire(ctx, weight); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOverloaded, err)
	}
	return func() { d.budget.Release(weight) }, nil
}
