package delivery_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine/record"
)

func TestLoop_sendsWhatIsDueOnceAndRecordsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(50, "a", "b", "c")
		ended := make(chan string, 200)
		l := begin(t, q, succeed, func(o *delivery.Options) {
			o.Ended = func(ctx context.Context, d record.Delivery, end delivery.End) {
				if ctx.Value(loopKey{}) == nil {
					t.Errorf("%s is not reported with the context of the loop", d.ID)
				}
				if took := end.At.Sub(end.StartedAt); q.row(d.ID).State != record.Done || end.State != record.Done || took != 0 {
					t.Errorf("%s ended as %+v after %s before it was recorded", d.ID, end, took)
				}
				ended <- d.ID
			}
		})
		synctest.Wait()
		if err := l.end(); err != nil {
			t.Fatal(err)
		}
		if q.count(record.Done) != 150 || len(l.all()) != 150 || len(ended) != 150 {
			t.Errorf("%d done after %d sends, %d ended", q.count(record.Done), len(l.all()), len(ended))
		}
	})
}

func TestLoop_respectsTheConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(20, "narrow", "wide")
		begun := time.Now()
		l := begin(t, q, func(context.Context, record.Delivery) actions.Outcome {
			time.Sleep(time.Second)
			return actions.Outcome{Verdict: actions.Done}
		}, func(o *delivery.Options) {
			o.Settings = func(action string) actions.Settings {
				s := standard
				s.Concurrency = map[string]int{"narrow": 3, "wide": 10}[action]
				return s
			}
		})
		for q.count(record.Done) < 40 {
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if took := time.Since(begun); took != 7*time.Second {
			t.Errorf("20 sends of a second, three at once, took %s", took)
		}
		_ = l.end()
		if l.most["narrow"] != 3 || l.most["wide"] != 10 {
			t.Errorf("at once: %v", l.most)
		}
	})
}

func TestLoop_changedConcurrencyHoldsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100, "a")
		var concurrency atomic.Int32
		concurrency.Store(1)
		l := begin(t, q, func(context.Context, record.Delivery) actions.Outcome {
			time.Sleep(time.Second)
			return actions.Outcome{Verdict: actions.Done}
		}, func(o *delivery.Options) {
			o.Settings = func(string) actions.Settings {
				s := standard
				s.Concurrency = int(concurrency.Load())
				return s
			}
		})
		time.Sleep(3500 * time.Millisecond)
		concurrency.Store(5)
		time.Sleep(time.Second)
		synctest.Wait()
		if l.most["a"] != 5 || len(l.all()) != 9 {
			t.Errorf("%d sends, %v at once", len(l.all()), l.most)
		}
		_ = l.end()
	})
}

// Row 32, as far as the loop goes.
func TestLoop_hangingActionSlowsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100, "hanging", "failing", "g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8")
		begun := time.Now()
		l := begin(t, q, func(ctx context.Context, d record.Delivery) actions.Outcome {
			switch d.Action {
			case "hanging":
				return hang(ctx, d)
			case "failing":
				return actions.Outcome{Verdict: actions.Retry, Error: "answered 500"}
			default:
				return succeed(ctx, d)
			}
		})
		synctest.Wait()
		if q.count(record.Done) != 800 || time.Since(begun) != 0 {
			t.Errorf("%d of 800 were sent at once, within %s", q.count(record.Done), time.Since(begun))
		}
		if l.most["hanging"] != 2 {
			t.Errorf("%d hang at once", l.most["hanging"])
		}
		_ = l.end()
	})
}

func TestLoop_retriesWithBackoffUntilItGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, "a")
		l := begin(t, q, func(_ context.Context, d record.Delivery) actions.Outcome {
			return actions.Outcome{Verdict: actions.Retry, Error: "answered 503", Response: "busy"}
		})
		time.Sleep(time.Hour)
		synctest.Wait()
		_ = l.end()
		d := q.row("a-0")
		if d.State != record.Dead || d.Attempts != 4 || d.LastError != "given up after 4 attempts; the last: answered 503" {
			t.Errorf("%+v", d)
		}
		got := l.all()
		if len(got) != 4 {
			t.Fatalf("%d attempts", len(got))
		}
		for i, most := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second} {
			if wait := got[i+1].at.Sub(got[i].at); wait > most {
				t.Errorf("after attempt %d it waited %s, more than %s", i+1, wait, most)
			}
		}
		if end := q.ends["a-0"]; len(end) != 4 || end[0].State != record.Retrying || end[0].Error != "answered 503" || end[0].Outcome.Response != "busy" {
			t.Errorf("%+v", end)
		}
	})
}

