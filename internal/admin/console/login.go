package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"heed/internal/admin/access"
	"heed/internal/plain"
)

type loginData struct {
	Back, Problem string
}

// loginURL asks for a token, and comes back to a page.
func loginURL(back *url.URL) string { return "/ui/login?back=" + url.QueryEscape(back.RequestURI()) }

// ownPath returns the given path if it is one of the console, and the first page
// otherwise: no link may lead elsewhere after a login.
func ownPath(path string) string {
	u, err := url.Parse(path)
	isElsewhere := err != nil || u.Scheme != "" || u.Host != "" || strings.ContainsAny(path, "\\\r\n")
	if isElsewhere || !strings.HasPrefix(u.Path, "/ui/") {
		return "/ui/"
	}
	return u.RequestURI()
}

func (c *console) loginForm(w http.ResponseWriter, r *http.Request) {
	if c.Gate.Open() {
		http.Redirect(w, r, "/ui/", http.StatusSeeOther)
		return
	}
	c.showLogin(w, r, http.StatusOK, r.URL.Query().Get("back"), "")
}

func (c *console) showLogin(w http.ResponseWriter, r *http.Request, status int, back, problem string) {
	q := &request{Request: r, w: w}
	var out strings.Builder
	f := frame{view: &view{Title: "Log in", Data: loginData{ownPath(back), problem}}, Version: c.Version}
	if err := c.views.pages["login"].ExecuteTemplate(&out, "frame", f); err != nil {
		c.fail(q, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(plain.Text(out.String()))) // the browser is gone
}

// login exchanges a token for a session.
func (c *console) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	back := r.PostFormValue("back")
	if c.Gate.Open() {
		http.Redirect(w, r, ownPath(back), http.StatusSeeOther)
		return
	}
	who, err := c.Gate.Login(w, r, r.PostFormValue("token"))
	if err != nil {
		status := http.StatusForbidden
		if errors.Is(err, access.ErrBusy) {
			w.Header().Set("Retry-After", "60")
			status = http.StatusTooManyRequests
		}
		c.Log.Warn("console: a login was refused", "error", err, "from", r.RemoteAddr)
		c.showLogin(w, r, status, back, err.Error())
		return
	}
	c.Service.NoteLogin(access.With(r.Context(), who))
	http.Redirect(w, r, ownPath(back), http.StatusSeeOther)
}

func (c *console) logout(q *request) (answer, error) {
	c.Gate.Logout(q.w, q.Request)
	return redirect("/ui/login"), nil
}

// reveal shows personal values for a while, which is noted in the audit log, or hides
// them again.
func (c *console) reveal(q *request) (answer, error) {
	back, show := ownPath(q.PostFormValue("back")), q.PostFormValue("show") == "yes"
	if show {
		c.Service.NoteReveal(q.ctx(), back)
	}
	if err := c.Gate.Reveal(q.Request, show); err != nil {
		return nil, err
	}
	if show {
		return done(back, "revealed", 0), nil
	}
	return done(back, "hidden", 0), nil
}
