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
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"heed/actions"
	"heed/engine/record"
	"heed/internal/crashpoint"
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
	// underway counts the sends of each delivery whose places were not given
	// back yet; only Run touches it.
	underway map[string]int
	freed    chan place
	sends    sync.WaitGroup
}

// place is what a send takes while it is under way.
type place struct{ action, delivery string }

// lane is what the loop knows of one action; only Run touches it.
type lane struct {
	running int
	next    time.Time // with a rate: when the next attempt may start
	breaker breaker   // the sends touch it too
}

// New makes a Loop.
func New(o Options) (*Loop, error) {
	if o.Queue == nil || o.Deliver == nil || o.Settings == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("delivery: Queue, Deliver, Settings, Now and Log are needed")
	}
	return &Loop{Options: o, lanes: map[string]*lane{}, underway: map[string]int{}, freed: make(chan place, 1024)}, nil
}

const (
	// idle bounds how long the loop sleeps: a safety net, not a rhythm.
	idle = 30 * time.Second
	// afterError is the wait when the queue cannot be read.
	afterError = time.Second
	// leaseMargin is added to an attempt's timeout: by then it is recorded, or
	// its process is gone.
	leaseMargin = time.Minute
	// leaving is how long a send may take to notice that it was cut off.
	leaving = 5 * time.Second
)

// Run sends until ctx ends, then lets running sends finish for at most Grace
// and returns. What was cut off is due again at once for whoever runs next. A
// send that ignores its context is left behind a few seconds later.
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
		if len(claimed) > 0 {
			crashpoint.Reach("after-claim")
		}
		l.start(sending, action, settings, claimed, now)
		if settings.Rate > 0 && len(claimed) > 0 {
			next = earlier(next, l.lanes[action].next)
		}
	}
	return next
}

// room is how many attempts of an action may start now; if the answer is none
// because of its rate or its breaker, open says when one may.
func (l *Loop) room(action string, s actions.Settings, now time.Time) (room int, open time.Time) {
	ln := l.lanes[action]
	if ln == nil {
		ln = &lane{breaker: newBreaker(l.Log.With("action", action))}
		l.lanes[action] = ln
	}
	room, wait := ln.breaker.room(max(1, s.Concurrency) - ln.running)
	if wait > 0 {
		return 0, now.Add(wait)
	}
	if s.Rate > 0 && room > 0 {
		// A clock that was set back, or a rate that was raised, must not leave
		// the lane waiting for a time long after.
		if latest := now.Add(s.RatePer / time.Duration(s.Rate)); ln.next.After(latest) {
			ln.next = latest
		}
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
		if d.Interrupted && l.underway[d.ID] > 0 {
			// Its lease ran out while the send went on or could not be
			// recorded. What comes of that send counts; a second would be a
			// repeat. One that was recorded, and is due again before its place
			// was given back, is none.
			continue
		}
		l.underway[d.ID]++
		ln.running++
		if s.Rate > 0 {
			ln.next = now.Add(s.RatePer / time.Duration(s.Rate))
		}
		trial := ln.breaker.trial()
		l.sends.Go(func() {
			defer func() { l.freed <- place{action, d.ID} }()
			l.send(sending, d, s, func(o actions.Outcome) { ln.breaker.judge(o, trial) })
		})
	}
}

// release gives the place of a send back.
func (l *Loop) release(p place) {
	l.lanes[p.action].running--
	if l.underway[p.delivery]--; l.underway[p.delivery] == 0 {
		delete(l.underway, p.delivery)
	}
}

// send makes one attempt, has its outcome judged and records how it ended.
func (l *Loop) send(ctx context.Context, d record.Delivery, s actions.Settings, judge func(actions.Outcome)) {
	started := l.Now()
	outcome := l.attempt(ctx, d, s.Timeout)
	if ctx.Err() == nil { // else it was cut off, which is nobody's fault
		judge(outcome)
	}
	end := l.conclude(ctx, d, s, outcome)
	took := end.At.Sub(started)
	crashpoint.Reach("after-send")
	l.record(ctx, d, end)
	crashpoint.Reach("after-record")
	if l.Ended != nil {
		l.Ended(d, end, took)
	}
}

// attempt keeps a send that panics from taking heed down with it.
func (l *Loop) attempt(ctx context.Context, d record.Delivery, timeout time.Duration) (o actions.Outcome) {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	defer func() {
		if cause := recover(); cause != nil {
			what := fmt.Sprintf("%T", cause) // what it says could hold a secret
			if fault, ok := cause.(runtime.Error); ok {
				what = fault.Error()
			}
			l.Log.Error("sending a delivery broke inside heed; please report this", "delivery", d.ID, "action", d.Action, "cause", what, "stack", string(debug.Stack()))
			o = actions.Outcome{Verdict: actions.Retry, Error: "sending broke inside heed (" + what + "); please report it"}
		}
	}()
	return l.Deliver(ctx, d)
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
	case p := <-l.freed:
		l.release(p)
	}
	for { // whatever else was freed meanwhile
		select {
		case p := <-l.freed:
			l.release(p)
		default:
			return
		}
	}
}

// drain waits for the running sends, cuts them off after Grace, and in the end
// leaves behind what does not react to that.
func (l *Loop) drain(cut context.CancelFunc) {
	done := make(chan struct{})
	go func() {
		l.sends.Wait()
		close(done)
	}()
	timer := time.NewTimer(l.Grace)
	defer timer.Stop()
	for isCut := false; ; {
		select {
		case <-done:
			return
		case p := <-l.freed:
			l.release(p)
		case <-timer.C:
			if isCut {
				l.Log.Error("some sends do not end and were left behind; their deliveries are repeated by the next run", "count", len(l.underway))
				return
			}
			cut()
			isCut = true
			timer.Reset(leaving)
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
