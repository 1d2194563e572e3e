package delivery_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"heed/actions"
	"heed/actions/delivery"
	"heed/engine/record"
)

// Two loops share a queue, and a send takes far longer than a lease.
func TestLoop_renewsTheLeaseOfALongSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(0)
		s := standard
		s.Timeout = time.Hour
		slow := func(ctx context.Context, d record.Delivery) actions.Outcome {
			time.Sleep(10 * time.Minute)
			return succeed(ctx, d)
		}
		one := begin(t, q, slow, settings(s))
		two := begin(t, q, slow, settings(s))
		synctest.Wait()
		q.add("a", "a-0")
		time.Sleep(11 * time.Minute)
		_, _ = one.end(), two.end()
		if n := len(one.all()) + len(two.all()); n != 1 || q.count(record.Done) != 1 {
			t.Errorf("it was sent %d times, %d done", n, q.count(record.Done))
		}
	})
}

func TestLoop_renewsNothingWhileNothingIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(3, "a")
		l := begin(t, q, succeed)
		time.Sleep(time.Hour)
		_ = l.end()
		if calls := strings.Join(q.calls, ","); strings.Contains(calls, "renew") {
			t.Error(calls)
		}
	})
}

// What a loop that lost its lease reports counts no more, and it says so.
func TestLoop_saysThatALeaseWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, "a")
		var logs bytes.Buffer
		ended := 0
		l := begin(t, q, func(ctx context.Context, d record.Delivery) actions.Outcome {
			q.mu.Lock()
			q.open[d.ID] = "another"
			q.mu.Unlock()
			return succeed(ctx, d)
		}, func(o *delivery.Options) {
			o.Log = slog.New(slog.NewTextHandler(&logs, nil))
			o.Ended = func(context.Context, record.Delivery, delivery.End) { ended++ }
		})
		synctest.Wait()
		_ = l.end()
		if d := q.row("a-0"); d.State != record.Pending || ended != 0 || !strings.Contains(logs.String(), "ran out while it was sent") {
			t.Errorf("%+v, %d ended, %s", d, ended, logs.String())
		}
	})
}

func TestLoop_leavesActionsAloneThatItDoesNotKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(2, "known", "unknown")
		l := begin(t, q, succeed, func(o *delivery.Options) { o.Actions = func() []string { return []string{"known"} } })
		time.Sleep(time.Hour)
		_ = l.end()
		if d := q.row("unknown-0"); d.Attempts != 0 || q.count(record.Done) != 2 {
			t.Errorf("%+v, %d done", d, q.count(record.Done))
		}
	})
}
