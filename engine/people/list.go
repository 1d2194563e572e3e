package people

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A Filter selects people, in the order of their IDs. Zero fields select everybody.
type Filter struct {
	Team, Role string
	// EmailStart is a prefix of the e-mail address, in any case.
	EmailStart string
	// After is the ID after which the list begins.
	After string
	// Limit is the number of people wanted; 0 for all.
	Limit int
}

// List returns the people that the filter selects, ordered by ID.
func (d *Directory) List(f Filter) []Person {
	first := front[Person]{limit: f.Limit, compare: func(a, b Person) int { return cmp.Compare(a.ID, b.ID) }}
	d.each(func(p *person) {
		inTeam, hasRole := f.Team == "" || p.profile.team.text == f.Team, f.Role == "" || p.profile.role.text == f.Role
		if p.id > f.After && inTeam && hasRole && hasStart(p.profile.email.text, f.EmailStart) {
			first.add(p.profile.person(p.id))
		}
	})
	return first.sorted()
}

func hasStart(text, start string) bool {
	return start == "" || len(text) >= len(start) && strings.EqualFold(text[:len(start)], start)
}

// An Item is how far a person has got in a module, a course or a quiz. Values that are
// nil or zero are not known.
type Item struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	// Progress is in percent; Seconds is the time spent so far.
	Progress *float64 `json:"progress_pct,omitempty"`
	Seconds  *float64 `json:"time_spent_sec,omitempty"`
	Best     *float64 `json:"best_score,omitempty"`
	Last     *float64 `json:"last_score,omitempty"`
	// CompletedAt is the time of the first completion. FirstAt and LastAt are the signed
	// times of the first and the last event.
	CompletedAt time.Time `json:"completed_at,omitzero"`
	FirstAt     time.Time `json:"first_at"`
	LastAt      time.Time `json:"last_at"`
}

// Items returns a person's modules, courses and quizzes, ordered by kind and ID.
func (d *Directory) Items(user string) []Item {
	d.mu.RLock()
	defer d.mu.RUnlock()
	p, ok := d.people[user]
	if !ok {
		return nil
	}
	rows := slices.SortedFunc(p.rows.all(), func(a, b row) int {
		if d.items[a.item].less(&d.items[b.item]) {
			return -1
		}
		return 1
	})
	known := func(a amount) *float64 {
		if a == none {
			return nil
		}
		v := number(a)
		return &v
	}
	items := make([]Item, len(rows))
	for i, r := range rows {
		it := &d.items[r.item]
		items[i] = Item{
			Kind: it.kind.String(), ID: it.id, Name: it.name.text,
			Progress: known(r.progress), Seconds: known(r.seconds), Best: known(r.best), Last: known(r.last),
			CompletedAt: timeOf(r.completedAt), FirstAt: timeOf(r.firstAt), LastAt: timeOf(r.lastAt),
		}
	}
	return items
}
