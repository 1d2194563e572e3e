package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sink collects what a notifier emits.
type sink struct {
	mu     sync.Mutex
	events []string
	broken bool
}

func (s *sink) emit(_ context.Context, eventType string, data map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return errors.New("disk full")
	}
	s.events = append(s.events, fmt.Sprintf("%s %v ×%v", eventType, data["what"], data["count"]))
	return nil
}

func (s *sink) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.events
	s.events = nil
	return taken
}

// run runs a notifier until the test ends.
func run(t *testing.T, silentAfter time.Duration) (*Notifier, *sink) {
	return runWith(t, Options{SilentAfter: silentAfter, WatchedSince: time.Now()})
}

// never is a source of which no good event ever came.
func never() time.Time { return time.Time{} }

func runWith(t *testing.T, o Options) (*Notifier, *sink) {
	s := &sink{}
	o.Emit, o.Now, o.Log = s.emit, time.Now, slog.New(slog.DiscardHandler)
	if o.LastGood == nil {
		o.LastGood = never
	}
	n := New(o)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); n.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return n, s
}

func want(t *testing.T, s *sink, events ...string) {
	t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(events, s.taken()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAThousandHappeningsMakeFewEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, s := run(t, 0)
		n.Post(DeliveryDead, "slack", map[string]any{"what": "first"})
		want(t, s, "heed.delivery.dead first ×1")
		for range 999 {
			n.Post(DeliveryDead, "slack", map[string]any{"what": "last"})
		}
		n.Post(DeliveryDead, "mail", map[string]any{"what": "other"})
		want(t, s, "heed.delivery.dead other ×1")
		time.Sleep(interval + time.Second)
		want(t, s, "heed.delivery.dead last ×999")
		time.Sleep(time.Hour)
		want(t, s)
		n.Post(DeliveryDead, "slack", map[string]any{"what": "again"})
		want(t, s, "heed.delivery.dead again ×1")
		time.Sleep(3 * interval)
		synctest.Wait()
		n.mu.Lock()
		defer n.mu.Unlock()
		if len(n.topics) > 0 {
			t.Errorf("%d topics are kept", len(n.topics))
		}
	})
}

func TestWhatCannotBeTakenInIsTriedAgainWithItsCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, s := run(t, 0)
		s.mu.Lock()
		s.broken = true
		s.mu.Unlock()
		n.Post(EventQuarantined, "not_json", map[string]any{"what": "x"})
		n.Post(EventQuarantined, "not_json", map[string]any{"what": "x"})
		want(t, s)
		time.Sleep(interval)
		s.mu.Lock()
		s.broken = false
		s.mu.Unlock()
		time.Sleep(interval + time.Second)
		want(t, s, "heed.event.quarantined x ×2")
	})
}

func TestABurstOfWrongSignaturesIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, s := run(t, 0)
		time.Sleep(time.Hour)
		for range burst - 1 {
			n.WrongSignature()
			time.Sleep(time.Second)
		}
		want(t, s)
		time.Sleep(2 * burstWindow) // a few now and then are noise
		for range burst + 50 {
			n.WrongSignature()
		}
		want(t, s, "heed.signatures.refused <nil> ×1")
		time.Sleep(again / 2)
		for range burst {
			n.WrongSignature()
		}
		time.Sleep(interval)
		want(t, s)
		time.Sleep(again)
		for range burst {
			n.WrongSignature()
		}
		want(t, s, "heed.signatures.refused <nil> ×1")
	})
}

func TestAClockThatIsSetBackHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var shift time.Duration
		s := &sink{}
		n := New(Options{Emit: s.emit, LastGood: never, Log: slog.New(slog.DiscardHandler), Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(shift)
		}})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go n.Run(ctx)
		n.Post(RulesRejected, "", map[string]any{"what": 1})
		want(t, s, "heed.rules.rejected 1 ×1")
		mu.Lock()
		shift = -time.Hour
		mu.Unlock()
		n.Post(RulesRejected, "", map[string]any{"what": 2})
		want(t, s, "heed.rules.rejected 2 ×1")
		stop()
		synctest.Wait()
	})
}
