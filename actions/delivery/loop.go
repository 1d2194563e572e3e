// Package delivery owns the durable loop that gets rendered requests out: it
// claims what is due, sends it, records what happened and when to try again.
// When to send is decided here and by the queue; how to send is the action's
// business, behind one function. It knows no kind of action and no store.
package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"heed/actions"
	"heed/engine/record"
)

// Options are what a Loop needs.
type Options struct {
	Queue Queue
	// Deliver sends one delivery. It is called from many goroutines and must
	// return soon after its context ends.
	Deliver func(context.Context, record.Delivery) actions.Outcome
	// Settings are an action's, as of now. For an action that is configured no
	// more it returns what its deliveries should be retried by.
	Settings func(action string) actions.Settings
	// Wake is signalled when something may have fallen due.
	Wake <-chan struct{}
	// Ended, if not nil, is called after each recorded attempt.
	Ended func(d record.Delivery, end End, took time.Duration)
	// Grace is how long running sends may go on once Run is to end.
	Grace time.Duration
	Now   func() time.Time
	Log   *slog.Logger
}

// Loop sends what is due. Run it once.
type Loop struct {
	Options
	lanes map[string]*lane
	freed chan string
	sends sync.WaitGroup
}

// lane is what the loop knows of one action; only Run touches it.
type lane struct {
	running int
	next    time.Time // with a rate: when the next attempt may start
}

// New makes a Loop.
func New(o Options) (*Loop, error) {
	if o.Queue == nil || o.Deliver == nil || o.Settings == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("delivery: Queue, Deliver, Settings, Now and Log are needed")
	}
	return &Loop{Options: o, lanes: map[string]*lane{}, freed: make(chan string, 1024)}, nil
}

const (
	// idle bounds how long the loop sleeps: a safety net, not a rhythm.
	idle = 30 * time.Second
	// afterError is the wait when the queue cannot be read.
	afterError = time.Second
	// leaseMargin is added to an attempt's timeout: by then it is recorded, or
	// its process is gone.
	leaseMargin = time.Minute
)

// Run sends until ctx ends, then lets running sends finish for at most Grace
// and returns. What was cut off is due again at once for whoever runs next.
func (l *Loop) Run(ctx context.Context) error {
	interrupted, err := l.Queue.Recover(ctx, l.Now())
	if err != nil {
		return fmt.Errorf("recover deliveries: %w", err)
	}
	if interrupted > 0 {
		l.Log.Info("deliveries that a former run left unfinished are due again", "count", interrupted)
	}
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	for ctx.Err() == nil {
		l.wait(ctx, l.fill(ctx, sending))
	}
	l.drain(cut)
	return nil
}

// fill starts as many due deliveries as the lanes have room for and returns
// when to look again at the latest.
func (l *Loop) fill(ctx, sending context.Context) time.Time {
	now := l.Now()
	due, next, err := l.Queue.DueActions(ctx, now)
	if err != nil {
		if ctx.Err() == nil {
			l.Log.Error("cannot read the queue of deliveries; trying again", "err", err)
		}
		return now.Add(afterError)
	}
	for _, action := range due {
		settings := l.Settings(action)
		room, open := l.room(action, settings, now)
		if room == 0 {
			next = earlier(next, open)
			continue
		}
		claimed, err := l.Queue.Claim(ctx, action, room, now, settings.Timeout+leaseMargin)
		if err != nil {
			if ctx.Err() == nil {
				l.Log.Error("cannot claim deliveries; trying again", "action", action, "err", err)
			}
			next = earlier(next, now.Add(afterError))
			continue
		}
		l.start(sending, action, settings, claimed, now)
		if settings.Rate > 0 && len(claimed) > 0 {
			next = earlier(next, l.lanes[action].next)
		}
	}
	return next
}

// room is how many attempts of an action may start now; if the answer is none
// because of its rate, open says when one may.
func (l *Loop) room(action string, s actions.Settings, now time.Time) (room int, open time.Time) {
	ln := l.lanes[action]
	if ln == nil {
		ln = &lane{}
		l.lanes[action] = ln
	}
	room = max(1, s.Concurrency) - ln.running
	if s.Rate > 0 && room > 0 {
		if now.Before(ln.next) {
			return 0, ln.next
		}
		room = 1
	}
	return max(0, room), time.Time{}
}

