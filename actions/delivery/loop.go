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
	// Ended, if not nil, is called after each recorded attempt. It must not wait.
	Ended func(d record.Delivery, end End)
	// Grace is how long running sends may go on once Run is to end.
	Grace time.Duration
	Now   func() time.Time
	Log   *slog.Logger
}

// Loop sends what is due. Run it once.
type Loop struct {
	Options
	// lines are the claimed deliveries of each action; inFlight counts those of
	// each delivery that are not recorded yet. Only Run touches the maps.
	lines    map[string]*line
	inFlight map[string]int
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
	if o.Queue == nil || o.Deliver == nil || o.Settings == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("delivery: Queue, Deliver, Settings, Now and Log are needed")
	}
	return &Loop{
		Options: o, lines: map[string]*line{}, inFlight: map[string]int{}, ended: make(chan finished, 1024),
	}, nil
}

const (
	// idle bounds how long the loop sleeps: a safety net, not a rhythm.
	idle = 30 * time.Second
	// afterError is the wait when the queue cannot be read or written.
	afterError = time.Second
	// leaseMargin is added to an attempt's timeout: by then it is recorded, or
	// its process is gone.
	leaseMargin = time.Minute
	// cutOff is how long a send may take to notice that it was cut off.
	cutOff = 5 * time.Second
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
		l.wait(ctx, l.turn(ctx, sending))
	}
	l.drain(sending, cut)
	return nil
}

// turn records what has ended, starts as many due deliveries as there is
// capacity for, and returns when to look again at the latest.
func (l *Loop) turn(ctx, sending context.Context) (next time.Time) {
	now := l.Now()
	due, next, err := l.Queue.DueActions(ctx, now)
	if err != nil {
		if ctx.Err() == nil {
			l.Log.Error("cannot read the queue of deliveries; trying again", "error", err)
		}
		due, next = nil, now.Add(afterError)
	}
	takes := l.takes(due)
	if len(takes) == 0 && len(l.finished) == 0 {
		return next
	}
	claimed, err := l.exchange(ctx, now, takes)
	if err != nil {
		return now.Add(afterError)
	}
	if len(claimed.Deliveries) > 0 {
		crashpoint.Reach("after-claim")
	}
	for _, d := range claimed.Deliveries {
		l.start(sending, d)
	}
	return earlier(next, claimed.Next)
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
		take := Take{Action: action, N: 2*capacity - claimed, Lease: 2*s.Timeout + leaseMargin}
		if s.Rate > 0 {
			take.N, take.Interval = capacity-claimed, s.RatePer/time.Duration(s.Rate)
		}
		if take.N > 0 {
			takes = append(takes, take)
		}
	}
	return takes
}

// exchange records the ends that are not recorded yet and claims. As long as it
// fails, the ends are kept: giving one up would send its delivery again.
func (l *Loop) exchange(ctx context.Context, now time.Time, takes []Take) (Claimed, error) {
	ends := make([]End, len(l.finished))
	for i, f := range l.finished {
		ends[i] = f.end
	}
	claimed, err := l.Queue.Exchange(context.WithoutCancel(ctx), now, ends, takes)
	if err != nil {
		l.Log.Error("cannot record and claim deliveries; trying again", "to_record", len(ends), "error", err)
		return Claimed{}, err
	}
	for _, news := range claimed.News {
		l.tell(news)
	}
	recorded := l.finished
	l.finished = nil
	for _, f := range recorded {
		crashpoint.Reach("after-record")
		if l.inFlight[f.delivery.ID]--; l.inFlight[f.delivery.ID] == 0 {
			delete(l.inFlight, f.delivery.ID)
		}
		if l.Ended != nil && !f.end.Released {
			l.Ended(f.delivery, f.end)
		}
	}
	return claimed, nil
}

// tell logs what was found out of a destination.
func (l *Loop) tell(n News) {
	line := l.Log.With("destination", n.Destination)
	switch n.Wait {
	case WaitFailing:
		line.Warn("a destination keeps failing: its deliveries wait, and one at a time is tried")
	case WaitRetryAfter:
		line.Info("a destination asks for a pause: its deliveries wait", "until", n.Until.UTC().Format(time.RFC3339))
	default:
		line.Info("a destination works again: its deliveries go on")
	}
}

// start sends a claimed delivery, lets it wait for others of its action, or
// releases it.
func (l *Loop) start(sending context.Context, d record.Delivery) {
	if d.Interrupted && l.inFlight[d.ID] > 0 {
		// Its lease ran out while the send went on or could not be recorded. What
		// comes of that send counts; a second would be a repeat.
		return
	}
	l.inFlight[d.ID]++
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
		// The end comes first: what is released is claimed again by what it
		// teaches.
		l.ended <- ended
		for _, r := range released {
			l.ended <- finished{r, release(r)}
		}
	}
}

// release takes the claim of a delivery back that was not sent.
func release(d record.Delivery) End { return End{ID: d.ID, DueAt: d.DueAt, Released: true} }

// send makes one attempt.
func (l *Loop) send(ctx context.Context, d record.Delivery) End {
	s := l.Settings(d.Action)
	started := l.Now()
	outcome := l.attempt(ctx, d, s.Timeout)
	crashpoint.Reach("after-send")
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
			what := fmt.Sprintf("%T", cause) // what it says could hold a secret
			if fault, ok := cause.(runtime.Error); ok {
				what = fault.Error()
			}
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
	case <-l.Wake:
	case <-timer.C:
	case f := <-l.ended:
		l.hear(f)
	}
	l.collect()
}

// collect takes whatever else has ended meanwhile.
func (l *Loop) collect() {
	for {
		select {
		case f := <-l.ended:
			l.hear(f)
		default:
			return
		}
	}
}

// hear takes note of what has become of a claimed delivery.
func (l *Loop) hear(f finished) {
	l.finished = append(l.finished, f)
	if !f.end.Released {
		l.lines[f.delivery.Action].heard(f.end.Outcome)
	}
}

// drain waits for the running sends and records how they end. After Grace it
// cuts them off, and in the end it leaves behind what does not react to that.
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
			l.hear(f)
			l.collect()
			_, _ = l.exchange(ctx, l.Now(), nil)
		case <-timer.C:
			if isCut {
				l.Log.Error("some sends do not end and were left behind; their deliveries are repeated by the next run",
					"count", len(l.inFlight))
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
