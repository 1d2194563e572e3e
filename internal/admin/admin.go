// Package admin owns the admin listener: health, metrics, reload, and the API
// over what heed remembers. The same handler serves the command line when it
// opens a data directory itself, so there is one way to read events and
// deliveries. Only cmd/heed imports it.
package admin

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/people"
	"heed/engine/record"
	"heed/engine/source"
)

// Store is what the listener reads and mends. internal/store is one.
type Store interface {
	Events(context.Context, record.EventFilter) ([]record.Event, error)
	Event(ctx context.Context, id string) (record.Event, bool, error)
	EventsByID(ctx context.Context, id string) ([]record.Event, error)
	Deliveries(context.Context, record.DeliveryFilter) (page []record.Delivery, next string, err error)
	Delivery(ctx context.Context, id string) (record.Delivery, []record.Attempt, bool, error)
	EventBySeq(ctx context.Context, seq int64) (record.Event, bool, error)
	LastGood() record.LastGood

	Retry(ctx context.Context, f record.DeliveryFilter, now time.Time) (int, error)
	Discard(ctx context.Context, f record.DeliveryFilter) (int, error)
	Forget(ctx context.Context, user string) (int, error)
}

// LastReload is how the last attempt to load the rule files went: those of now
// are active, or why they are not.
type LastReload struct {
	OK       bool             `json:"ok"`
	At       time.Time        `json:"at"`
	Error    string           `json:"error,omitempty"`
	Problems []source.Problem `json:"problems"` // warnings too
}

// Options are what the listener needs. People, Reload, LastReload, Replay,
// DryRun, Metrics and Rules may be nil: what they do then takes a running server.
type Options struct {
	Store Store
	// RuleSet finds the rule set that decided an event, by its hash.
	RuleSet func(ctx context.Context, hash string) (*engine.RuleSet, error)
	// Rules returns the active rule set.
	Rules func() *engine.RuleSet
	// Reload loads the rules anew; problems are those of the rule files.
	Reload func(context.Context) (problems []source.Problem, err error)
	// LastReload says how the last attempt to load the rules went; nil if none
	// is known.
	LastReload func() *LastReload
	// Replay decides a stored event once more, by the rules of now; with send it
	// stores and sends what follows.
	Replay func(ctx context.Context, e record.Event, send bool) ([]engine.Decision, []record.Delivery, error)
	// DryRun decides events without sending anything.
	DryRun DryRun
	// People returns who keeps what is known of people.
	People func(context.Context) (*people.Keeper, error)
	// Ready says why heed is not ready; nil if it is.
	Ready   func() error
	Metrics http.Handler
	// Token, if not empty, must come as a bearer token with every request but
	// those for health.
	Token string
	Now   func() time.Time
	Log   *slog.Logger
}

// New makes the listener's handler.
func New(o Options) http.Handler {
	a := &api{o, nil}
	guarded := http.NewServeMux()
	handle := func(can bool, pattern string, handler http.HandlerFunc) {
		if can {
			guarded.HandleFunc(pattern, onlyKnown(pattern, handler))
			a.paths = append(a.paths, pattern)
		}
	}
	handle(true, "GET /api/v1/events", a.events)
	handle(true, "GET /api/v1/events/{id}", a.event)
	handle(true, "POST /api/v1/events/{id}/replay", a.replay)
	handle(true, "GET /api/v1/source", a.source)
	handle(true, "GET /api/v1/deliveries", a.deliveries)
	handle(true, "GET /api/v1/deliveries/{id}", a.delivery)
	handle(true, "POST /api/v1/deliveries/{id}/retry", a.retry)
	handle(true, "POST /api/v1/deliveries/{id}/discard", a.discard)
	handle(true, "POST /api/v1/deliveries/retry", a.retryMany)
	handle(true, "POST /api/v1/deliveries/discard", a.discardMany)
	handle(true, "POST /api/v1/forget", a.forget)
	handle(o.People != nil, "GET /api/v1/people", a.people)
	handle(o.People != nil, "GET /api/v1/people/{id}", a.person)
	handle(o.People != nil, "POST /api/v1/people/import", a.importPeople)
	handle(o.People != nil, "GET /api/v1/leaderboard", a.leaderboard)
	handle(o.Rules != nil, "GET /api/v1/rules", a.rules)
	handle(o.DryRun != nil, "POST /api/v1/dry-run", a.dryRun)
	handle(o.Reload != nil, "POST /-/reload", a.reload)
	handle(o.Metrics != nil, "GET /metrics", func(w http.ResponseWriter, r *http.Request) { a.Metrics.ServeHTTP(w, r) })
	guarded.HandleFunc("GET /{$}", a.index)
	guarded.HandleFunc("/", a.nothing)

	open := http.NewServeMux()
	open.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	open.HandleFunc("GET /-/ready", a.ready)
	open.Handle("/", a.authorize(guarded))
	a.paths = append(a.paths, "GET /-/healthy", "GET /-/ready")
	// A page in somebody's browser must not be able to change anything here.
	return http.NewCrossOriginProtection().Handler(open)
}

