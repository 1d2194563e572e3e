// Package console owns the pages for people on the admin listener. It shows what
// the admin service answers as HTML and turns forms into its calls; what these
// mean is the service's. Each page is one file with its handlers, the template
// beside it, and a line in the table of routes. Every page works without
// JavaScript. Only internal/app imports it.
package console

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"

	"heed/internal/admin"
	"heed/internal/admin/access"
	"heed/internal/admin/routing"
	"heed/internal/plain"
)

// Options are what the console needs.
type Options struct {
	Service *admin.Service
	// Gate says who asks, and exchanges tokens for sessions.
	Gate    *access.Gate
	Version string
	Log     *slog.Logger
}

type console struct {
	Options
	views views
}

// route is a page, or what a form does.
type route struct {
	pattern string
	needs   access.Role
	serve   func(*request) (answer, error)
	query   []string // the parameters that it takes, besides those of all pages
	maxBody int64    // 0 for maxForm
}

// maxForm bounds a form; those with files or rules may be larger.
const (
	maxForm  = 64 << 10
	maxRules = 4 << 20
	maxSheet = 32 << 20
)

// routes returns all pages and all actions on them.
func (c *console) routes() []route {
	const viewer, operator = access.Viewer, access.Operator
	return []route{
		{pattern: "GET /ui/{$}", needs: viewer, serve: c.overview},
		{pattern: "GET /ui/events", needs: viewer, serve: c.events, query: eventParameters},
		{pattern: "GET /ui/events/bulk", needs: operator, serve: c.bulkReplay, query: eventParameters},
		{pattern: "POST /ui/events/bulk", needs: operator, serve: c.startReplay, query: eventParameters},
		{pattern: "GET /ui/events/chosen", needs: operator, serve: c.chosenReplay, query: []string{"id"}},
		{pattern: "POST /ui/events/chosen", needs: operator, serve: c.startChosen, query: []string{"id"}},
		{pattern: "GET /ui/events/{id}", needs: viewer, serve: c.event},
		{pattern: "GET /ui/events/{id}/fixture", needs: viewer, serve: c.fixture},
		{pattern: "GET /ui/events/{id}/replay", needs: operator, serve: c.previewReplay},
		{pattern: "POST /ui/events/{id}/replay", needs: operator, serve: c.replay},
		{pattern: "GET /ui/rules", needs: viewer, serve: c.rules},
		{pattern: "GET /ui/rules/{name}", needs: viewer, serve: c.rule, query: []string{"promote"}},
		{pattern: "GET /ui/playground", needs: viewer, serve: c.playground, query: []string{"rule", "file", "since"}},
		{
			pattern: "POST /ui/playground", needs: operator, serve: c.play, query: []string{"rule", "file", "since"},
			maxBody: maxRules,
		},
		{pattern: "GET /ui/deliveries", needs: viewer, serve: c.deliveries, query: deliveryParameters},
		{
			pattern: "GET /ui/deliveries/bulk", needs: operator, serve: c.previewBulk,
			query: append(deliveryParameters, "what"),
		},
		{
			pattern: "POST /ui/deliveries/bulk", needs: operator, serve: c.startBulk,
			query: append(deliveryParameters, "what"),
		},
		{pattern: "GET /ui/deliveries/{id}", needs: viewer, serve: c.delivery},
		{pattern: "POST /ui/deliveries/{id}/{change}", needs: operator, serve: c.changeDelivery},
		{pattern: "GET /ui/jobs/{id}", needs: operator, serve: c.job},
		{pattern: "POST /ui/jobs/{id}/stop", needs: operator, serve: c.stopJob},
		{pattern: "GET /ui/problems", needs: viewer, serve: c.problems},
		{pattern: "GET /ui/people", needs: viewer, serve: c.people, query: []string{"team", "role", "cursor"}},
		{pattern: "GET /ui/people/import", needs: operator, serve: c.importForm},
		{pattern: "POST /ui/people/import", needs: operator, serve: c.importPeople, maxBody: maxSheet},
		{pattern: "GET /ui/people/{id}", needs: viewer, serve: c.person},
		{
			pattern: "GET /ui/leaderboard", needs: viewer, serve: c.leaderboard,
			query: []string{"by", "team", "module", "since"},
		},
		{pattern: "GET /ui/progress", needs: viewer, serve: c.progress, query: []string{"team"}},
		{pattern: "GET /ui/mutes", needs: viewer, serve: c.mutes, query: []string{"rule"}},
		{pattern: "POST /ui/mutes", needs: operator, serve: c.mute},
		{pattern: "POST /ui/mutes/end", needs: operator, serve: c.unmute},
		{pattern: "GET /ui/audit", needs: viewer, serve: c.audit, query: []string{"cursor"}},
		{pattern: "GET /ui/search", needs: viewer, serve: c.search, query: []string{"q"}},
		{pattern: "GET /ui/help", needs: viewer, serve: c.help},
		{pattern: "POST /ui/reload", needs: operator, serve: c.reload},
		{pattern: "POST /ui/reveal", needs: operator, serve: c.reveal},
		{pattern: "POST /ui/logout", needs: viewer, serve: c.logout},
	}
}