// What is recorded may be due again before the loop has heard that the send is
// over. To take it for one that still goes on would lose an attempt and wait
// for the lease.
func TestLoop_sendsAtOnceWhatIsDueAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, "a")
		s := standard
		s.Retry = actions.RetryPolicy{Attempts: 3, Min: time.Millisecond, Max: time.Millisecond}
		l := begin(t, q, func(ctx context.Context, d record.Delivery) actions.Outcome {
			if d.Attempts < 3 {
				return actions.Outcome{Verdict: actions.Retry, Error: "answered 503"}
			}
			return succeed(ctx, d)
		}, settings(s), func(o *delivery.Options) {
			o.Ended = func(context.Context, record.Delivery, delivery.End) { time.Sleep(time.Second) }
		})
		time.Sleep(4 * time.Second)
		_ = l.end()
		if d := q.row("a-0"); d.State != record.Done || len(l.all()) != 3 {
			t.Errorf("after %d sends: %+v", len(l.all()), d)
		}
	})
}

func TestLoop_deadVerdictIsFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, "a")
		l := begin(t, q, func(context.Context, record.Delivery) actions.Outcome {
			return actions.Outcome{Verdict: actions.Dead, Error: "answered 404", Response: "no such user"}
		})
		time.Sleep(time.Hour)
		_ = l.end()
		if d := q.row("a-0"); d.State != record.Dead || d.Attempts != 1 || d.LastError != "answered 404" || q.ends["a-0"][0].Outcome.Response != "no such user" {
			t.Errorf("%+v", d)
		}
	})
}

// Row 21: 30 s are waited, 9999999 s are capped at 1 h, and others go on.
func TestLoop_honoursRetryAfterWithinBounds(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{
		30 * time.Second: 30 * time.Second, 9999999 * time.Second: time.Hour, 1<<63 - 1: time.Hour, -time.Hour: time.Second, 0: time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(1, "limited", "free")
			l := begin(t, q, func(ctx context.Context, d record.Delivery) actions.Outcome {
				if d.Action == "free" || d.Attempts > 1 {
					return succeed(ctx, d)
				}
				return actions.Outcome{Verdict: actions.Retry, Error: "answered 429", Cause: actions.CauseThrottled, After: after}
			}, settings(actions.Settings{Retry: actions.RetryPolicy{Attempts: 9, Min: time.Second, Max: time.Second}, Timeout: time.Second, Concurrency: 1}))
			synctest.Wait()
			if q.row("free-0").State != record.Done {
				t.Error("the other action waits too")
			}
			time.Sleep(2 * time.Hour)
			_ = l.end()
			got := l.all()
			wait := got[len(got)-1].at.Sub(got[0].at)
			if q.row("limited-0").State != record.Done || wait < want || wait > want+time.Second {
				t.Errorf("asked for %s, it waited %s", after, wait)
			}
		})
	}
}

// Row 33.
func TestLoop_holdsTheRateHoweverMuchIsDue(t *testing.T) {
	for _, c := range []struct {
		rate int
		per  time.Duration
	}{{60, time.Minute}, {20, time.Second}, {100, time.Hour}} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(10_000, "limited")
			q.add("free", "free-0")
			s := standard
			s.Concurrency, s.Rate, s.RatePer = 8, c.rate, c.per
			l := begin(t, q, succeed, settings(s))
			time.Sleep(3*c.per + c.per/2)
			_ = l.end()
			got := l.all()
			if want := 3*c.rate + c.rate/2; len(got)-1 < want-1 || len(got)-1 > want+1 {
				t.Errorf("%d/%s: %d in three and a half times", c.rate, c.per, len(got)-1)
			}
			var last time.Time
			for _, s := range got {
				if s.id == "free-0" {
					continue
				}
				if gap := s.at.Sub(last); gap < c.per/time.Duration(c.rate) {
					t.Fatalf("%d/%s: two starts within %s", c.rate, c.per, gap)
				}
				last = s.at
			}
		})
	}
}

func TestLoop_reachesTheRateWithLongSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100, "a")
		s := standard
		s.Concurrency, s.Rate, s.RatePer = 8, 60, time.Minute
		l := begin(t, q, func(context.Context, record.Delivery) actions.Outcome {
			time.Sleep(10 * time.Second)
			return actions.Outcome{Verdict: actions.Done}
		}, settings(s))
		time.Sleep(7500 * time.Millisecond)
		if n := len(l.all()); n != 8 {
			t.Errorf("%d starts in 7.5 s", n)
		}
		_ = l.end()
	})
}

