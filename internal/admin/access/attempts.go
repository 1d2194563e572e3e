package access

import (
	"sync"
	"time"
)

const (
	// maxFailures is how many logins of one client may fail in failureSpan, and
	// maxFailuresOfAll those of all clients.
	maxFailures      = 5
	maxFailuresOfAll = 100
	failureSpan      = time.Minute
)

// attempts counts logins that failed.
type attempts struct {
	mu    sync.Mutex
	since time.Time
	all   int
	by    map[string]int
}

// allow says whether a client may try to log in.
func (a *attempts) allow(client string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.since) >= failureSpan {
		a.since, a.all, a.by = now, 0, map[string]int{}
	}
	return a.by[client] < maxFailures && a.all < maxFailuresOfAll
}

// failed counts a login that failed.
func (a *attempts) failed(client string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.since, a.by = now, map[string]int{}
	}
	a.all++
	a.by[client]++
}