func (l *Loop) start(sending context.Context, action string, s actions.Settings, claimed []record.Delivery, now time.Time) {
	ln := l.lanes[action]
	for _, d := range claimed {
		ln.running++
		if s.Rate > 0 {
			ln.next = now.Add(s.RatePer / time.Duration(s.Rate))
		}
		l.sends.Go(func() {
			defer func() { l.freed <- action }()
			l.send(sending, d, s)
		})
	}
}

// send makes one attempt and records how it ended.
func (l *Loop) send(ctx context.Context, d record.Delivery, s actions.Settings) {
	started := l.Now()
	attempt, stop := context.WithTimeout(ctx, s.Timeout)
	outcome := l.Deliver(attempt, d)
	stop()
	end := l.conclude(ctx, d, s, outcome)
	took := end.At.Sub(started)
	l.record(ctx, d, end)
	if l.Ended != nil {
		l.Ended(d, end, took)
	}
}

// conclude turns an outcome into the delivery's next state.
func (l *Loop) conclude(ctx context.Context, d record.Delivery, s actions.Settings, o actions.Outcome) End {
	end := End{At: l.Now(), Error: o.Error, Response: o.Response}
	switch {
	case o.Verdict == actions.Done:
		end.State = record.Done
	case ctx.Err() != nil: // cut off by the end of the process: no fault of the other side
		end.State, end.DueAt = record.Retrying, end.At
	case o.Verdict == actions.Dead:
		end.State = record.Dead
	case d.Attempts >= s.Retry.Attempts:
		end.State = record.Dead
		end.Error = fmt.Sprintf("given up after %d attempts; the last: %s", d.Attempts, o.Error)
	default:
		end.State = record.Retrying
		end.DueAt = end.At.Add(max(Backoff(s.Retry, d.Attempts, rand.Int64N), min(o.After, MaxAfter)))
	}
	return end
}

// MaxAfter bounds the wait that the other side can ask for.
const MaxAfter = time.Hour

// Backoff is the wait after the n-th attempt, n from 1: random between zero
// and p.Min doubled n-1 times, at most p.Max (full jitter). random(n) returns
// a number from 0 to n-1.
func Backoff(p actions.RetryPolicy, n int, random func(int64) int64) time.Duration {
	ceiling := p.Max
	if shift := min(n-1, 32); p.Min < p.Max>>shift {
		ceiling = p.Min << shift
	}
	if ceiling <= 0 {
		return 0
	}
	return time.Duration(random(int64(ceiling)))
}

// record writes the end of an attempt down. While the store is out of order
// it keeps trying: giving up would send the delivery again.
func (l *Loop) record(ctx context.Context, d record.Delivery, end End) {
	for {
		err := l.Queue.Finish(context.WithoutCancel(ctx), d.ID, end)
		if err == nil {
			return
		}
		l.Log.Error("cannot record how a delivery ended; trying again", "delivery", d.ID, "state", end.State, "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(afterError):
		}
	}
}

// wait sleeps until something may be due: a new delivery, a free place, or the
// given time.
func (l *Loop) wait(ctx context.Context, until time.Time) {
	pause := idle
	if !until.IsZero() {
		pause = min(idle, max(0, until.Sub(l.Now())))
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-l.Wake:
	case <-timer.C:
	case action := <-l.freed:
		l.lanes[action].running--
	}
	for { // whatever else was freed meanwhile
		select {
		case action := <-l.freed:
			l.lanes[action].running--
		default:
			return
		}
	}
}

// drain waits for the running sends and cuts them off after Grace.
func (l *Loop) drain(cut context.CancelFunc) {
	done := make(chan struct{})
	go func() {
		l.sends.Wait()
		close(done)
	}()
	timer := time.AfterFunc(l.Grace, cut)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return
		case <-l.freed:
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
