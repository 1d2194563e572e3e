package app

import (
	"net/http"
	"slices"
	"time"
)

// How many answers to GET the admin listener makes at once, and for how long others
// wait. One may show an event of a MiB, which takes several times that while it is
// made, and stays in memory until its client has read it or the write times out.
const (
	maxReads = 16
	readWait = 10 * time.Second
)

// alwaysRead are small, or go on for ever and hold no more than a line.
var alwaysRead = []string{"/-/healthy", "/-/ready", "/metrics", "/api/v1/stream"}

// withFewReads makes few answers to GET at once. Requests that change something have
// bounds of their own.
func withFewReads(handler http.Handler, most int, wait time.Duration) http.Handler {
	turns := make(chan struct{}, most)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if !reads || slices.Contains(alwaysRead, r.URL.Path) {
			handler.ServeHTTP(w, r)
			return
		}
		patience := time.NewTimer(wait)
		defer patience.Stop()
		select {
		case turns <- struct{}{}:
			defer func() { <-turns }()
			handler.ServeHTTP(w, r)
		case <-r.Context().Done():
		case <-patience.C:
			w.Header().Set("Content-Type", "application/problem+json")
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"type":"about:blank","title":"Too Many Requests","status":429,` +
				`"detail":"too many answers are being read: try again in a moment"}` + "\n"))
		}
	})
}
