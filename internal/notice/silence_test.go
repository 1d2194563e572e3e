package notice

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// source is one whose last good event a test sets.
type source struct{ at atomic.Pointer[time.Time] }

func (s *source) good(n *Notifier) {
	now := time.Now()
	s.at.Store(&now)
	n.Received()
}

func (s *source) lastGood() time.Time {
	if at := s.at.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

const oneSilence = "heed.source.silent <nil> ×1"

func TestNotifier_aSilenceIsNotedAndAnEventEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events source
		n, s := runWith(t, Options{SilentAfter: 12 * time.Hour, LastGood: events.lastGood, WatchedSince: time.Now()})
		time.Sleep(11 * time.Hour)
		events.good(n)
		time.Sleep(11 * time.Hour)
		want(t, s)
		time.Sleep(2 * time.Hour)
		want(t, s, oneSilence)
		time.Sleep(again)
		want(t, s, oneSilence)
		events.good(n)
		time.Sleep(11 * time.Hour)
		want(t, s)
		time.Sleep(2 * time.Hour)
		want(t, s, oneSilence)
	})
}

// A silence is noted when it falls due, to the second.
func TestNotifier_aSilenceIsNotedWhenItFallsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events source
		n, s := runWith(t, Options{SilentAfter: 5 * time.Second, LastGood: events.lastGood, WatchedSince: time.Now()})
		for range 3 { // the first time there was never a good event
			time.Sleep(5*time.Second - time.Millisecond)
			want(t, s)
			time.Sleep(2 * time.Millisecond)
			want(t, s, oneSilence)
			time.Sleep(3*interval + time.Second)
			want(t, s)
			events.good(n)
		}
		for range 10 {
			time.Sleep(4 * time.Second)
			events.good(n)
		}
		want(t, s)
	})
}

// Restarts neither hide a silence nor repeat what was said of it.
func TestNotifier_aSilenceSurvivesRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, name := range []string{"never", "once"} {
			var lastGood time.Time
			if name == "once" {
				lastGood = time.Now()
			}
			since := time.Now().Add(-time.Hour)
			var notedAt time.Time
			noted := 0
			start := time.Now()
			for time.Since(start) < 23*time.Hour {
				s := &sink{}
				n := New(Options{
					Emit: s.emit, SilentAfter: 12 * time.Hour, LastGood: func() time.Time { return lastGood }, WatchedSince: since,
					SilenceNotedAt: notedAt, Now: time.Now, Log: slog.New(slog.DiscardHandler),
				})
				time.Sleep(7 * time.Minute)
				n.flush(t.Context())
				if got := s.taken(); len(got) > 0 {
					notedAt = time.Now()
					noted++
				}
			}
			if noted != 2 { // after 12 and 18 hours
				t.Errorf("%s: noted %d times", name, noted)
			}
		}
	})
}

// Two processes see the same silence: only one notes it, and the other takes over
// without noting it again.
func TestNotifier_oneOfSeveralNotesASilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events source
		var may atomic.Bool
		var last atomic.Pointer[time.Time]
		last.Store(&time.Time{})
		_, s := runWith(t, Options{
			SilentAfter: time.Hour, LastGood: events.lastGood, WatchedSince: time.Now(),
			MayNote: func(context.Context) (time.Time, bool) { return *last.Load(), may.Load() },
		})
		time.Sleep(2 * time.Hour)
		want(t, s) // the other one's task
		at := time.Now()
		last.Store(&at)
		may.Store(true)
		time.Sleep(again - time.Minute)
		want(t, s) // it is noted already
		time.Sleep(2 * time.Minute)
		want(t, s, oneSilence)
	})
}
