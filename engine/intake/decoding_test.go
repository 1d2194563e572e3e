package intake_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"heed/engine/intake"
	"heed/engine/source"
	"heed/engine/state"
)

// gate is a store in which commits wait until it is opened.
type gate struct {
	intake.Store
	mu      sync.Mutex
	waiting int
	open    chan struct{}
}

func (g *gate) Muted(_, _ string, _ time.Time) (state.Mute, bool) { return state.Mute{}, false }

func (g *gate) Commit(context.Context, ...*intake.Batch) error {
	g.mu.Lock()
	g.waiting++
	g.mu.Unlock()
	<-g.open
	return nil
}

// Of bodies that are small and grow large when they are decoded few are decoded
// at once; ordinary events do not wait for them.
func TestAccept_decodesFewLargeEventsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		f := newFront(t, func(o *intake.Options) { o.Store, o.Stored, o.Learn = g, nil, nil })
		large := `{"event":"quiz.submitted","companyId":"acme","data":{"a":[` + strings.Repeat("{},", 1<<15) + `0]}}`
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var mu sync.Mutex
		overloaded := 0
		for range 20 {
			go func() {
				_, err := f.Accept(ctx, intake.Request{
					Source: source.MindtickleSource(), ID: "e", SignedAt: noon,
					Signature: []byte("s"), Body: []byte(large),
				})
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, intake.ErrOverloaded) {
					overloaded++
				} else if err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		if g.waiting != 2 { // 16 MiB each
			t.Errorf("%d are decoded", g.waiting)
		}
		go func() {
			if _, err := f.Accept(ctx, intake.Request{
				Source: source.MindtickleSource(), ID: "f", SignedAt: noon,
				Signature: []byte("f"), Body: []byte(quiz),
			}); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if g.waiting != 3 {
			t.Error("an ordinary event waits for large ones")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if overloaded != 18 {
			t.Errorf("%d gave up", overloaded)
		}
		close(g.open)
		synctest.Wait()
		if _, err := f.Accept(t.Context(), intake.Request{
			Source: source.MindtickleSource(), ID: "g", SignedAt: noon,
			Signature: []byte("g"), Body: []byte(large),
		}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
