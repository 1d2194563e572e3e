// Package delivery owns the durable loop that gets rendered requests out: it
// claims what is due, sends it, records what happened and when to try again.
// When to send is decided here and by the queue; how to send is the action's
// business, behind one function. It knows no kind of action and no store.
package delivery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"heed/actions"
	"heed/engine/record"
	"heed/internal/plain"
)

// Options are what a Loop needs.
type Options struct {
	Queue Queue
	// Deliver sends one delivery. It is called from many goroutines and must
	// return soon after its context ends.
	Deliver func(context.Context, record.Delivery) actions.Outcome
	// Actions returns the names of the actions that are configured now. Deliveries of
	// others are not claimed: another process may know them, or the next edit may bring
	// them back.
	Actions func() []string
	// Settings returns the current settings of an action. For an action that was removed
	// after a delivery was claimed, it returns those by which the delivery is retried.
	Settings func(action string) actions.Settings
	// Ended, if not nil, is called after each recorded attempt, with the context of the
	// loop, which may have ended. It must not wait.
	Ended func(ctx context.Context, d record.Delivery, end End)
	// Grace is how long running sends may take once Run's context has ended, at most
	// 20 s.
	Grace time.Duration
	Now   func() time.Time
	Log   *slog.Logger
}

// Loop sends what is due. Run it once.
type Loop struct {
	Options
	// owner names this run to the queue.
	owner string
	// lines are the claimed deliveries of each action; inFlight is how many are
	// claimed and not recorded yet, and renewAt when to renew their leases. Only Run
	// touches these.
	lines    map[string]*line
	inFlight int
	renewAt  time.Time
	// finished are ends that are not recorded yet; only Run touches them.
	finished []finished
	ended    chan finished
	sends    sync.WaitGroup
}

// finished is a send that has ended.
type finished struct {
	delivery record.Delivery
	end      End
}

// New makes a Loop.
func New(o Options) (*Loop, error) {
	if o.Queue == nil || o.Deliver == nil || o.Actions == nil || o.Settings == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("delivery: Queue, Deliver, Actions, Settings, Now and Log are needed")
	}
	if o.Grace > maxGrace {
		return nil, fmt.Errorf("delivery: Grace is %s and may be %s at most", o.Grace, maxGrace)
	}
	return &Loop{Options: o, owner: rand.Text(), lines: map[string]*line{}, ended: make(chan finished, 1024)}, nil
}

const (
	// idle bounds how long the loop sleeps. It is a safety net: usually the loop is
	// woken.
	idle = 30 * time.Second
	// afterError is the wait when the queue cannot be read or written.
	afterError = time.Second
	// lease is how long a claim lasts, and renewEvery how often it is renewed: a process
	// that is slow or cannot write for some time keeps its claims, and those of a process
	// that is gone do not wait long.
	lease      = 30 * time.Second
	renewEvery = lease / 6
	// maxGrace is the longest Grace: leases are not renewed during it.
	maxGrace = lease * 2 / 3
	// timeoutMargin is added to an attempt's timeout: after that, either the attempt is
	// recorded or its process is gone.
	timeoutMargin = time.Minute
	// cutOff is how long a send may take to notice that it was cut off.
	cutOff = 5 * time.Second
)

// Run sends until ctx ends, then lets running sends finish for at most Grace and
// returns. Deliveries that were cut off are due again at once, in the next run. A send
// that ignores its context is left behind a few seconds later.
func (l *Loop) Run(ctx context.Context) error {
	interrupted, err := l.Queue.TakeOver(ctx, l.owner, l.Now())
	if err != nil {
		return fmt.Errorf("take over deliveries: %w", err)
	}
	if interrupted > 0 {
		l.Log.Info("deliveries that a former run left unfinished are due again", "count", interrupted)
	}
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	for ctx.Err() == nil {
		l.wait(ctx, l.turn(ctx, sending))
	}
	l.drain(sending, cut)
	return nil
}

