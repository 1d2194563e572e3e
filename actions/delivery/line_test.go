package delivery_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine/record"
)

// However an endpoint fails, everything is sent once it works again, and nothing
// twice.
func TestLoop_sendsEverythingOnceAfterAnyFailures(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			s := standard
			s.Concurrency = 1 + r.IntN(4)
			s.Retry = actions.RetryPolicy{Attempts: 1000, Min: time.Second, Max: time.Minute}
			q := newQueue(1+r.IntN(12), "a")
			bad := time.Now().Add(time.Duration(1+r.IntN(60)) * time.Second)
			kinds := 1 + r.IntN(4)
			var mu sync.Mutex
			running, sent := map[string]bool{}, map[string]bool{}
			l := begin(t, q, func(_ context.Context, d record.Delivery) actions.Outcome {
				mu.Lock()
				if running[d.ID] || sent[d.ID] {
					t.Errorf("seed %d: %s is sent again", seed, d.ID)
				}
				running[d.ID] = true
				wait, kind := time.Duration(r.IntN(3000))*time.Millisecond, r.IntN(kinds)
				mu.Unlock()
				time.Sleep(wait)
				mu.Lock()
				defer mu.Unlock()
				running[d.ID] = false
				if time.Now().After(bad) {
					kind = 3
				}
				switch kind {
				case 0:
					return actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "500"}
				case 1:
					return actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "429"}
				case 2:
					return actions.Outcome{Verdict: actions.Retry, Error: "404"}
				}
				sent[d.ID] = true
				return actions.Outcome{Verdict: actions.Done}
			}, settings(s), func(o *delivery.Options) {
				o.Queue = slowQueue{q, func() time.Duration {
					mu.Lock()
					defer mu.Unlock()
					return time.Duration(r.IntN(1000)) * time.Millisecond
				}}
			})
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			_ = l.end()
			for _, d := range q.rows {
				if d.State != record.Done {
					t.Errorf("seed %d: %s is %s after %d attempts", seed, d.ID, d.State, d.Attempts)
				}
			}
		})
	}
}

// slowQueue takes a while to answer, as one on a disk does.
type slowQueue struct {
	*queue
	delay func() time.Duration
}

func (q slowQueue) Exchange(
	ctx context.Context, owner string, now time.Time, ends []delivery.End, takes []delivery.Take,
) (delivery.Claimed, error) {
	claimed, err := q.queue.Exchange(ctx, owner, now, ends, takes)
	time.Sleep(q.delay())
	return claimed, err
}

// What is claimed while the last send fails takes its turn all the same.
func TestLoop_sendsWhatWasClaimedWhileASendFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standard
		s.Concurrency, s.Retry.Attempts = 1, 1
		q := newQueue(1, "a")
		l := begin(t, q, func(_ context.Context, d record.Delivery) actions.Outcome {
			if d.ID == "a-0" {
				time.Sleep(100 * time.Millisecond)
				return actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 503"}
			}
			return actions.Outcome{Verdict: actions.Done}
		}, settings(s), func(o *delivery.Options) {
			o.Queue = slowQueue{q, func() time.Duration { return 50 * time.Millisecond }}
		})
		time.Sleep(120 * time.Millisecond) // the first fails at 150 ms
		q.add("a", "b")
		time.Sleep(time.Second)
		synctest.Wait()
		if d := q.row("b"); d.State != record.Done || d.Attempts != 1 {
			t.Errorf("it is %s after %d attempts, due %s", d.State, d.Attempts, d.DueAt)
		}
		time.Sleep(10 * time.Minute)
		if d := q.row("b"); d.State != record.Done {
			t.Errorf("later it is %s after %d attempts", d.State, d.Attempts)
		}
		_ = l.end()
	})
}

// A mail that one recipient has got is not dead because the next attempt, for
// another, is refused for good.
func TestLoop_whatSomeRecipientsGotIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, "mail")
		l := begin(t, q, func(context.Context, record.Delivery) actions.Outcome {
			return actions.Outcome{Verdict: actions.Dead, Error: "554 refused", Recipients: []record.Recipient{
				{Address: "a@example.com", State: record.Done}, {Address: "b@example.com", State: record.Pending},
			}}
		})
		synctest.Wait()
		if d := q.row("mail-0"); d.State != record.Done || d.LastError != "554 refused" {
			t.Errorf("%+v", d)
		}
		_ = l.end()
	})
}
