// Package api owns the admin listener: it shows the admin service as JSON, beside
// health and metrics. It parses requests and renders responses; what they mean is
// the service's. Only internal/app, and cmd/heed as its client,
// import it.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"heed/internal/admin"
	"heed/internal/admin/access"
	"heed/internal/admin/routing"
	"heed/internal/plain"
)

// Options are what the listener needs. Ready and Metrics may be nil.
type Options struct {
	Service *admin.Service
	// Ready says why heed is not ready; nil if it is.
	Ready   func() error
	Metrics http.Handler
	// Gate says who a request is from; nil lets whoever is on loopback do all.
	Gate *access.Gate
	// Console, if not nil, are the pages for people, under /ui/. It asks the gate
	// itself.
	Console http.Handler
	Log     *slog.Logger
}

// route is a path with its method.
type route struct {
	pattern string
	serve   func(*http.Request) (response any, err error)
	query   []string // the parameters that it takes
	maxBody int64    // 0 for maxSmallBody
	stream  func(http.ResponseWriter, *http.Request) error
}

// role returns the role that a route requires: Viewer for reading, Operator for
// everything else.
func role(pattern string) access.Role {
	if strings.HasPrefix(pattern, "GET ") {
		return access.Viewer
	}
	return access.Operator
}

// routes returns all routes except health and metrics.
func (a *api) routes() []route {
	s := a.Service
	return []route{
		{pattern: "GET /api/v1/events", serve: a.events, query: []string{
			"type", "source", "status", "user", "rule",
			"outcome", "since", "until", "limit", "cursor",
		}},
		{pattern: "GET /api/v1/events/{id}", serve: askBy("id", s.Event)},
		{pattern: "POST /api/v1/events/{id}/replay", serve: a.replay},
		{pattern: "GET /api/v1/why", serve: a.why, query: []string{
			"user", "rule", "event", "source", "outcome",
			"since", "until", "limit", "cursor",
		}},
		{pattern: "GET /api/v1/mutes", serve: a.mutes, query: []string{"all"}},
		{pattern: "POST /api/v1/mutes", serve: a.mute},
		{pattern: "DELETE /api/v1/mutes", serve: a.unmute, query: []string{"rule", "key"}},
		{pattern: "GET /api/v1/source", serve: ask(s.Source)},
		{pattern: "GET /api/v1/deliveries", serve: a.deliveries, query: []string{
			"state", "action", "rule", "limit",
			"cursor",
		}},
		{pattern: "GET /api/v1/deliveries/{id}", serve: askBy("id", s.Delivery)},
		{pattern: "POST /api/v1/deliveries/{id}/retry", serve: askBy("id", s.Retry)},
		{pattern: "POST /api/v1/deliveries/{id}/discard", serve: askBy("id", s.Discard)},
		{pattern: "POST /api/v1/deliveries/retry", serve: changeAll(s.RetryAll)},
		{pattern: "POST /api/v1/deliveries/discard", serve: changeAll(s.DiscardAll)},
		{pattern: "POST /api/v1/forget", serve: a.forget},
		{pattern: "GET /api/v1/people", serve: a.people, query: []string{"team", "role", "limit", "cursor"}},
		{pattern: "GET /api/v1/people/{id}", serve: askBy("id", s.Person)},
		{pattern: "POST /api/v1/people/import", serve: a.importPeople, query: []string{"dry_run"}, maxBody: maxSheet},
		{
			pattern: "GET /api/v1/leaderboard", serve: a.leaderboard,
			query: []string{"by", "team", "module", "since", "limit"},
		},
		{pattern: "GET /api/v1/status", serve: ask(s.Status)},
		{pattern: "GET /api/v1/overview", serve: ask(s.Overview)},
		{pattern: "GET /api/v1/progress", serve: a.progress, query: []string{"team"}},
		{pattern: "GET /api/v1/problems", serve: ask(s.Problems)},
		{pattern: "GET /api/v1/audit", serve: a.audit, query: []string{"limit", "cursor"}},
		{pattern: "GET /api/v1/search", serve: a.search, query: []string{"q"}},
		{pattern: "GET /api/v1/stream", stream: a.follow, query: []string{
			"type", "source", "status", "user", "rule",
			"outcome",
		}},
		{pattern: "GET /api/v1/rules/{name}/stats", serve: askBy("name", s.RuleStats)},
		{pattern: "GET /api/v1/rules/{name}/promote", serve: a.promote, query: []string{"since"}},
		{pattern: "GET /api/v1/rules", serve: ask(s.Rules)},
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
	if a.Gate == nil {
		a.Gate = &access.Gate{}
	}
	for _, r := range a.routes() {
		handle(r.pattern, r.query, a.allow(role(r.pattern), a.serve(r)))
	}
	if o.Metrics != nil {
		handle("GET /metrics", []string{"name[]"}, o.Metrics.ServeHTTP)
	}
	handle("GET /api/v1/openapi.yaml", nil, openAPI)
	profiles(func(pattern string, parameters []string, serve http.HandlerFunc) {
		handle(pattern, parameters, a.allow(access.Operator, serve))
	})
	guarded.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, "application/json", encoded(map[string]any{
			"heed": "the admin listener", "paths": a.paths,
		}))
	})
	open := http.NewServeMux()
	guarded.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		notServed(w, r, append(routing.Methods(open, r), routing.Methods(guarded, r)...))
	})
	open.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	open.HandleFunc("GET /-/ready", a.ready)
	if o.Console != nil {
		open.Handle("/ui/", o.Console)
	}
	open.Handle("/", a.toConsole(a.authorize(guarded)))
	a.paths = append(a.paths, "GET /-/healthy", "GET /-/ready")
	// A page in somebody's browser must not be able to change anything here.
	return a.breakingOff(http.NewCrossOriginProtection().Handler(open))
}

