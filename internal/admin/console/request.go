package console

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"heed/engine/suggest"
	"heed/internal/admin"
	"heed/internal/admin/access"
)

// request is one request for a page.
type request struct {
	*http.Request
	w     http.ResponseWriter
	who   access.Identity
	route route
}

func (q *request) ctx() context.Context { return q.Request.Context() }

// PathValue returns the id or name in a segment of the path.
func (q *request) PathValue(part string) string { return admin.OfSegment(q.Request.PathValue(part)) }

// get returns a parameter of the query.
func (q *request) get(name string) string { return strings.TrimSpace(q.URL.Query().Get(name)) }

// ofAllPages are the parameters that every page takes.
var ofAllPages = []string{"notice", "n", "format"}

// checkQuery refuses a parameter that the page does not take: it would be ignored,
// and the page would show something else than what was asked for.
func (q *request) checkQuery() error {
	query, err := url.ParseQuery(q.URL.RawQuery)
	if err != nil {
		return invalid("The address cannot be read: %v.", err)
	}
	known := slices.Concat(q.route.query, ofAllPages)
	for name, values := range query {
		if !slices.Contains(known, name) {
			text := fmt.Sprintf("This page has no parameter %q.", name)
			if meant := suggest.Closest(name, known); meant != "" {
				text += " Did you mean " + meant + "?"
			}
			return &pageError{http.StatusBadRequest, text}
		}
		if len(values) > 1 && !(name == "id" && slices.Contains(q.route.query, "id")) { // several events can be chosen
			return invalid("The parameter %q is given %d times: give it once.", name, len(values))
		}
	}
	return nil
}

func (q *request) readForm() error {
	read := q.ParseForm
	if strings.HasPrefix(q.Header.Get("Content-Type"), "multipart/") {
		read = func() error { return q.ParseMultipartForm(1 << 20) }
	}
	err := read()
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return &pageError{http.StatusRequestEntityTooLarge, "What was sent is too large for this page."}
	}
	if err != nil {
		return invalid("The form cannot be read: %v.", err)
	}
	return nil
}

// since reads the parameter of that name; see admin.ParseSince.
func (q *request) since(name string) (time.Time, error) { return parseSince(name, q.get(name)) }

func parseSince(name, text string) (time.Time, error) {
	t, err := admin.ParseSince(text, time.Now())
	if err != nil {
		return t, invalid("%s: %v", name, err)
	}
	return t, nil
}

// with returns the address of the page with other parameters, given as pairs of names
// and values. An empty value removes a parameter. The cursor and notices are always
// removed.
func (q *request) with(pairs ...string) string { return withQuery(q.URL, pairs...) }

func withQuery(u *url.URL, pairs ...string) string {
	query := u.Query()
	for _, name := range []string{"cursor", "notice", "n", "format"} {
		query.Del(name)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			query.Del(pairs[i])
		} else {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(query) == 0 {
		return u.Path
	}
	return u.Path + "?" + query.Encode()
}

// pageError is an error of a page itself.
type pageError struct {
	status int
	text   string
}

func (e *pageError) Error() string { return e.text }

func invalid(format string, args ...any) error {
	return &pageError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// notServed returns the error for a request that matches no route; the path may have
// routes for other methods.
func (q *request) notServed(methods []string) error {
	if len(methods) == 0 {
		return &pageError{http.StatusNotFound, "There is no page " + q.URL.Path + "."}
	}
	allow := strings.Join(methods, ", ")
	q.w.Header().Set("Allow", allow)
	return &pageError{http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s, not %s.", q.URL.Path, allow, q.Method)}
}

// problem is an error as a page shows it.
type problem struct {
	Status    int
	Title     string
	Detail    string
	Do        string
	RequestID string
	Problems  any
}

var problemTitles = map[int]string{
	http.StatusBadRequest: "That cannot be done", http.StatusNotFound: "There is no such thing",
	http.StatusConflict: "That cannot be done now", http.StatusForbidden: "You may not do that",
	http.StatusUnauthorized: "Log in first", http.StatusServiceUnavailable: "The store cannot be read",
	http.StatusTooManyRequests: "heed is busy", http.StatusMethodNotAllowed: "That is not a page",
}

// problemOf says what an error is, and what to do about it.
func (c *console) problemOf(q *request, err error) problem {
	p := problem{Status: http.StatusServiceUnavailable, Detail: err.Error(), RequestID: rand.Text()[:8]}
	var page *pageError
	var refusal *admin.Error
	var role *access.TooLittleError
	switch {
	case errors.As(err, &page):
		p.Status = page.status
	case errors.As(err, &refusal):
		p.Problems = refusal.Problems
		p.Status = map[admin.Kind]int{
			admin.Invalid: http.StatusBadRequest, admin.NotFound: http.StatusNotFound,
			admin.Conflict: http.StatusConflict, admin.Busy: http.StatusTooManyRequests,
		}[refusal.Kind]
	case errors.As(err, &role):
		p.Status = http.StatusForbidden
		p.Do = "Ask whoever keeps the tokens file for a token with that role, or ask somebody who has one."
	case errors.Is(err, access.ErrNoToken):
		p.Status = http.StatusUnauthorized
	case errors.Is(err, access.ErrByAddress):
		p.Status = http.StatusForbidden
	default:
		p.Do = "Is the disk full, or the database away? What heed acknowledged is not lost. heed status and its log " +
			"say more."
		c.Log.Error("console: a page cannot be shown", "path", q.URL.Path, "request", p.RequestID, "error", err)
	}
	p.Title = cmp.Or(problemTitles[p.Status], "That did not work")
	return p
}

// fail answers with an error, in the frame of all pages.
func (c *console) fail(q *request, err error) {
	if errors.Is(err, context.Canceled) {
		return // the browser is gone
	}
	p := c.problemOf(q, err)
	if q.wantsJSON() {
		body := map[string]any{"status": p.Status, "title": p.Title, "detail": p.Detail, "request": p.RequestID}
		_ = jsonAnswer{p.Status, body}.send(c, q)
		return
	}
	v := view{Title: p.Title, Template: "problem", Data: p, status: p.Status}
	if err := v.send(c, q); err != nil {
		c.Log.Error("console: an error cannot be shown", "error", err)
	}
}

func (q *request) wantsJSON() bool {
	return strings.HasPrefix(q.Header.Get("Accept"), "application/json")
}