// turn renews leases, records what has ended, starts as many due deliveries as
// there is capacity for, and returns when to look again at the latest.
func (l *Loop) turn(ctx, sending context.Context) (next time.Time) {
	now := l.Now()
	l.renew(ctx, now)
	due, next, err := l.Queue.DueActions(ctx, now, l.Actions())
	if err != nil {
		if ctx.Err() == nil {
			l.Log.Error("cannot read the queue of deliveries; trying again", "error", err)
		}
		due, next = nil, now.Add(afterError)
	}
	if takes := l.takes(due); len(takes) > 0 || len(l.finished) > 0 {
		claimed, err := l.exchange(ctx, now, takes)
		if err != nil {
			return now.Add(afterError)
		}
		l.startAll(sending, now, claimed.Deliveries)
		next = earlier(next, claimed.Next)
	}
	if l.inFlight > 0 {
		next = earlier(next, l.renewAt)
	}
	return next
}

// renew renews the leases of what is in flight, when it is time to.
func (l *Loop) renew(ctx context.Context, now time.Time) {
	if l.inFlight == 0 || now.Before(l.renewAt) {
		return
	}
	l.renewAt = now.Add(renewEvery)
	if err := l.Queue.Renew(ctx, l.owner, now.Add(lease)); err != nil && ctx.Err() == nil {
		l.renewAt = now.Add(afterError)
		l.Log.Error("cannot renew the leases of deliveries; trying again", "error", err)
	}
}

// takes asks for what there is capacity for. Without a rate, it is twice what may
// be sent at once: by the time that a claim is on disk, a fast endpoint has
// answered all that was claimed before.
func (l *Loop) takes(due []string) []Take {
	var takes []Take
	for _, action := range due {
		s := l.Settings(action)
		at := l.lines[action]
		if at == nil {
			at = &line{}
			l.lines[action] = at
		}
		capacity := max(1, s.Concurrency)
		claimed := at.allow(capacity)
		take := Take{
			Action: action, N: 2*capacity - claimed, Concurrency: capacity,
			Lease: lease, Timeout: 2*s.Timeout + timeoutMargin,
		}
		if s.Rate > 0 {
			take.N, take.Interval = capacity-claimed, s.RatePer/time.Duration(s.Rate)
		}
		if take.N > 0 {
			takes = append(takes, take)
		}
	}
	return takes
}

// exchange records the ends that are not recorded yet, and claims deliveries. As long
// as it fails, the ends are kept: without its end, a delivery would be sent again.
func (l *Loop) exchange(ctx context.Context, now time.Time, takes []Take) (Claimed, error) {
	ends := make([]End, len(l.finished))
	for i, f := range l.finished {
		ends[i] = f.end
	}
	claimed, err := l.Queue.Exchange(context.WithoutCancel(ctx), l.owner, now, ends, takes)
	if err != nil {
		l.Log.Error("cannot record and claim deliveries; trying again", "to_record", len(ends), "error", err)
		return Claimed{}, err
	}
	for _, change := range claimed.Changes {
		l.logChange(change)
	}
	recorded := l.finished
	l.finished = nil
	for _, f := range recorded {
		l.inFlight--
		switch {
		case f.end.Released:
		case slices.Contains(claimed.Lost, f.delivery.ID):
			l.Log.Warn("the lease of a delivery ran out while it was sent, so another process sends it again",
				"delivery", f.delivery.ID, "action", f.delivery.Action)
		case l.Ended != nil:
			l.Ended(ctx, f.delivery, f.end)
		}
	}
	return claimed, nil
}

// logChange logs what was found out about a destination.
func (l *Loop) logChange(c LaneChange) {
	line := l.Log.With("destination", c.Destination)
	switch c.Wait {
	case WaitFailing:
		line.Warn("a destination keeps failing: its deliveries wait, and one at a time is tried")
	case WaitRetryAfter:
		line.Info("a destination asks for a pause: its deliveries wait", "until", c.Until.UTC().Format(time.RFC3339))
	default:
		line.Info("a destination works again: its deliveries go on")
	}
}

func (l *Loop) startAll(sending context.Context, now time.Time, claimed []record.Delivery) {
	if l.inFlight == 0 {
		l.renewAt = now.Add(renewEvery)
	}
	for _, d := range claimed {
		l.inFlight++
		l.start(sending, d)
	}
}

