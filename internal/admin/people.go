package admin

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"heed/engine/people"
)

// Person is who somebody is.
type Person struct {
	ID    string `json:"user_id"`
	Email string `json:"email,omitempty"`
	Role  string `json:"role,omitempty"`
	Team  string `json:"team_id,omitempty"`
	Name  string `json:"name,omitempty"`
	// Manager is the manager's e-mail address or userId.
	Manager string `json:"manager,omitempty"`
	// Active is nil where nobody told.
	Active    *bool     `json:"active,omitempty"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// Items are shown of one person, not in lists.
	Items []people.Item `json:"items,omitempty"`
}

// PeoplePage is a page of people, by their ids.
type PeoplePage struct {
	People []Person `json:"people"`
	// Next is the cursor of the next page; empty on the last.
	Next string `json:"next_cursor"`
}

// Leaderboard lists who has come furthest by a measure.
type Leaderboard struct {
	By        string            `json:"by"`
	Standings []people.Standing `json:"standings"`
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
	shown := Person{
		ID: p.ID, Email: p.Email, Role: p.Role, Team: p.Team, Name: p.Name, Manager: p.Manager, ChangedAt: p.ChangedAt,
	}
	if p.KnowsActive {
		shown.Active = &p.Active
	}
	return shown
}

// cursorEncoding hides the id that a cursor is: whoever sends events chooses ids,
// and people copy cursors into a shell.
var cursorEncoding = base64.RawURLEncoding

// People lists people of a team and a role, after those of the page that gave the
// cursor. An empty team or role chooses all.
func (s *Service) People(ctx context.Context, team, role, cursor string, limit int) (page PeoplePage, err error) {
	after, err := cursorEncoding.DecodeString(cursor)
	if err != nil {
		return page, errCursor
	}
	if err := checkLimit(limit); err != nil {
		return page, err
	}
	list, err := s.o.People.List(ctx, people.Filter{Team: team, Role: role, After: string(after), Limit: limit + 1})
	if len(list) > limit {
		list = list[:limit]
		page.Next = cursorEncoding.EncodeToString([]byte(list[limit-1].ID))
	}
	page.People = make([]Person, len(list))
	m := s.masker(ctx)
	for i := range list {
		page.People[i] = shownPerson(&list[i])
		if m != nil {
			m.person(&page.People[i])
		}
	}
	return page, err
}

// Person returns a person with their progress.
func (s *Service) Person(ctx context.Context, id string) (Person, error) {
	p, items, known, err := s.o.People.Person(ctx, s.user(ctx, id))
	if err == nil && !known {
		err = errorf(NotFound, "nothing is known of a person %q; the id is the userId of the events", id)
	}
	shown := shownPerson(&p)
	shown.Items = items
	if m := s.masker(ctx); m != nil {
		m.person(&shown)
	}
	return shown, err
}

// Leaderboard lists who has come furthest.
func (s *Service) Leaderboard(ctx context.Context, q people.Query) (Leaderboard, error) {
	if err := checkLimit(q.Limit); err != nil {
		return Leaderboard{}, err
	}
	standings, err := s.o.People.Leaderboard(ctx, q)
	if m := s.masker(ctx); m != nil {
		standings = m.standings(standings)
	}
	return Leaderboard{q.By.String(), orEmpty(standings)}, err
}

// Import imports people from a sheet; in a dry run it says what it would do. A
// sheet with mistakes is not imported.
func (s *Service) Import(ctx context.Context, sheet *people.Sheet, dryRun bool) (result Import, err error) {
	result = Import{Problems: orEmpty(sheet.Problems), Ignored: orEmpty(sheet.Ignored)}
	switch {
	case dryRun:
		result.Plan, err = s.o.People.Plan(ctx, sheet.Records)
		return result, err
	case len(sheet.Problems) > 0:
		return result, &Error{Text: "the file has mistakes, so nothing was imported", Problems: sheet.Problems}
	}
	result.Plan, err = s.o.People.Import(ctx, sheet.Records, s.o.Now())
	s.note(ctx, "import people", "", result.New+result.Changed, err)
	if err != nil {
		return result, err
	}
	result.Imported = true
	s.o.Log.Info("people imported", "new", result.New, "changed", result.Changed, "same", result.Same)
	return result, nil
}

// Forget deletes a person's events and all that is known of the person, and
// returns how many events.
func (s *Service) Forget(ctx context.Context, user string) (events int, err error) {
	if strings.TrimSpace(user) == "" {
		return 0, errorf(Invalid, "name the user by the userId of the events")
	}
	events, err = s.o.People.Forget(ctx, user)
	s.note(ctx, "forget a person", "", events, err) // not whom: that is forgotten
	if err == nil {
		s.o.Log.Info("a user's events were forgotten", "events", events)
	}
	return events, err
}
