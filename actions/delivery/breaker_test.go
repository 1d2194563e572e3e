package delivery_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine/record"
)

// outage fails every send until the time.
func outage(until time.Time) func(context.Context, record.Delivery) actions.Outcome {
	return func(ctx context.Context, d record.Delivery) actions.Outcome {
		if time.Now().Before(until) {
			return actions.Outcome{Verdict: actions.Retry, Error: "answered 503"}
		}
		return succeed(ctx, d)
	}
}

func TestAnActionThatIsOutOfOrderCostsItsDeliveriesNoAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100, "down")
		begun := time.Now()
		var logs bytes.Buffer
		l := begin(t, q, outage(begun.Add(10*time.Minute)), func(o *delivery.Options) {
			o.Log = slog.New(slog.NewTextHandler(&logs, nil))
		})
		time.Sleep(9*time.Minute + 45*time.Second)
		if n := len(l.all()); n < 5+19 || n > 6+19 {
			t.Errorf("%d attempts: 5, and one each half minute, would do", n)
		}
		if n := q.count(record.Dead); n > 0 {
			t.Errorf("%d deliveries were given up", n)
		}
		time.Sleep(45 * time.Second) // what failed in the end waits for its own time
		synctest.Wait()
		if n := q.count(record.Done); n < 95 {
			t.Errorf("%d of 100 were sent within half a minute of the mending", n)
		}
		time.Sleep(2 * time.Minute)
		_ = l.end()
		if n := q.count(record.Done); n != 100 {
			t.Errorf("%d of 100 were sent in the end", n)
		}
		if text := logs.String(); strings.Count(text, "\n") != 2 || strings.Count(text, "an action fails again and again") != 1 || strings.Count(text, "an action works again") != 1 || strings.Count(text, "action=down") != 2 {
			t.Errorf("the log says\n%s", text)
		}
	})
}

func TestOneTrialIsMadeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100, "down")
		s := standard
		s.Concurrency, s.Timeout = 8, time.Minute
		l := begin(t, q, func(ctx context.Context, d record.Delivery) actions.Outcome {
			time.Sleep(20 * time.Second)
			return actions.Outcome{Verdict: actions.Retry, Error: "timeout"}
		}, settings(s))
		time.Sleep(20*time.Second + time.Millisecond)
		if n := len(l.all()); n < 8 || n > 12 {
			t.Fatalf("%d attempts before it opened", n)
		}
		time.Sleep(20 * time.Second) // what began before has ended
		before := len(l.all())
		time.Sleep(29*time.Second + 5*50*time.Second)
		if n := len(l.all()) - before; n != 6 {
			t.Errorf("%d trials of 20 s, half a minute apart, in 279 s", n)
		}
		_ = l.end()
	})
}

// Row 34, for the breaker.
func TestAClockThatJumpsNeitherOpensNorKeepsTheBreaker(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(100, "down")
			var offset atomic.Int64
			l := begin(t, q, outage(time.Now().Add(20*time.Second)), func(o *delivery.Options) {
				o.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())).Round(0) }
			})
			time.Sleep(10 * time.Second)
			offset.Store(int64(jump))
			q.signal()
			time.Sleep(19 * time.Second)
			if n := len(l.all()); n > 6 {
				t.Errorf("a jump of %s: %d attempts while it is open", jump, n)
			}
			time.Sleep(2 * time.Second)
			if n := q.count(record.Done); n < 94 {
				t.Errorf("a jump of %s: %d of 100 were sent when half a minute was over", jump, n)
			}
			_ = l.end()
		})
	}
}

// A send that began before the outage can end well long after: it does not say
// that the outage is over.
func TestWhatBeganBeforeTheOutageDoesNotEndIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(50, "a")
		l := begin(t, q, func(ctx context.Context, d record.Delivery) actions.Outcome {
			if d.ID == "a-0" {
				time.Sleep(10 * time.Second)
				return succeed(ctx, d)
			}
			return actions.Outcome{Verdict: actions.Retry, Error: "answered 500"}
		})
		time.Sleep(29 * time.Second)
		if n := len(l.all()); n != 6 || q.row("a-0").State != record.Done {
			t.Errorf("%d attempts", n)
		}
		_ = l.end()
	})
}