// start sends a claimed delivery, lets it wait for others of its action, or
// releases it.
func (l *Loop) start(sending context.Context, d record.Delivery) {
	at := l.lines[d.Action]
	switch now, back := at.enter(d); {
	case now:
		l.sends.Go(func() { l.work(sending, at, d) })
	case back:
		l.finished = append(l.finished, finished{d, release(d)})
	}
}

// work sends a delivery, and then what waits in its line until there is nothing.
func (l *Loop) work(sending context.Context, at *line, d record.Delivery) {
	for ok := true; ok; {
		end := l.send(sending, d)
		ended := finished{d, end}
		var released []record.Delivery
		d, ok, released = at.leave(end.Outcome)
		// The end comes first, since it decides when the released ones may be claimed.
		l.ended <- ended
		for _, r := range released {
			l.ended <- finished{r, release(r)}
		}
	}
}

// release is the End of a claimed delivery that was not sent.
func release(d record.Delivery) End { return End{ID: d.ID, DueAt: d.DueAt, Released: true} }

// send makes one attempt.
func (l *Loop) send(ctx context.Context, d record.Delivery) End {
	s := l.Settings(d.Action)
	started := l.Now()
	outcome := l.attempt(ctx, d, s.Timeout)
	end := conclude(d, s.Retry, outcome, l.Now(), ctx.Err() != nil)
	end.StartedAt = started
	return end
}

// attempt keeps a send that panics from taking heed down with it.
func (l *Loop) attempt(ctx context.Context, d record.Delivery, timeout time.Duration) (o actions.Outcome) {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	defer func() {
		if cause := recover(); cause != nil {
			what := plain.Panic(cause)
			l.Log.Error("sending a delivery broke inside heed; please report this",
				"delivery", d.ID, "action", d.Action, "cause", what, "stack", string(debug.Stack()))
			o.Verdict, o.Error = actions.Retry, "sending broke inside heed ("+what+"); please report it"
		}
	}()
	return l.Deliver(ctx, d)
}

// wait sleeps until something may be due: a new delivery, the end of a send, or
// the given time.
func (l *Loop) wait(ctx context.Context, until time.Time) {
	pause := idle
	if !until.IsZero() {
		pause = min(idle, max(0, until.Sub(l.Now())))
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-l.Queue.Wake():
	case <-timer.C:
	case f := <-l.ended:
		l.noteEnd(f)
	}
	l.collect()
}

// collect takes the other sends that have ended meanwhile.
func (l *Loop) collect() {
	for {
		select {
		case f := <-l.ended:
			l.noteEnd(f)
		default:
			return
		}
	}
}

// noteEnd takes note of what has become of a claimed delivery.
func (l *Loop) noteEnd(f finished) {
	l.finished = append(l.finished, f)
	if !f.end.Released {
		l.lines[f.delivery.Action].settle(f.end.Outcome)
	}
}

// drain waits for the running sends and records how they end. After Grace it cuts them
// off, and later it leaves behind those that do not react.
func (l *Loop) drain(ctx context.Context, cut context.CancelFunc) {
	done := make(chan struct{})
	go func() {
		l.sends.Wait()
		close(done)
	}()
	for _, at := range l.lines {
		for _, released := range at.close() {
			l.finished = append(l.finished, finished{released, release(released)})
		}
	}
	timer := time.NewTimer(l.Grace)
	defer timer.Stop()
	for isCut := false; ; {
		select {
		case <-done:
			l.collect()
			l.recordRest(ctx, timer)
			return
		case f := <-l.ended:
			l.noteEnd(f)
			l.collect()
			_, _ = l.exchange(ctx, l.Now(), nil)
		case <-timer.C:
			if isCut {
				l.Log.Error("some sends do not end and were left behind; their deliveries are repeated by the next run",
					"count", l.inFlight)
				return
			}
			cut()
			isCut = true
			timer.Reset(cutOff)
		}
	}
}

// recordRest records the last ends, and tries for as long as the timer allows.
func (l *Loop) recordRest(ctx context.Context, timer *time.Timer) {
	for len(l.finished) > 0 {
		if _, err := l.exchange(ctx, l.Now(), nil); err == nil {
			return
		}
		select {
		case <-timer.C:
			return
		case <-time.After(afterError):
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
