package api

import (
	"net/http"
	"strings"
	"testing"
)

// A path that is there answers a method that it does not take with 405 and with those
// that it takes.
func TestNew_refusesAMethodThatAPathDoesNotTake(t *testing.T) {
	h := handler(func(o *options) { o.Metrics = http.NotFoundHandler() })
	for path, allow := range map[string]string{
		"/-/reload": "POST", "/-/healthy": "GET, HEAD", "/-/ready": "GET, HEAD", "/metrics": "GET, HEAD", "/": "GET, HEAD",
		"/debug/pprof/profile": "GET, HEAD", "/api/v1/openapi.yaml": "GET, HEAD", "/api/v1/events": "GET, HEAD",
		"/api/v1/events/a%2Fb": "GET, HEAD", "/api/v1/events/x/replay": "POST", "/api/v1/mutes": "GET, HEAD, POST, DELETE",
		"/api/v1/stream": "GET, HEAD", "/api/v1/dry-run": "POST", "/api/v1/ingest": "POST",
		"/api/v1/deliveries/retry": "GET, HEAD, POST", // a delivery may have that id
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
			if strings.Contains(allow, method) {
				continue
			}
			w := call(h, method, path)
			if got := w.Header().Get("Allow"); w.Code != http.StatusMethodNotAllowed || got != allow {
				t.Errorf("%s %s: %d, Allow: %s, want %s\n%s", method, path, w.Code, got, allow, w.Body)
			}
			if kind := w.Header().Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("%s %s answers with %s", method, path, kind)
			}
		}
	}
}
