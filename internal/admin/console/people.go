package console

import (
	"io"
	"net/http"
	"strings"

	"heed/engine/people"
	"heed/internal/admin"
)

type peopleData struct {
	admin.PeoplePage
	Team, Role string
	Older      older
	Filtered   bool
}

func (c *console) people(q *request) (answer, error) {
	d := peopleData{Team: q.get("team"), Role: q.get("role")}
	page, err := c.Service.People(q.ctx(), d.Team, d.Role, q.get("cursor"), admin.DefaultLimit)
	if err != nil {
		return nil, err
	}
	d.PeoplePage, d.Filtered = page, d.Team != "" || d.Role != ""
	if page.Next != "" {
		d.Older = older{q.with("cursor", page.Next), "More people"}
	}
	rows := [][]string{{"user_id", "email", "role", "team_id", "active"}}
	for _, p := range page.People {
		rows = append(rows, []string{p.ID, p.Email, p.Role, p.Team, activity(p.Active)})
	}
	return view{
		Title: "People", Nav: "People", Template: "people", Data: d, Table: &table{"people", rows},
		Command: command("heed people list", q, []string{"team", "role"}),
		API:     apiURL("/api/v1/people", q, "team", "role", "cursor"),
	}, nil
}

// activity says whether somebody is there still; empty where nobody told.
func activity(active *bool) string {
	switch {
	case active == nil:
		return ""
	case *active:
		return "active"
	default:
		return "left"
	}
}

type personData struct {
	admin.Person
	Activity string
	Events   []admin.ListedEvent
}

func (c *console) person(q *request) (answer, error) {
	id := q.PathValue("id")
	p, err := c.Service.Person(q.ctx(), id)
	if err != nil {
		return nil, err
	}
	events, err := c.Service.Events(q.ctx(), admin.EventQuery{User: id, Limit: 20})
	if err != nil {
		return nil, err
	}
	return view{
		Title: "Person " + p.ID, Nav: "People", Template: "person",
		Data:    personData{p, activity(p.Active), events.Events},
		Command: "heed why --user " + quoted(p.ID), API: "/api/v1/people/" + admin.Segment(p.ID),
	}, nil
}

// importData is what an import did or would do.
type importData struct {
	admin.Import
	Tried  bool
	Text   string // of the file, for the import after the check; empty if it is long
	Errors bool
}

// keptSheet is how long a file may be, in bytes, to be kept on the page between the
// check and the import.
const keptSheet = 1 << 20

func (c *console) importForm(*request) (answer, error) {
	return view{
		Title: "Import people", Nav: "People", Template: "import", Data: importData{},
		Command: "heed people import reps.csv",
	}, nil
}

// importPeople checks a file or imports it.
func (c *console) importPeople(q *request) (answer, error) {
	text := q.PostFormValue("text")
	if file, _, err := q.FormFile("file"); err == nil {
		defer file.Close()
		all, err := io.ReadAll(file)
		if err != nil {
			return nil, invalid("The file did not arrive whole: %v.", err)
		}
		text = string(all)
	}
	if strings.TrimSpace(text) == "" {
		return nil, invalid("Choose a CSV file, or paste its text. Its first line names the columns: user_id, email, " +
			"role, team_id, active.")
	}
	sheet, err := people.ReadSheet(strings.NewReader(text))
	if err != nil {
		return nil, invalid("The file cannot be read: %v.", err)
	}
	dryRun := q.PostFormValue("do") != "import"
	result, err := c.Service.Import(q.ctx(), sheet, dryRun)
	if err != nil {
		return nil, err
	}
	if !dryRun {
		return done("/ui/people", "imported", result.New+result.Changed), nil
	}
	d := importData{Import: result, Tried: true, Errors: len(result.Problems) > 0}
	if len(text) <= keptSheet {
		d.Text = text
	}
	return view{
		Title: "Import people", Nav: "People", Template: "import", Data: d, Command: "heed people import reps.csv",
		exact: true, status: http.StatusOK,
	}, nil
}