type api struct {
	Options
	paths []string // that there are, with their methods
}

func (a *api) authorize(next http.Handler) http.Handler {
	if a.Token == "" {
		return onlyByAddress(next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer || subtle.ConstantTimeCompare([]byte(given), []byte(a.Token)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			problem(w, http.StatusUnauthorized, "send the token of --admin-token-file as Authorization: Bearer …", nil)
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
			problem(w, http.StatusForbidden, "ask for this listener by its address, or protect it with --admin-token-file", nil)
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

// index says what there is.
func (a *api) index(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{"heed": "the admin listener", "paths": a.paths})
}

func (a *api) nothing(w http.ResponseWriter, r *http.Request) {
	problem(w, http.StatusNotFound, fmt.Sprintf("there is nothing at %s %s", r.Method, r.URL.Path), nil)
}

// reload answers 400 with the problems if the rules cannot be used; the old
// ones then stay active.
func (a *api) reload(w http.ResponseWriter, r *http.Request) {
	problems, err := a.Reload(r.Context())
	if problems == nil {
		problems = []source.Problem{}
	}
	if err != nil {
		problem(w, http.StatusBadRequest, err.Error(), map[string]any{"problems": problems})
		return
	}
	write(w, http.StatusOK, map[string]any{"reloaded": true, "problems": problems})
}

func (a *api) rules(w http.ResponseWriter, _ *http.Request) {
	type rule struct {
		Name        string   `json:"name"`
		Description string   `json:"description,omitempty"`
		On          []string `json:"on"`
		When        string   `json:"when,omitempty"`
		Actions     []string `json:"actions"`
		File        string   `json:"file"`
		Line        int      `json:"line"`
	}
	set := a.Rules()
	list := []rule{}
	for _, r := range set.Rules() {
		shown := rule{Name: r.Name, Description: r.Description, On: r.On, When: r.Condition.Text, Actions: []string{}, File: r.File, Line: r.Line}
		for _, step := range r.Steps {
			shown.Actions = append(shown.Actions, step.Action)
		}
		list = append(list, shown)
	}
	answer := map[string]any{"version": set.Hash(), "rules": list}
	if a.LastReload != nil {
		if last := a.LastReload(); last != nil {
			shown := *last
			shown.Problems = orEmpty(shown.Problems)
			answer["last_reload"] = shown
		}
	}
	write(w, http.StatusOK, answer)
}

// problem answers with an RFC 9457 problem.
func problem(w http.ResponseWriter, status int, detail string, more map[string]any) {
	body := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail}
	for key, value := range more {
		body[key] = value
	}
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

// broken answers for a store that cannot be read or, for a change, written.
func (a *api) broken(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	what := "the store cannot be read"
	if r.Method != http.MethodGet {
		what = "the store cannot be changed"
	}
	a.Log.Error("admin: "+what, "path", r.URL.Path, "error", err)
	problem(w, http.StatusServiceUnavailable, what+": "+err.Error(), nil)
}
