package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine/record"
)

// limitedAPI accepts so many requests in each second and answers 429 to the
// others, as most APIs do.
type limitedAPI struct {
	mu     sync.Mutex
	perSec int
	after  time.Duration // its Retry-After
	second int64
	taken  int
	calls  int
}

func (a *limitedAPI) deliver(context.Context, record.Delivery) actions.Outcome {
	time.Sleep(20 * time.Millisecond)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	if now := time.Now().Unix(); now != a.second {
		a.second, a.taken = now, 0
	}
	if a.taken++; a.taken > a.perSec {
		return actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "answered 429", After: a.after}
	}
	return actions.Outcome{Verdict: actions.Done}
}

func TestLoop_findsTheRateOfAnAPI(t *testing.T) {
	for _, c := range []struct {
		perSec, concurrency int
		after               time.Duration
	}{{5, 32, 0}, {5, 32, time.Second}, {5, 8, 0}, {5, 1, time.Second}, {10, 32, 0}, {20, 32, time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(30*c.perSec, "api")
			s := standard
			s.Retry, s.Concurrency = actions.DefaultRetry, c.concurrency
			api := &limitedAPI{perSec: c.perSec, after: c.after}
			begun := time.Now()
			l := begin(t, q, api.deliver, settings(s))
			for q.count(record.Done) < 30*c.perSec && time.Since(begun) < 2*time.Minute {
				time.Sleep(100 * time.Millisecond)
			}
			took := time.Since(begun)
			_ = l.end()
			t.Logf("%d/s, Retry-After %s, concurrency %d: %d calls in %s", c.perSec, c.after, c.concurrency, api.calls, took)
			if took > 45*time.Second || api.calls > 40*c.perSec {
				t.Errorf("%d/s, Retry-After %s, concurrency %d: %d calls for %d deliveries in %s",
					c.perSec, c.after, c.concurrency, api.calls, 30*c.perSec, took)
			}
		})
	}
}

func TestLoop_retryAfterHoldsTheDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, "api")
		s := standard
		s.Concurrency = 8
		l := begin(t, q, func(context.Context, record.Delivery) actions.Outcome {
			return actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "answered 429", After: 12 * time.Second}
		}, settings(s))
		synctest.Wait()
		for i := range 20 {
			q.add("api", fmt.Sprint("later-", i))
		}
		time.Sleep(11900 * time.Millisecond)
		if n := len(l.all()); n != 1 {
			t.Errorf("%d attempts within the 12 s", n)
		}
		time.Sleep(12 * time.Second)
		if n := len(l.all()); n != 2 {
			t.Errorf("%d attempts within twice 12 s", n)
		}
		_ = l.end()
	})
}

// Bad payloads are answered by 500 as a server out of order does. The good ones
// among them must not wait, wherever in the queue they are.
func TestLoop_poisonDeliveriesDoNotBlockGoodOnes(t *testing.T) {
	for _, goodAt := range [][]int{{12, 13, 14}, {0, 1, 2}, {6, 7, 8}, {0, 7, 14}, {11, 12, 13}, {5, 6, 14}} {
		for _, concurrency := range []int{1, 2, 8, 32} {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(0)
				for i := range 15 {
					kind := "bad"
					if slices.Contains(goodAt, i) {
						kind = "good"
					}
					q.add("api", fmt.Sprintf("%s-%d", kind, i))
				}
				s := standard
				s.Retry, s.Concurrency = actions.DefaultRetry, concurrency
				begun := time.Now()
				var last time.Duration
				var mu sync.Mutex
				l := begin(t, q, func(ctx context.Context, d record.Delivery) actions.Outcome {
					if strings.HasPrefix(d.ID, "bad") {
						return actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 500"}
					}
					mu.Lock()
					defer mu.Unlock()
					last = time.Since(begun)
					return succeed(ctx, d)
				}, settings(s))
				time.Sleep(time.Minute)
				_ = l.end()
				if n := q.count(record.Done); n != 3 || last > 5*time.Second {
					t.Errorf("good at %v, concurrency %d: %d of 3 sent, the last after %s", goodAt, concurrency, n, last)
				}
			})
		}
	}
}

func TestLane_isAtRestUntilSomethingHappens(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	var lane delivery.Lane
	if n := lane.Admit(32, now, 0, time.Minute); n != 32 || !lane.IsRest(now) {
		t.Errorf("admitted %d, %+v", n, lane)
	}
	lane.Ended(actions.Outcome{Verdict: actions.Done}, now, now)
	if !lane.IsRest(now) {
		t.Errorf("after a success: %+v", lane)
	}
	if n := lane.Admit(32, now, time.Second, time.Minute); n != 1 || lane.IsRest(now) || !lane.IsRest(now.Add(time.Second)) {
		t.Errorf("with a rate: admitted %d, %+v", n, lane)
	}
	if open, wait := lane.NextStart(); wait != delivery.WaitRate || !open.Equal(now.Add(time.Second)) {
		t.Errorf("it opens at %s, %s", open, wait)
	}
}

func TestLane_forgetsItsPaceAfterAWhile(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	var lane delivery.Lane
	lane.Ended(actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseThrottled, After: time.Second}, now, now)
	for range 30 {
		now = now.Add(time.Second)
		if lane.Admit(1, now, 0, time.Minute) > 0 {
			lane.Ended(actions.Outcome{Verdict: actions.Done}, now, now)
		}
	}
	if !lane.IsRest(now.Add(time.Second)) {
		t.Errorf("half a minute of successes later: %+v", lane)
	}
}

func TestChange_saysWhyALaneIsClosed(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for want, o := range map[string]actions.Outcome{
		delivery.WaitRetryAfter: {Verdict: actions.Retry, Cause: actions.CauseThrottled, After: time.Minute},
		delivery.WaitFailing:    {Verdict: actions.Retry, Cause: actions.CauseServer},
	} {
		var lane, before delivery.Lane
		for range 5 {
			lane.Ended(o, now, now)
		}
		if open, wait := lane.NextStart(); wait != want || !open.After(now) {
			t.Errorf("%s: %s until %s", want, wait, open)
		}
		if change, ok := lane.Change(&before); !ok || change != want {
			t.Errorf("%s: the change is %q, %t", want, change, ok)
		}
	}
}
