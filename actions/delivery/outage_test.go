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
			return actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 503"}
		}
		return succeed(ctx, d)
	}
}

func TestLoop_anOutageCostsFewAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100, "down")
		begun := time.Now()
		var logs bytes.Buffer
		l := begin(t, q, outage(begun.Add(10*time.Minute)), func(o *delivery.Options) {
			o.Log = slog.New(slog.NewTextHandler(&logs, nil))
		})
		time.Sleep(9*time.Minute + 45*time.Second)
		// 5 or 6 until it is noticed, 6 probes a second apart, 4 ever slower ones,
		// then one each half minute.
		if n := len(l.all()); n > 6+6+4+19 {
			t.Errorf("%d attempts", n)
		}
		if n := q.count(record.Dead); n > 0 {
			t.Errorf("%d deliveries were given up", n)
		}
		time.Sleep(50 * time.Second) // what failed in the end waits for its own time
		synctest.Wait()
		if n := q.count(record.Done); n < 95 {
			t.Errorf("%d of 100 were sent within half a minute of the repair", n)
		}
		time.Sleep(2 * time.Minute)
		_ = l.end()
		if n := q.count(record.Done); n != 100 {
			t.Errorf("%d of 100 were sent in the end", n)
		}
		text := logs.String()
		if strings.Count(text, "\n") != 2 || strings.Count(text, "keeps failing") != 1 ||
			strings.Count(text, "works again") != 1 || strings.Count(text, "destination=down") != 2 {
			t.Errorf("the log says\n%s", text)
		}
	})
}

func TestLoop_probesOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100, "down")
		s := standard
		s.Concurrency, s.Timeout = 8, time.Minute
		l := begin(t, q, func(ctx context.Context, d record.Delivery) actions.Outcome {
			time.Sleep(20 * time.Second)
			return actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "timeout"}
		}, settings(s))
		time.Sleep(20*time.Second + time.Millisecond)
		if n := len(l.all()); n < 8 || n > 8+4+3+2+1 {
			t.Errorf("%d attempts before the circuit opened", n)
		}
		before := len(l.all())
		time.Sleep(105 * time.Second)
		if n := len(l.all()) - before; n != 5 {
			t.Errorf("%d probes of 20 s, a second apart, in 105 s", n)
		}
		_ = l.end()
	})
}

// Row 34, for the circuit: what failed before the jump waits for its own time,
// and the others are sent soon after the outage, which lasts 20 s.
func TestLoop_aClockThatJumpsDoesNotKeepTheCircuitOpen(t *testing.T) {
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
			time.Sleep(9 * time.Second)
			failed := len(l.all())
			if failed > 6+6+4 {
				t.Errorf("a jump of %s: %d attempts during the outage", jump, failed)
			}
			time.Sleep(25 * time.Second)
			if n := q.count(record.Done); n < 100-failed {
				t.Errorf("a jump of %s: %d of 100 were sent, %d had failed before", jump, n, failed)
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
			return actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 500"}
		})
		time.Sleep(29 * time.Second)
		if n := len(l.all()); n != 6+9 || q.row("a-0").State != record.Done {
			t.Errorf("%d attempts", n)
		}
		_ = l.end()
	})
}

func TestWhatSpeaksForOneDeliveryOnlyStopsNoOther(t *testing.T) {
	for name, outcome := range map[string]actions.Outcome{
		"refused for good":  {Verdict: actions.Dead, Error: "answered 404"},
		"refused for now":   {Verdict: actions.Retry, Error: "450 greylisted"},
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
					return actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 500"}
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
	t.Logf("p99 of the good: %s alone, %s among bad ones; goroutines after each minute: %v", p99(alone), p99(among),
		goroutines)
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
				return actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 500"}
			default:
				time.Sleep(100 * time.Millisecond)
				return succeed(ctx, d)
			}
		}, func(o *delivery.Options) {
			o.Ended = func(_ context.Context, d record.Delivery, end delivery.End) {
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
		if attempts := count(l.all()); attempts["failing"] > 5+2+6+4+10 {
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
