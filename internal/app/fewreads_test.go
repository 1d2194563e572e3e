package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestWithFewReads_othersWaitTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		h := withFewReads(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/stuck" {
				<-stuck
			}
		}), 2, time.Second)
		call := func(method, path string) (status int, after time.Duration) {
			w, start := httptest.NewRecorder(), time.Now()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
			return w.Code, time.Since(start)
		}
		for range 2 {
			go call("GET", "/stuck")
		}
		synctest.Wait()
		if status, after := call("GET", "/ui/"); status != http.StatusTooManyRequests || after != time.Second {
			t.Errorf("a third is answered %d after %v", status, after)
		}
		for _, r := range [][2]string{{"GET", "/-/ready"}, {"GET", "/metrics"}, {"GET", "/api/v1/stream"}, {"POST", "/ui/mutes"}} {
			if status, after := call(r[0], r[1]); status != http.StatusOK || after != 0 {
				t.Errorf("%s %s is answered %d after %v", r[0], r[1], status, after)
			}
		}
		time.AfterFunc(time.Second/2, func() { close(stuck) })
		if status, after := call("GET", "/ui/"); status != http.StatusOK || after != time.Second/2 {
			t.Errorf("once the others are done it is answered %d after %v", status, after)
		}
	})
}
