// Package api owns the admin listener: it shows the admin service as JSON, beside
// health and metrics. It parses requests and renders responses; what they mean is
// the service's. Only internal/app, and cmd/heed as its client,
// import it.
package api

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"

	"heed/internal/admin"
)

// Options are what the listener needs. Ready and Metrics may be nil.
type Options struct {
	Service *admin.Service
	// Ready says why heed is not ready; nil if it is.
	Ready   func() error
	Metrics http.Handler
	// Token, if not empty, must come as a bearer token with every request but
	// those for health.
	Token string
	Log   *slog.Logger
}

// route is a path with its method.
type route struct {
	pattern string
	serve   func(*http.Request) (response any, err error)
	query   []string // the parameters that it takes
	maxBody int64    // 0 for maxSmallBody
}

// routes are the paths that there are, besides health and metrics.
func (a *api) routes() []route {
	s := a.Service
	return []route{
		{pattern: "GET /api/v1/events", serve: a.events, query: []string{
			"type", "source", "status", "user", "rule",
			"outcome", "since", "until", "limit", "cursor",
		}},
		{pattern: "GET /api/v1/events/{id}", serve: byID(s.Event)},
		{pattern: "POST /api/v1/events/{id}/replay", serve: a.replay},
		{pattern: "GET /api/v1/why", serve: a.why, query: []string{
			"user", "rule", "event", "source", "outcome",
			"since", "until", "limit", "cursor",
		}},
		{pattern: "GET /api/v1/mutes", serve: a.mutes, query: []string{"all"}},
		{pattern: "POST /api/v1/mutes", serve: a.mute},
		{pattern: "DELETE /api/v1/mutes", serve: a.unmute, query: []string{"rule", "key"}},
		{pattern: "GET /api/v1/source", serve: a.source},
		{pattern: "GET /api/v1/deliveries", serve: a.deliveries, query: []string{"state", "action", "rule", "limit", "cursor"}},
		{pattern: "GET /api/v1/deliveries/{id}", serve: byID(s.Delivery)},
		{pattern: "POST /api/v1/deliveries/{id}/retry", serve: byID(s.Retry)},
		{pattern: "POST /api/v1/deliveries/{id}/discard", serve: byID(s.Discard)},
		{pattern: "POST /api/v1/deliveries/retry", serve: changeAll(s.RetryAll)},
		{pattern: "POST /api/v1/deliveries/discard", serve: changeAll(s.DiscardAll)},
		{pattern: "POST /api/v1/forget", serve: a.forget},
		{pattern: "GET /api/v1/people", serve: a.people, query: []string{"team", "role", "limit", "cursor"}},
		{pattern: "GET /api/v1/people/{id}", serve: byID(s.Person)},
		{pattern: "POST /api/v1/people/import", serve: a.importPeople, query: []string{"dry_run"}, maxBody: maxSheet},
		{pattern: "GET /api/v1/leaderboard", serve: a.leaderboard, query: []string{"by", "team", "module", "since", "limit"}},
		{pattern: "GET /api/v1/status", serve: a.status},
		{pattern: "GET /api/v1/rules/{name}/stats", serve: a.ruleStats},
		{pattern: "GET /api/v1/rules/{name}/promote", serve: a.promote, query: []string{"since"}},
		{pattern: "GET /api/v1/rules", serve: a.rules},
		{pattern: "POST /api/v1/backtest", serve: a.backtest, maxBody: maxDryRun},
		{
			pattern: "POST /api/v1/ingest", serve: a.ingest, query: []string{"source", "file", "dry_run", "against"},
			maxBody: -1,
		},
		{pattern: "POST /api/v1/dry-run", serve: a.dryRun, maxBody: maxDryRun},
		{pattern: "POST /-/reload", serve: a.reload},
	}
}

type api struct {
	Options
	paths []string // that there are, with their methods
}