// notServed answers a request for which there is no route, though there may be with
// other methods.
func notServed(w http.ResponseWriter, r *http.Request, methods []string) {
	if len(methods) == 0 {
		problem(w, http.StatusNotFound, fmt.Sprintf("there is nothing at %s %s", r.Method, r.URL.Path), nil)
		return
	}
	allow := strings.Join(methods, ", ")
	w.Header().Set("Allow", allow)
	problem(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s, not %s", r.URL.Path, allow, r.Method), nil)
}

// breakingOff logs a panic and drops the connection: what was written by then must not
// be taken for a whole answer. net/http would do the same, but heed logs what it says of
// connections at the level debug only.
func (a *api) breakingOff(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch cause := recover(); cause {
			case nil:
			case http.ErrAbortHandler:
				panic(cause)
			default:
				a.logPanic(r, cause)
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (a *api) logPanic(r *http.Request, cause any) {
	a.Log.Error("answering a request broke inside heed; please report this",
		"path", r.URL.Path, "cause", plain.Panic(cause), "stack", string(debug.Stack()))
}

// answer returns the answer of a route as JSON. It runs before anything is written, so
// that a panic can be answered too.
func (a *api) answer(route route, r *http.Request) (text []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			a.logPanic(r, cause)
			err = &requestError{
				http.StatusInternalServerError, "this broke inside heed; its log says where: please report it",
			}
		}
	}()
	response, err := route.serve(r)
	if err != nil {
		return nil, err
	}
	return encoded(response), nil
}

// serve renders what a route returns.
func (a *api) serve(route route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		limit := route.maxBody
		if limit == 0 {
			limit = maxSmallBody
		}
		if limit > maxSmallBody && (r.ContentLength < 0 || r.ContentLength > admin.MaxSmall) {
			end, err := a.Service.BeginLarge(r.Context())
			if err != nil {
				a.fail(w, r, err)
				return
			}
			defer end()
		}
		if limit > 0 {
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		} else { // a file, which takes as long as it takes
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		}
		if route.stream != nil {
			if err := route.stream(w, r); err != nil {
				a.fail(w, r, err)
			}
			return
		}
		text, err := a.answer(route, r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, "application/json", text)
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
	admin.Busy: http.StatusTooManyRequests,
}

// fail answers with an error. An error that is neither the request's nor the
// service's comes from a store that cannot be read or, for a change, written.
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
		if refusal.Kind == admin.Busy {
			w.Header().Set("Retry-After", "5")
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

// authorize lets those pass whom the gate knows, and says in the context who asks.
func (a *api) authorize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := a.Gate.Identify(r)
		switch {
		case errors.Is(err, access.ErrNoToken):
			w.Header().Set("WWW-Authenticate", "Bearer")
			problem(w, http.StatusUnauthorized, err.Error(), nil)
		case errors.Is(err, access.ErrByAddress):
			problem(w, http.StatusForbidden, err.Error(), nil)
		case err != nil:
			a.fail(w, r, err)
		default:
			next.ServeHTTP(w, r.WithContext(access.With(r.Context(), who)))
		}
	})
}

// allow refuses whoever has less than a role.
func (a *api) allow(needs access.Role, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := access.Of(r.Context()).Check(needs); err != nil {
			problem(w, http.StatusForbidden, err.Error(), nil)
			return
		}
		next(w, r)
	}
}

// toConsole sends browsers that ask for / to the pages for people.
func (a *api) toConsole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		isPage := r.URL.Path == "/" && r.Method == http.MethodGet &&
			strings.Contains(r.Header.Get("Accept"), "text/html")
		if a.Console != nil && isPage {
			w.Header().Set("Vary", "Accept")
			http.Redirect(w, r, "/ui/", http.StatusSeeOther)
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
	writeJSON(w, status, "application/problem+json", encoded(body))
}

// encoded returns a value as JSON. A value that cannot be encoded is a bug in heed.
func encoded(body any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		panic(err)
	}
	return text.Bytes()
}

func writeJSON(w http.ResponseWriter, status int, mediaType string, text []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client is gone
}
