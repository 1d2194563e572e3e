// Package notice turns what happens to heed itself into events that rules can name: a
// dead delivery, rejected rules, a source that went silent. It counts, so that a thousand
// dead deliveries make one event and no event can cause itself. It knows neither the
// rules nor the store; internal/app connects them.
package notice

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// The event types, as in the catalogue.
const (
	DeliveryDead      = "heed.delivery.dead"
	RulesRejected     = "heed.rules.rejected"
	RulesActivated    = "heed.rules.activated"
	SignaturesRefused = "heed.signatures.refused"
	SourceSilent      = "heed.source.silent"
	EventQuarantined  = "heed.event.quarantined"
	RuleOverflow      = "heed.rule.overflow"
)

// Options are what a Notifier needs.
type Options struct {
	// Emit accepts an event, decides it and stores what follows. If it returns an error,
	// it is called again later.
	Emit func(ctx context.Context, eventType string, data map[string]any) error
	// SilentAfter is how long the source may send no good event before it counts as
	// silent; zero disables this.
	SilentAfter time.Duration
	// LastGood returns when the last good event arrived, or zero if none ever did.
	LastGood func() time.Time
	// WatchedSince is the time since which good events are awaited; SilenceNotedAt is
	// when a silence was last noted. Both may precede the process.
	WatchedSince, SilenceNotedAt time.Time
	// MayNote, if not nil, is called before a silence is noted: of several processes that
	// await the same events, only one may note it. It returns when any of them last noted
	// one.
	MayNote func(context.Context) (last time.Time, may bool)
	Now     func() time.Time
	Log     *slog.Logger
}

// The timing of events. The first of a kind is emitted at once; those that follow within
// the interval are counted into the next.
const (
	interval = time.Minute
	// burst is how many wrong signatures within burstWindow are reported.
	burst       = 10
	burstWindow = 5 * time.Minute
	// again is the interval between reports of a burst or a silence.
	again = 6 * time.Hour
)

const dateTime = "2 Jan 15:04 MST"

// A Notifier collects what happened. Its methods are safe for concurrent use, and never
// wait for events to be emitted.
type Notifier struct {
	Options
	hint chan struct{}

	mu      sync.Mutex
	topics  map[string]*topic
	refused []time.Time // times of wrong signatures within burstWindow, at most burst
	noted   map[string]time.Time
}

// A topic is one kind of event about one thing, such as one action's dead deliveries.
type topic struct {
	key       string
	eventType string
	data      map[string]any
	count     int
	next      time.Time // when the next event may be emitted
}

// New returns a Notifier, which starts counting now.
func New(o Options) *Notifier {
	n := &Notifier{Options: o, hint: make(chan struct{}, 1), topics: map[string]*topic{}, noted: map[string]time.Time{}}
	if !o.SilenceNotedAt.IsZero() {
		n.noted[SourceSilent] = o.SilenceNotedAt
	}
	return n
}

// Post records that something happened. Events of the same type about the same thing are
// counted together; the emitted data is that of the last one, with the count.
func (n *Notifier) Post(eventType, about string, data map[string]any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.post(eventType, about, data)
}

// post is like Post, for callers that hold the lock.
func (n *Notifier) post(eventType, about string, data map[string]any) {
	key := eventType + "\x00" + about
	t := n.topics[key]
	if t == nil {
		t = &topic{key: key, eventType: eventType, next: n.Now()}
		n.topics[key] = t
	}
	t.data, t.count = data, t.count+1
	n.wake()
}

func (n *Notifier) wake() {
	select {
	case n.hint <- struct{}{}:
	default: // a wake-up is already pending
	}
}

// Received records that an event arrived. If that ends a silence, the next silence is due
// sooner than scheduled.
func (n *Notifier) Received() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, silent := n.noted[SourceSilent]; silent {
		n.wake()
	}
}