// New makes the listener's handler.
func New(o Options) http.Handler {
	a := &api{Options: o}
	guarded := http.NewServeMux()
	handle := func(pattern string, parameters []string, serve http.HandlerFunc) {
		guarded.HandleFunc(pattern, onlyKnown(pattern, parameters, serve))
		a.paths = append(a.paths, pattern)
	}
	for _, r := range a.routes() {
		handle(r.pattern, r.query, a.serve(r))
	}
	if o.Metrics != nil {
		handle("GET /metrics", []string{"name[]"}, o.Metrics.ServeHTTP)
	}
	handle("GET /api/v1/openapi.yaml", nil, openAPI)
	profiles(handle)
	guarded.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]any{"heed": "the admin listener", "paths": a.paths})
	})
	guarded.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, fmt.Sprintf("there is nothing at %s %s", r.Method, r.URL.Path), nil)
	})

	open := http.NewServeMux()
	open.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	open.HandleFunc("GET /-/ready", a.ready)
	open.Handle("/", a.authorize(guarded))
	a.paths = append(a.paths, "GET /-/healthy", "GET /-/ready")
	// A page in somebody's browser must not be able to change anything here.
	return http.NewCrossOriginProtection().Handler(open)
}

// serve renders what a route returns.
func (a *api) serve(route route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		limit := route.maxBody
		if limit == 0 {
			limit = maxSmallBody
		}
		if limit > 0 {
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		} else { // a file, which takes as long as it takes
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		}
		response, err := route.serve(r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		write(w, http.StatusOK, response)
	}
}

// requestError is a request that cannot be read.
type requestError struct {
	status int
	detail string
}

func (e *requestError) Error() string { return e.detail }

func badRequest(format string, args ...any) error {
	return &requestError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

var statuses = map[admin.Kind]int{
	admin.Invalid: http.StatusBadRequest, admin.NotFound: http.StatusNotFound, admin.Conflict: http.StatusConflict,
}

// fail answers with an error. One that is neither the request's nor the service's
// is of a store that cannot be read or, for a change, written.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	var request *requestError
	var refusal *admin.Error
	switch {
	case errors.As(err, &request):
		problem(w, request.status, request.detail, nil)
	case errors.As(err, &refusal):
		var more map[string]any
		if refusal.Problems != nil {
			more = map[string]any{"problems": refusal.Problems}
		}
		problem(w, statuses[refusal.Kind], refusal.Text, more)
	case errors.Is(err, context.Canceled): // the client is gone
	default:
		what := "the store cannot be read"
		if r.Method != http.MethodGet {
			what = "the store cannot be changed"
		}
		a.Log.Error("admin: "+what, "path", r.URL.Path, "error", err)
		problem(w, http.StatusServiceUnavailable, what+": "+err.Error(), nil)
	}
}

func (a *api) authorize(next http.Handler) http.Handler {
	if a.Token == "" {
		return onlyByAddress(next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer || subtle.ConstantTimeCompare([]byte(given), []byte(a.Token)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			const detail = "send the token of --admin-token-file as Authorization: Bearer …"
			problem(w, http.StatusUnauthorized, detail, nil)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// onlyByAddress refuses requests for a host by name. Without a token the
// listener is on loopback, where only a page whose name server points its name
// there (DNS rebinding) would ask so.
func onlyByAddress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if host != "localhost" && net.ParseIP(strings.Trim(host, "[]")) == nil {
			const detail = "ask for this listener by its address, or protect it with --admin-token-file"
			problem(w, http.StatusForbidden, detail, nil)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (a *api) ready(w http.ResponseWriter, _ *http.Request) {
	if a.Ready != nil {
		if err := a.Ready(); err != nil {
			problem(w, http.StatusServiceUnavailable, err.Error(), nil)
			return
		}
	}
	fmt.Fprintln(w, "ok")
}

// problem answers with an RFC 9457 problem.
func problem(w http.ResponseWriter, status int, detail string, more map[string]any) {
	body := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail}
	maps.Copy(body, more)
	w.Header().Set("Content-Type", "application/problem+json")
	writeBody(w, status, body)
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	writeBody(w, status, body)
}

func writeBody(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body) // the client is gone
}
