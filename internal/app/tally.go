package app

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"heed/engine"
	"heed/engine/record"
	"heed/internal/admin"
)

// tallies counts what becomes of events, and stores the counts now and then: they
// are for figures, and not worth a write for each event.
type tallies struct {
	mu     sync.Mutex
	counts map[record.Tally]int // by all but N
	// lastDone is when something arrived last, by action.
	lastDone map[string]time.Time
}

const (
	// storeTallies is how often counts are stored.
	storeTallies = 10 * time.Second
	// maxTallies bounds how many different counts wait: senders can invent types.
	maxTallies = 20_000
	// maxTallyReason bounds the reason of an unknown, in bytes.
	maxTallyReason = 100
)

// add counts what became of an event.
func (t *tallies) add(e *record.Event, decisions []engine.Decision) {
	hour := e.ReceivedAt.Truncate(time.Hour)
	t.mu.Lock()
	defer t.mu.Unlock()
	count := func(rule, outcome string) { t.count(record.Tally{Rule: rule, Hour: hour, Outcome: outcome}) }
	if e.Status == record.Accepted {
		count("", e.Type)
	}
	for i := range decisions {
		d := &decisions[i]
		switch {
		case e.Status != record.Accepted || d.Outcome == engine.NotMatched:
		case d.Outcome == engine.Unknown:
			count(d.Rule.Name, "unknown")
			count(d.Rule.Name, "unknown: "+strings.ToValidUTF8(d.Reason[:min(len(d.Reason), maxTallyReason)], ""))
		default:
			count(d.Rule.Name, string(d.Outcome))
		}
		for _, effect := range d.Effects {
			count(d.Rule.Name, effect.Effect)
		}
	}
}

// gaveUp counts a delivery of a rule that was given up.
func (t *tallies) gaveUp(rule string, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(record.Tally{Rule: rule, Hour: at.Truncate(time.Hour), Outcome: record.GivenUp})
}

// ended counts a delivery that came to its end.
func (t *tallies) ended(action string, state record.State, at time.Time) {
	outcome := string(state)
	if state == record.Dead {
		outcome = record.GivenUp
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(record.Tally{Rule: admin.DeliveryTally(action), Hour: at.Truncate(time.Hour), Outcome: outcome})
	if state == record.Done {
		if t.lastDone == nil {
			t.lastDone = map[string]time.Time{}
		}
		t.lastDone[action] = at
	}
}

// lastSuccess is when something arrived last, by action, since the start.
func (t *tallies) lastSuccess() map[string]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.lastDone)
}

// count adds one to a count.
func (t *tallies) count(key record.Tally) {
	if t.counts == nil {
		t.counts = map[record.Tally]int{}
	}
	if _, known := t.counts[key]; known || len(t.counts) < maxTallies {
		t.counts[key]++
	}
}

// take returns the counts, and begins again.
func (t *tallies) take() (list []record.Tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, n := range t.counts {
		key.N = n
		list = append(list, key)
	}
	t.counts = nil
	return list
}

// storeTallies stores counts until ctx ends, and then once more.
func (a *App) storeTallies(ctx context.Context) {
	ticker := time.NewTicker(storeTallies)
	defer ticker.Stop()
	for {
		done := false
		select {
		case <-ctx.Done():
			done = true
		case <-ticker.C:
		}
		if list := a.tallies.take(); len(list) > 0 {
			if err := a.store.AddTallies(context.WithoutCancel(ctx), list); err != nil {
				a.Log.Warn("the figures of rules are incomplete", "error", err)
			}
		}
		if done {
			return
		}
	}
}
