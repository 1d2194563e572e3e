package storetest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine/record"
)

// loopTests run several delivery loops over one store, as several processes do.
var loopTests = map[string]func(*testing.T, Store){
	"loops at once send each delivery once, at one rate": testLoopsAtOnce,
}

func testLoopsAtOnce(t *testing.T, s Store) { loopsAtOnce(t, []Store{s, s, s}) }

// loopsAtOnce runs a loop over each of the stores, which are the same one.
func loopsAtOnce(t *testing.T, queues []Store) {
	s := queues[0]
	const sends, rate = 60, 100
	var mu sync.Mutex
	var started []time.Time
	times := map[string]int{}
	ctx, stop := context.WithCancel(t.Context())
	var loops, begun sync.WaitGroup // begun once each has taken over
	for _, queue := range queues {
		begun.Add(1)
		begin := sync.OnceFunc(begun.Done)
		l, err := delivery.New(delivery.Options{
			Queue: queue,
			Deliver: func(_ context.Context, d record.Delivery) actions.Outcome {
				mu.Lock()
				defer mu.Unlock()
				started = append(started, time.Now())
				times[d.ID]++
				return actions.Outcome{Verdict: actions.Done}
			},
			Actions: func() []string { begin(); return known },
			Settings: func(string) actions.Settings {
				return actions.Settings{
					Retry: actions.DefaultRetry, Timeout: time.Second, Concurrency: 8, Rate: rate, RatePer: time.Second,
				}
			},
			Now: time.Now, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		loops.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	begun.Wait()
	for i := range sends {
		commitPending(t, s, fmt.Sprint("e", i), time.Now(), "slack")
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if pending, err := s.PendingByAction(t.Context()); err != nil || pending["slack"] == 0 {
			break
		}
	}
	stop()
	loops.Wait()
	equal(t, "sent", len(times), sends)
	for id, n := range times {
		if n != 1 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
	if took, least := started[len(started)-1].Sub(started[0]), (sends-2)*time.Second/rate; took < least*9/10 {
		t.Errorf("they were sent within %s, which takes %s at the rate", took, least)
	}
}