func TestWhatSpeaksForOneDeliveryOnlyStopsNoOther(t *testing.T) {
	for name, outcome := range map[string]actions.Outcome{
		"refused for good":  {Verdict: actions.Dead, Error: "answered 404"},
		"asked for a wait":  {Verdict: actions.Retry, Error: "answered 429", After: time.Minute},
		"a success between": {},
	} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(100, "a")
			l := begin(t, q, func(ctx context.Context, d record.Delivery) actions.Outcome {
				switch {
				case outcome.Verdict != actions.Done:
					return outcome
				case strings.HasSuffix(d.ID, "0"), strings.HasSuffix(d.ID, "5"):
					return succeed(ctx, d)
				default: // four in a row
					return actions.Outcome{Verdict: actions.Retry, Error: "answered 500"}
				}
			}, func(o *delivery.Options) {
				o.Settings = func(string) actions.Settings {
					s := standard
					s.Concurrency = 1
					s.Retry.Min, s.Retry.Max = time.Hour, time.Hour
					return s
				}
			})
			synctest.Wait()
			times := map[string]bool{}
			for _, s := range l.all() {
				times[s.id] = true
			}
			if len(times) != 100 {
				t.Errorf("%s: %d of 100 were tried", name, len(times))
			}
			_ = l.end()
		})
	}
}

// Row 32: of ten actions one hangs and one answers 500. To the other eight it
// makes no difference, and nothing piles up.
func TestBadActionsDoNotSlowTheGoodOnes(t *testing.T) {
	good := []string{"g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8"}
	alone, _ := latencies(t, good...)
	among, goroutines := latencies(t, append([]string{"hanging", "failing"}, good...)...)
	t.Logf("p99 of the good: %s alone, %s among bad ones; goroutines after each minute: %v", p99(alone), p99(among), goroutines)
	if len(alone) != len(among) || p99(among) > p99(alone)*3/2 {
		t.Errorf("p99 of %d sends is %s, of %d beside bad ones %s", len(alone), p99(alone), len(among), p99(among))
	}
	if most, least := slices.Max(goroutines), slices.Min(goroutines); most > least+4 {
		t.Errorf("goroutines after each minute: %v", goroutines)
	}
}

// latencies adds a delivery of each action a second, for five minutes, and
// gives how long those of the good actions took to be recorded.
func latencies(t *testing.T, names ...string) (took []time.Duration, goroutines []int) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(0)
		var mu sync.Mutex
		added := map[string]time.Time{}
		l := begin(t, q, func(ctx context.Context, d record.Delivery) actions.Outcome {
			switch d.Action {
			case "hanging":
				return hang(ctx, d)
			case "failing":
				return actions.Outcome{Verdict: actions.Retry, Error: "answered 500"}
			default:
				time.Sleep(100 * time.Millisecond)
				return succeed(ctx, d)
			}
		}, func(o *delivery.Options) {
			o.Ended = func(d record.Delivery, end delivery.End, _ time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				if end.State == record.Done {
					took = append(took, time.Since(added[d.ID]))
				}
			}
		})
		for second := range 300 {
			for _, name := range names {
				id := fmt.Sprintf("%s-%d", name, second)
				mu.Lock()
				added[id] = time.Now()
				mu.Unlock()
				q.add(name, id)
			}
			time.Sleep(time.Second)
			if second%60 == 59 {
				synctest.Wait()
				goroutines = append(goroutines, runtime.NumGoroutine())
			}
		}
		_ = l.end()
		if attempts := count(l.all()); attempts["failing"] > 5+2+10 {
			t.Errorf("attempts: %v", attempts)
		}
	})
	return took, goroutines
}

func count(starts []start) map[string]int {
	n := map[string]int{}
	for _, s := range starts {
		action, _, _ := strings.Cut(s.id, "-")
		n[action]++
	}
	return n
}

func p99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)*99/100]
}