// Row 34: a clock that is set back or forth neither stops a lane nor lets it
// burst.
func TestLoop_holdsTheRateWhenTheClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(1000, "a")
			var offset atomic.Int64
			s := standard
			s.Rate, s.RatePer = 60, time.Minute
			l := begin(t, q, succeed, settings(s), func(o *delivery.Options) {
				o.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())).Round(0) }
			})
			time.Sleep(10500 * time.Millisecond)
			offset.Store(int64(jump))
			before := len(l.all())
			time.Sleep(60 * time.Second)
			if after := len(l.all()) - before; after < 55 || after > 62 {
				t.Errorf("a jump of %s: %d sends in the minute after it", jump, after)
			}
			_ = l.end()
		})
	}
}

func TestLoop_sendsNewDeliveriesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(0)
		l := begin(t, q, succeed)
		time.Sleep(5 * time.Second)
		q.add("a", "signalled")
		synctest.Wait()
		if q.row("signalled").State != record.Done {
			t.Error("it waits although there was a signal")
		}
		q.mu.Lock()
		q.rows = append(q.rows, &record.Delivery{ID: "silent", Action: "a", State: record.Pending})
		q.mu.Unlock()
		time.Sleep(31 * time.Second)
		if q.row("silent").State != record.Done {
			t.Error("without a signal it was forgotten")
		}
		_ = l.end()
	})
}

// Row 30.
func TestRun_shutdownLetsRunningSendsFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(5, "a")
		l := begin(t, q, func(ctx context.Context, d record.Delivery) actions.Outcome {
			select {
			case <-time.After(10 * time.Second):
				return actions.Outcome{Verdict: actions.Done}
			case <-ctx.Done():
				return hang(ctx, d)
			}
		})
		time.Sleep(time.Second)
		stopped := time.Now()
		if err := l.end(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(stopped); took != 9*time.Second {
			t.Errorf("Run ended after %s", took)
		}
		if q.count(record.Done) != 2 || q.count(record.Pending) != 3 {
			t.Errorf("%d done, %d pending", q.count(record.Done), q.count(record.Pending))
		}
	})
}

func TestRun_shutdownCutsOffLongSendsAndTheNextRunRepeatsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(3, "a")
		l := begin(t, q, hang, settings(actions.Settings{Retry: actions.RetryPolicy{Attempts: 1, Min: time.Hour, Max: time.Hour}, Timeout: time.Hour, Concurrency: 2}))
		time.Sleep(time.Second)
		stopped := time.Now()
		if err := l.end(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(stopped); took != 20*time.Second {
			t.Errorf("Run ended after %s", took)
		}
		for _, id := range []string{"a-0", "a-1"} {
			if d := q.row(id); d.State != record.Retrying || d.DueAt.After(time.Now()) || d.LastError != "interrupted" {
				t.Errorf("%+v", d)
			}
		}
		next := begin(t, q, succeed)
		synctest.Wait()
		_ = next.end()
		if q.count(record.Done) != 3 {
			t.Errorf("the next run sent %d", q.count(record.Done))
		}
	})
}

func TestRun_endsDespiteASendThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, "a")
		release := make(chan struct{})
		var logs bytes.Buffer
		l := begin(t, q, func(context.Context, record.Delivery) actions.Outcome {
			<-release
			return actions.Outcome{Verdict: actions.Done}
		}, func(o *delivery.Options) { o.Log = slog.New(slog.NewTextHandler(&logs, nil)) })
		synctest.Wait()
		stopped := time.Now()
		_ = l.end()
		if took := time.Since(stopped); took != 25*time.Second || !strings.Contains(logs.String(), "were left behind") {
			t.Errorf("Run ended after %s: %s", took, logs.String())
		}
		if d := q.row("a-0"); d.State != record.Pending {
			t.Errorf("%+v", d)
		}
		close(release)
	})
}

func TestLoop_recordsAnEndLaterAndDoesNotSendAgain(t *testing.T) {
	for _, outage := range []time.Duration{3 * time.Second, 10 * time.Minute} { // the second outlasts the lease
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(3, "a", "b")
			back := time.Now().Add(outage)
			q.recordErr = func() error {
				if time.Now().Before(back) {
					return errors.New("disk full")
				}
				return nil
			}
			l := begin(t, q, succeed)
			time.Sleep(outage + 2*time.Second)
			synctest.Wait()
			_ = l.end()
			times := map[string]int{}
			for _, s := range l.all() {
				times[s.id]++
			}
			if len(times) != 6 || q.count(record.Done) != 6 {
				t.Errorf("%d sent, %d done", len(times), q.count(record.Done))
			}
			for id, n := range times {
				if n != 1 {
					t.Errorf("%s was sent %d times", id, n)
				}
			}
		})
	}
}

