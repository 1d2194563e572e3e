// Package notice turns what happens to heed itself into events that rules can
// name: a delivery that is dead, rules that were rejected, a source that went
// silent. It counts, so that a thousand dead deliveries make one event and no
// event can feed itself. It knows neither the rules nor the store; cmd/heed
// connects it.
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

// The event types, as the catalogue has them.
const (
	DeliveryDead      = "heed.delivery.dead"
	RulesRejected     = "heed.rules.rejected"
	RulesActivated    = "heed.rules.activated"
	SignaturesRefused = "heed.signatures.refused"
	SourceSilent      = "heed.source.silent"
	EventQuarantined  = "heed.event.quarantined"
)

// Options are what a Board needs.
type Options struct {
	// Emit takes an event in, decides it and stores what follows. An error
	// means that it is tried again.
	Emit func(ctx context.Context, eventType string, data map[string]any) error
	// SilentAfter is how long nothing may be verified before the source counts
	// as silent; zero for never.
	SilentAfter time.Duration
	Now         func() time.Time
	Log         *slog.Logger
}

// The rhythm of events. The first of a kind goes out at once; those that follow
// within the interval are counted into the next.
const (
	interval = time.Minute
	// burst is how many wrong signatures within burstWindow are worth a word.
	burst       = 10
	burstWindow = 5 * time.Minute
	// again is how long after a word on a burst or a silence comes the next.
	again = 6 * time.Hour
)

// Board collects what happened. Its methods may be called from many goroutines
// and never wait for the events to go out.
type Board struct {
	Options
	hint chan struct{}

	mu       sync.Mutex
	topics   map[string]*topic
	refused  []time.Time // wrong signatures of the last burstWindow, at most burst
	verified time.Time   // the last good request
	told     map[string]time.Time
}

// topic is one kind of event about one thing, such as one action's dead
// deliveries.
type topic struct {
	key       string
	eventType string
	data      map[string]any
	count     int
	next      time.Time // when the next event may go out
}

// New makes a Board. What it counts begins now.
func New(o Options) *Board {
	return &Board{Options: o, hint: make(chan struct{}, 1), topics: map[string]*topic{}, verified: o.Now(), told: map[string]time.Time{}}
}

// Post says that something happened. Events of a type about the same thing are
// counted together; data is that of the last of them, and gets their count.
func (b *Board) Post(eventType, about string, data map[string]any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := eventType + "\x00" + about
	t := b.topics[key]
	if t == nil {
		t = &topic{key: key, eventType: eventType, next: b.Now()}
		b.topics[key] = t
	}
	t.data, t.count = data, t.count+1
	b.wake()
}

func (b *Board) wake() {
	select {
	case b.hint <- struct{}{}:
	default: // one is waiting already
	}
}

// Verified says that a request with a good signature came.
func (b *Board) Verified() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.verified = b.Now()
	delete(b.told, SourceSilent)
}

// WrongSignature says that a request came that no secret has signed. A few are
// noise; many mean that the secret was changed, or that somebody tries.
func (b *Board) WrongSignature() {
	b.mu.Lock()
	now := b.Now()
	b.refused = slices.DeleteFunc(b.refused, func(at time.Time) bool { return now.Sub(at) > burstWindow })
	if len(b.refused) < burst {
		b.refused = append(b.refused, now)
	}
	tell := len(b.refused) == burst && b.mayTell(SignaturesRefused, now)
	good := now.Sub(b.verified) <= burstWindow
	b.mu.Unlock()
	if !tell {
		return
	}
	message := fmt.Sprintf("At least %d requests with a wrong signature came within %s, and no good one: the signing secret was probably changed at MindTickle. Put the new one into the secret file.", burst, words(burstWindow))
	if good {
		message = fmt.Sprintf("At least %d requests with a wrong signature came within %s, and good ones too: somebody tries, or a second webhook has another secret.", burst, words(burstWindow))
	}
	b.Post(SignaturesRefused, "", map[string]any{"message": message, "goodToo": good})
}

// mayTell says whether enough time has passed since the last word, and takes
// note of this one. The caller holds the lock.
func (b *Board) mayTell(eventType string, now time.Time) bool {
	if last, ok := b.told[eventType]; ok && now.Sub(last) < again && !now.Before(last) {
		return false
	}
	b.told[eventType] = now
	return true
}

// words is a duration of whole minutes as people say it.
func words(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

// Run lets events go out until ctx ends, and then what is left.
func (b *Board) Run(ctx context.Context) {
	for {
		timer := time.NewTimer(b.flush(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			b.last()
			return
		case <-b.hint:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// last lets out what was counted and not said yet.
func (b *Board) last() {
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	b.mu.Lock()
	now := b.Now()
	for _, t := range b.topics {
		t.next = now
	}
	b.mu.Unlock()
	b.flush(ctx)
}

// flush emits what may go out now and returns how long nothing else will.
func (b *Board) flush(ctx context.Context) time.Duration {
	b.checkSilence()
	pause := interval
	for _, t := range b.due(&pause) {
		data := maps.Clone(t.data)
		data["count"] = t.count
		if err := b.Emit(ctx, t.eventType, data); err != nil {
			if ctx.Err() == nil {
				b.Log.Warn("an event about heed itself could not be taken in; trying again", "event", t.eventType, "err", err)
			}
			b.giveBack(t)
		}
	}
	return pause
}

func (b *Board) checkSilence() {
	b.mu.Lock()
	now := b.Now()
	silent := now.Sub(b.verified)
	tell := b.SilentAfter > 0 && silent >= b.SilentAfter && b.mayTell(SourceSilent, now)
	since := b.verified
	b.mu.Unlock()
	if tell {
		b.Post(SourceSilent, "", map[string]any{
			"message": fmt.Sprintf("No event was verified since %s. MindTickle suspends a webhook that fails for 24 hours: look at its status, and at the way to here.", since.UTC().Format("2 Jan 15:04 MST")),
			"since":   since.UTC().Format(time.RFC3339), "hours": int(silent.Hours()),
		})
	}
}

// due takes the topics that may go out. pause becomes the time until the next.
func (b *Board) due(pause *time.Duration) []topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.Now()
	var due []topic
	for _, key := range slices.Sorted(maps.Keys(b.topics)) {
		t := b.topics[key]
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
			delete(b.topics, key)
		}
	}
	return due
}

// giveBack returns the count of an event that did not go out.
func (b *Board) giveBack(t topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if have := b.topics[t.key]; have != nil {
		have.count += t.count
	}
}