// New makes the handler of /ui/. The error is that of a template.
func New(o Options) (http.Handler, error) {
	c := &console{Options: o}
	var err error
	if c.views, err = readViews(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, r := range c.routes() {
		mux.Handle(r.pattern, c.page(r))
	}
	mux.HandleFunc("GET /ui/login", c.loginForm)
	mux.HandleFunc("POST /ui/login", c.login)
	mux.Handle("GET /ui/static/{file}", static())
	mux.Handle("/ui/", c.page(route{needs: access.Viewer, serve: func(q *request) (answer, error) {
		return nil, q.notServed(routing.Methods(mux, q.Request))
	}}))
	return compressed(secured(mux)), nil
}

// secured sets the headers that keep a page from running or loading anything that
// is not heed's own.
func secured(next http.Handler) http.Handler {
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src " +
		"'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// page serves a route: it finds out who asks, and renders the answer or the error.
func (c *console) page(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := c.Gate.Identify(r)
		q := &request{Request: r, w: w, who: who, route: route}
		if err != nil {
			c.refuse(q, err)
			return
		}
		q.Request = r.WithContext(access.With(r.Context(), who))
		answer, err := c.answer(q)
		if err != nil {
			c.fail(q, err)
			return
		}
		if err := answer.send(c, q); err != nil {
			c.fail(q, err)
		}
	})
}

// answer returns the answer of a route. It runs before anything is written, so that a
// panic can be answered too.
func (c *console) answer(q *request) (_ answer, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			c.Log.Error("answering a request broke inside heed; please report this",
				"path", q.URL.Path, "cause", plain.Panic(cause), "stack", string(debug.Stack()))
			err = &pageError{
				http.StatusInternalServerError, "This broke inside heed; its log says where: please report it.",
			}
		}
	}()
	if err := q.who.Check(q.route.needs); err != nil {
		return nil, err
	}
	if err := q.checkQuery(); err != nil {
		return nil, err
	}
	if q.Method == http.MethodPost {
		limit := q.route.maxBody
		if limit == 0 {
			limit = maxForm
		}
		if limit > maxForm && (q.ContentLength < 0 || q.ContentLength > admin.MaxSmall) {
			end, err := c.Service.BeginLarge(q.ctx())
			if err != nil {
				return nil, err
			}
			defer end()
		}
		q.Body = http.MaxBytesReader(q.w, q.Body, limit)
		if err := q.readForm(); err != nil {
			return nil, err
		}
	}
	return q.route.serve(q)
}

// refuse answers whoever the gate does not know: a page asks for a token.
func (c *console) refuse(q *request, err error) {
	if errors.Is(err, access.ErrNoToken) && q.Method == http.MethodGet {
		http.Redirect(q.w, q.Request, loginURL(q.URL), http.StatusSeeOther)
		return
	}
	c.fail(q, err)
}
