package admin

import (
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"heed/engine/event"
	"heed/engine/people"
)

// Person is a person as the API shows them.
type Person struct {
	ID    string `json:"user_id"`
	Email string `json:"email,omitempty"`
	Role  string `json:"role,omitempty"`
	Team  string `json:"team_id,omitempty"`
	// Active is nil where nobody told.
	Active    *bool     `json:"active,omitempty"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// Items are shown of one person, not in lists.
	Items []people.Item `json:"items,omitempty"`
}

// Standing is a line of a leaderboard.
type Standing struct {
	Place int     `json:"place"`
	ID    string  `json:"user_id"`
	Email string  `json:"email,omitempty"`
	Role  string  `json:"role,omitempty"`
	Team  string  `json:"team_id,omitempty"`
	Value float64 `json:"value"`
	Items int     `json:"items"`
}

// Import is what an import did or, in a dry run, would do.
type Import struct {
	people.Plan
	Imported bool                  `json:"imported"`
	Problems []people.SheetProblem `json:"problems"`
	// Ignored are the names of columns that mean nothing here.
	Ignored []string `json:"ignored_columns"`
}

func shownPerson(p *people.Person) Person {
	shown := Person{ID: p.ID, Email: p.Email, Role: p.Role, Team: p.Team, ChangedAt: p.ChangedAt}
	if p.KnowsActive {
		shown.Active = &p.Active
	}
	return shown
}

// keeper returns who keeps the people; nil if it answered that nobody can.
func (a *api) keeper(w http.ResponseWriter, r *http.Request) *people.Keeper {
	k, err := a.People(r.Context())
	if err != nil {
		a.broken(w, r, err)
		return nil
	}
	return k
}

// cursorEncoding hides the id that a cursor is: whoever sends events chooses ids,
// and people copy cursors into a shell.
var cursorEncoding = base64.RawURLEncoding

func (a *api) people(w http.ResponseWriter, r *http.Request) {
	n, ok := limit(w, r)
	if !ok {
		return
	}
	query := r.URL.Query()
	after, err := cursorEncoding.DecodeString(query.Get("cursor"))
	if err != nil {
		problem(w, http.StatusBadRequest, "cursor is not one that a page gave", nil)
		return
	}
	k := a.keeper(w, r)
	if k == nil {
		return
	}
	list := k.List(people.Filter{Team: query.Get("team"), Role: query.Get("role"), After: string(after), Limit: n + 1})
	next := ""
	if len(list) > n {
		list = list[:n]
		next = cursorEncoding.EncodeToString([]byte(list[n-1].ID))
	}
	shown := make([]Person, len(list))
	for i := range list {
		shown[i] = shownPerson(&list[i])
	}
	write(w, http.StatusOK, map[string]any{"people": shown, "next_cursor": next})
}

func (a *api) person(w http.ResponseWriter, r *http.Request) {
	k := a.keeper(w, r)
	if k == nil {
		return
	}
	id := r.PathValue("id")
	p, ok := k.Person(id)
	if !ok {
		problem(w, http.StatusNotFound, fmt.Sprintf("nothing is known of a person %q; the id is the userId of the events", id), nil)
		return
	}
	shown := shownPerson(&p)
	shown.Items = k.Items(id)
	write(w, http.StatusOK, shown)
}

func (a *api) leaderboard(w http.ResponseWriter, r *http.Request) {
	n, ok := limit(w, r)
	if !ok {
		return
	}
	query := r.URL.Query()
	q := people.Query{Team: query.Get("team"), Module: query.Get("module"), Limit: n}
	var err error
	if by := query.Get("by"); by != "" {
		if q.By, err = people.ParseBy(by); err != nil {
			problem(w, http.StatusBadRequest, "by: "+err.Error(), nil)
			return
		}
	}
	if q.Since, err = since(query.Get("since"), a.Now()); err != nil {
		problem(w, http.StatusBadRequest, "since: "+err.Error(), nil)
		return
	}
	k := a.keeper(w, r)
	if k == nil {
		return
	}
	standings := []Standing{}
	for _, s := range k.Leaderboard(q) {
		standings = append(standings, Standing(s))
	}
	write(w, http.StatusOK, map[string]any{"by": q.By.String(), "standings": standings})
}

// since reads a time, a date, or how long ago; the zero time for an empty text.
func since(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, ok := event.ParseTime(text); ok {
		return t, nil
	}
	ago, err := model.ParseDuration(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time: write 2026-03-01, 2026-03-01T09:00:00Z, or how long ago, such as 7d or 12h", text)
	}
	return now.Add(-time.Duration(ago)), nil
}

// maxSheet is how big a CSV file may be, as people.ReadSheet takes it.
const maxSheet = 32 << 20

// importPeople takes a CSV file. With ?dry_run=true it says what it would do and
// answers 200 also for a file with mistakes.
func (a *api) importPeople(w http.ResponseWriter, r *http.Request) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "text/csv" {
		problem(w, http.StatusUnsupportedMediaType, "send a CSV file, with Content-Type: text/csv", nil)
		return
	}
	dry := false
	if text := r.URL.Query().Get("dry_run"); text != "" {
		var err error
		if dry, err = strconv.ParseBool(text); err != nil {
			problem(w, http.StatusBadRequest, "dry_run is true or false", nil)
			return
		}
	}
	sheet, err := people.ReadSheet(http.MaxBytesReader(w, r.Body, maxSheet))
	if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
		problem(w, http.StatusRequestEntityTooLarge, "the file is bigger than 32 MiB: import it in parts", nil)
		return
	}
	if err != nil {
		problem(w, http.StatusBadRequest, "the file did not arrive whole: "+err.Error(), nil)
		return
	}
	k := a.keeper(w, r)
	if k == nil {
		return
	}
	result := Import{Problems: orEmpty(sheet.Problems), Ignored: orEmpty(sheet.Ignored)}
	switch {
	case dry:
		result.Plan = k.Plan(sheet.Records)
	case len(sheet.Problems) > 0:
		problem(w, http.StatusBadRequest, "the file has mistakes, so nothing was imported", map[string]any{"problems": sheet.Problems})
		return
	default:
		if result.Plan, err = k.Import(r.Context(), sheet.Records, a.Now()); err != nil {
			a.broken(w, r, err)
			return
		}
		result.Imported = true
		a.Log.Info("people imported", "new", result.New, "changed", result.Changed, "same", result.Same)
	}
	write(w, http.StatusOK, &result)
}