func TestRun_shutdownDoesNotWaitForALostStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, "a")
		q.recordErr = func() error { return errors.New("disk full") }
		l := begin(t, q, succeed)
		synctest.Wait()
		stopped := time.Now()
		_ = l.end()
		if took := time.Since(stopped); took > 21*time.Second {
			t.Errorf("Run ended after %s", took)
		}
	})
}

func TestLoop_retriesAnUnreadableQueue(t *testing.T) {
	for _, set := range []func(*queue, func() error){
		func(q *queue, f func() error) { q.dueErr = f },
		func(q *queue, f func() error) { q.claimErr = f },
	} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(3, "a", "b")
			begun := time.Now()
			set(q, func() error {
				if time.Since(begun) < 10*time.Second {
					return errors.New("locked")
				}
				return nil
			})
			l := begin(t, q, succeed)
			time.Sleep(11 * time.Second)
			synctest.Wait()
			_ = l.end()
			if q.count(record.Done) != 6 || len(q.calls) > 100 {
				t.Errorf("%d done after %d calls", q.count(record.Done), len(q.calls))
			}
		})
	}
}

func TestLoop_takesOverOnceAndFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(5, "a")
		q.rows[0].DueAt, q.rows[0].Attempts = time.Now().Add(time.Hour), 1
		q.open["a-0"] = "a former run"
		l := begin(t, q, succeed)
		synctest.Wait()
		_ = l.end()
		if n := strings.Count(strings.Join(q.calls, ","), "take over"); n != 1 || q.calls[0] != "take over" || q.count(record.Done) != 5 {
			t.Errorf("%v, %d done", q.calls, q.count(record.Done))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, "a")
		q.takeOverErr = errors.New("corrupt")
		l := begin(t, q, succeed)
		if err := <-l.done; err == nil || err.Error() != "take over deliveries: corrupt" || len(l.all()) > 0 {
			t.Errorf("%v after %d sends", err, len(l.all()))
		}
		l.stop()
	})
}

func TestLoop_repeatsAndReportsASendThatPanics(t *testing.T) {
	for name, c := range map[string]struct {
		cause any
		want  string
	}{
		"a text":      {"canary-secret", "sending broke inside heed (string); please report it"},
		"an error":    {errors.New("canary-secret"), "sending broke inside heed (*errors.errorString); please report it"},
		"the runtime": {nil, "sending broke inside heed (runtime error: index out of range [3] with length 0); please report it"},
	} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(1, "a")
			var logs bytes.Buffer
			l := begin(t, q, func(ctx context.Context, d record.Delivery) actions.Outcome {
				if d.Attempts > 1 {
					return succeed(ctx, d)
				}
				if c.cause == nil {
					var list []int
					return actions.Outcome{Error: string(rune(list[d.Attempts+2]))}
				}
				panic(c.cause)
			}, func(o *delivery.Options) { o.Log = slog.New(slog.NewTextHandler(&logs, nil)) })
			time.Sleep(time.Minute)
			_ = l.end()
			if d := q.row("a-0"); d.State != record.Done || d.Attempts != 2 || q.ends["a-0"][0].Error != c.want {
				t.Errorf("%s: %+v, %+v", name, d, q.ends["a-0"])
			}
			if !strings.Contains(logs.String(), "loop_test.go") || strings.Contains(logs.String(), "canary") {
				t.Errorf("%s: the log says %s", name, logs.String())
			}
		})
	}
}

func TestNew_namesWhatIsMissing(t *testing.T) {
	if _, err := delivery.New(delivery.Options{}); err == nil || !strings.Contains(err.Error(), "Queue, Deliver, Actions, Settings, Now and Log") {
		t.Errorf("%v", err)
	}
}

// The bound of one kind of failure counts the attempts that failed by it: what an
// outage has used up before does not make the first refusal the last.
func TestLoop_boundsAFailureByItsOwnAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, "a")
		s := standard
		s.Retry = actions.RetryPolicy{Attempts: 100, Min: time.Second, Max: time.Second}
		l := begin(t, q, func(_ context.Context, d record.Delivery) actions.Outcome {
			if d.Attempts <= 8 {
				return actions.Outcome{Verdict: actions.Retry, Error: "answered 503"}
			}
			return actions.Outcome{Verdict: actions.Retry, Error: "answered 401", Attempts: 6}
		}, settings(s))
		time.Sleep(time.Hour)
		_ = l.end()
		if d := q.row("a-0"); d.State != record.Dead || d.Attempts != 8+6 {
			t.Errorf("%s after %d attempts: %s", d.State, d.Attempts, d.LastError)
		}
	})
}
