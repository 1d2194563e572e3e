package console

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"heed/internal/admin/access"
	"heed/internal/plain"
)

// answer is what a route answers.
type answer interface {
	send(*console, *request) error
}

// view is a page.
type view struct {
	// Title is that of the window and the heading, Nav the entry of the navigation.
	Title, Nav string
	// Template is the file without its ending.
	Template string
	Data     any
	// Command does on the command line what the page shows, API is the same as JSON;
	// both may be empty.
	Command, API string
	// Table is what the page has as CSV; nil for none.
	Table *table
	// exact says that the page has a text of the user's, which must stay as it is.
	exact  bool
	status int
}

// table is a table for spreadsheets.
type table struct {
	name string
	rows [][]string // the first are the headings
}

// frame is what every page has around it.
type frame struct {
	*view
	Version    string
	Navigation []navigation
	Who        string
	Role       string
	Open       bool // no token is asked for
	Masked     bool
	MayReveal  bool
	MayAct     bool
	Here       string // the address
	CSV        string
	Notice     string
	Query      string
}

type navigation struct {
	Name, URL string
	Current   bool
}

var navigationOf = [][2]string{
	{"Overview", "/ui/"},
	{"Events", "/ui/events"},
	{"Rules", "/ui/rules"},
	{"Playground", "/ui/playground"},
	{"Deliveries", "/ui/deliveries"},
	{"Problems", "/ui/problems"},
	{"People", "/ui/people"},
	{"Leaderboard", "/ui/leaderboard"},
	{"Progress", "/ui/progress"},
	{"Mutes", "/ui/mutes"},
	{"Audit", "/ui/audit"},
}

func (v view) send(c *console, q *request) error {
	if v.Table != nil && q.get("format") == "csv" {
		return v.Table.send(q)
	}
	f := frame{
		view: &v, Version: c.Version, Who: q.who.Name, Role: q.who.Role.String(), Open: c.Gate.Open(),
		Masked: q.who.Masked, MayReveal: q.who.Check(access.Operator) == nil,
		MayAct: q.who.Check(access.Operator) == nil, Here: q.with(), Notice: noticeOf(q), Query: q.get("q"),
	}
	for _, n := range navigationOf {
		f.Navigation = append(f.Navigation, navigation{n[0], n[1], n[0] == v.Nav})
	}
	if v.Table != nil {
		f.CSV = q.with("format", "csv")
	}
	var out bytes.Buffer
	if err := c.views.pages[v.Template].ExecuteTemplate(&out, "frame", f); err != nil {
		return err
	}
	text := out.String()
	if !v.exact {
		text = plain.Text(text)
	}
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q.w.WriteHeader(cmp.Or(v.status, http.StatusOK))
	_, _ = io.WriteString(q.w, text) // the browser is gone
	return nil
}

func (t *table) send(q *request) error {
	q.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	q.w.Header().Set("Content-Disposition", "attachment; filename="+t.name+".csv")
	out := csv.NewWriter(q.w)
	for _, row := range t.rows {
		for i, cell := range row {
			row[i] = plain.Cell(cell)
		}
		_ = out.Write(row) // the browser is gone
	}
	out.Flush()
	return nil
}

// redirect sends the browser to another page after something was done.
type redirect string

func (to redirect) send(_ *console, q *request) error {
	http.Redirect(q.w, q.Request, string(to), http.StatusSeeOther)
	return nil
}

// done goes to a page that says what was done. The words are in notices.
func done(path, notice string, n int) redirect {
	query := url.Values{"notice": {notice}, "n": {strconv.Itoa(n)}}
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return redirect(path + separator + query.Encode())
}

// jsonAnswer is an answer for a script of the page.
type jsonAnswer struct {
	status int
	body   any
}

func (a jsonAnswer) send(_ *console, q *request) error {
	q.w.Header().Set("Content-Type", "application/json")
	q.w.WriteHeader(cmp.Or(a.status, http.StatusOK))
	_ = json.NewEncoder(q.w).Encode(a.body) // the browser is gone
	return nil
}

// download is a file to be kept.
type download struct {
	name, mediaType string
	text            []byte
}

func (d download) send(_ *console, q *request) error {
	q.w.Header().Set("Content-Type", d.mediaType)
	q.w.Header().Set("Content-Disposition", "attachment; filename="+strconv.Quote(d.name))
	_, _ = q.w.Write(d.text) // the browser is gone
	return nil
}

// notices say what was done. They are chosen by a word in the address, so that no
// link can put other words on a page.
var notices = map[string]string{
	"replayed":  "Replayed: %d messages are on their way.",
	"retried":   "It is on its way again.",
	"discarded": "Discarded: it is never sent.",
	"muted":     "Muted.",
	"unmuted":   "The mute has ended: %d alerts were not sent meanwhile.",
	"imported":  "Imported: %d people are new or changed.",
	"saved":     "Saved and active.",
	"reloaded":  "The rules were read again.",
	"stopped":   "The job was asked to stop.",
	"revealed":  "Personal values are shown for 15 minutes. The audit log has a note of it.",
	"hidden":    "Personal values are hidden again.",
}

func noticeOf(q *request) string {
	text := notices[q.get("notice")]
	if !strings.Contains(text, "%d") {
		return text
	}
	n, err := strconv.ParseUint(q.get("n"), 10, 32)
	if err != nil {
		return ""
	}
	return strings.Replace(text, "%d", strconv.FormatUint(n, 10), 1)
}