// WrongSignature records a request with a signature of no known secret. A few are noise;
// many mean that the secret was changed, or that somebody is trying to get in.
func (n *Notifier) WrongSignature() {
	n.mu.Lock()
	now := n.Now()
	n.refused = slices.DeleteFunc(n.refused, func(at time.Time) bool { return now.Sub(at) > burstWindow })
	if len(n.refused) < burst {
		n.refused = append(n.refused, now)
	}
	due := len(n.refused) == burst && n.due(SignaturesRefused, now)
	n.mu.Unlock()
	if !due {
		return
	}
	good := now.Sub(n.LastGood()) <= burstWindow
	message := fmt.Sprintf("At least %d requests with a wrong signature came within %s, and no good one: the "+
		"signing secret was probably changed at MindTickle. Put the new one into the secret file.",
		burst, words(burstWindow))
	if good {
		message = fmt.Sprintf("At least %d requests with a wrong signature came within %s, and good ones too: "+
			"somebody tries, or a second webhook has another secret.", burst, words(burstWindow))
	}
	n.Post(SignaturesRefused, "", map[string]any{"message": message, "goodToo": good})
}

// due reports whether enough time has passed since the last event of a type; if so, it
// records this one. The caller must hold the lock.
func (n *Notifier) due(eventType string, now time.Time) bool {
	if last, ok := n.noted[eventType]; ok && now.Sub(last) < again && !now.Before(last) {
		return false
	}
	n.noted[eventType] = now
	return true
}

// words formats a duration of whole minutes for people.
func words(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

// Run emits events until ctx ends, and then those that remain.
func (n *Notifier) Run(ctx context.Context) {
	for {
		timer := time.NewTimer(n.flush(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			n.flushRest()
			return
		case <-n.hint:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// flushRest emits what was counted but not yet emitted.
func (n *Notifier) flushRest() {
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	n.mu.Lock()
	now := n.Now()
	for _, t := range n.topics {
		t.next = now
	}
	n.mu.Unlock()
	n.flush(ctx)
}

// flush emits what is due, and returns how long nothing else will be.
func (n *Notifier) flush(ctx context.Context) time.Duration {
	pause := min(interval, n.checkSilence(ctx))
	for _, t := range n.dueTopics(&pause) {
		data := maps.Clone(t.data)
		data["count"] = t.count
		if err := n.Emit(ctx, t.eventType, data); err != nil {
			if ctx.Err() == nil {
				n.Log.Warn("an event about heed itself could not be taken in; trying again", "type", t.eventType,
					"error", err)
			}
			n.restore(t)
		}
	}
	return pause
}

// checkSilence posts that the source is silent, if it is, and returns how long until the next check.
func (n *Notifier) checkSilence(ctx context.Context) time.Duration {
	if n.SilentAfter <= 0 {
		return interval
	}
	now, since := n.Now(), n.LastGood()
	what := "No good event has come since " + since.UTC().Format(dateTime)
	if since.IsZero() {
		since = n.WatchedSince
		what = "No good event has ever come, and heed has listened since " + since.UTC().Format(dateTime)
	}
	silent := now.Sub(since)
	if silent >= n.SilentAfter && n.MayNote != nil {
		last, may := n.MayNote(ctx)
		if !may {
			return interval
		}
		n.mu.Lock()
		if last.After(n.noted[SourceSilent]) {
			n.noted[SourceSilent] = last
		}
		n.mu.Unlock()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.noted[SourceSilent].Before(since) {
		delete(n.noted, SourceSilent) // it belongs to an earlier silence
	}
	if silent < n.SilentAfter {
		return n.SilentAfter - silent
	}
	if n.due(SourceSilent, now) {
		n.post(SourceSilent, "", map[string]any{
			"message": what +
				". MindTickle suspends a webhook that fails for 24 hours: look at its status, and at the way to here.",
			"since": since.UTC().Format(time.RFC3339), "hours": int(silent.Hours()),
		})
	}
	next := n.noted[SourceSilent].Add(again).Sub(now)
	return max(next, time.Second) // so that a clock set back does not cause a busy loop
}

// dueTopics takes the topics that are due. It sets pause to the time until the next.
func (n *Notifier) dueTopics(pause *time.Duration) []topic {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.Now()
	var due []topic
	for _, key := range slices.Sorted(maps.Keys(n.topics)) {
		t := n.topics[key]
		if t.next.Sub(now) > interval { // the clock was set back
			t.next = now
		}
		switch wait := t.next.Sub(now); {
		case wait > 0 && t.count > 0:
			*pause = min(*pause, wait)
		case wait > 0:
		case t.count > 0:
			due = append(due, *t)
			t.count, t.next = 0, now.Add(interval)
		default:
			delete(n.topics, key)
		}
	}
	return due
}

// restore adds back the count of an event that could not be emitted.
func (n *Notifier) restore(t topic) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if have := n.topics[t.key]; have != nil {
		have.count += t.count
	}
}
