package people

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// By is a measure by which people are compared. A person's value is the sum of what each
// of their modules, courses and quizzes is worth, so that it never falls: with a mean,
// starting another module would cost places.
type By int

// The measures.
const (
	// ByProgress adds the percentages of modules: 100 is one whole module.
	ByProgress By = iota
	// ByTime adds the seconds spent in modules.
	ByTime
	// ByScore adds the best scores of courses and quizzes, in points.
	ByScore
	// ByCompletions counts what was completed.
	ByCompletions
)

var allBy = [...]string{"progress", "time", "score", "completions"}

func (b By) String() string { return allBy[b] }

// ParseBy parses the name of a measure.
func ParseBy(text string) (By, error) {
	if i := slices.Index(allBy[:], text); i >= 0 {
		return By(i), nil
	}
	return 0, fmt.Errorf("%q is not a measure: write %s", text, strings.Join(allBy[:], ", "))
}

// A Query selects a leaderboard. Zero fields select everything.
type Query struct {
	By   By
	Team string
	// Module is the ID of the only module, course or quiz that counts.
	Module string
	// Since excludes items without progress after this time.
	Since time.Time
	// Limit is the number of lines wanted; 0 for all.
	Limit int
}

// A Standing is one line of a leaderboard.
type Standing struct {
	// Place counts from 1. Ties share a place, and the next place is skipped accordingly:
	// 1, 2, 2, 4.
	Place int     `json:"place"`
	ID    string  `json:"user_id"`
	Email string  `json:"email,omitempty"`
	Role  string  `json:"role,omitempty"`
	Team  string  `json:"team_id,omitempty"`
	Value float64 `json:"value"`
	// Items is the number of modules, courses and quizzes in the sum.
	Items int `json:"items"`
}

// stride is how many people a long read visits before it briefly releases the lock.
const stride = 2048

// Leaderboard returns the standings, best first and ties by ID. It includes people who
// have anything that counts and have not left. Events learnt meanwhile may or may not be
// included.
func (d *Directory) Leaderboard(q Query) []Standing {
	items, ok := d.itemsOf(q.Module)
	if !ok {
		return nil
	}
	var since int64
	if !q.Since.IsZero() {
		since = q.Since.UnixMicro()
	}
	front := front[leader]{limit: q.Limit, compare: compareLeaders}
	d.each(func(p *person) {
		if p.profile.left() || q.Team != "" && p.profile.team.text != q.Team {
			return
		}
		total := sum{p.sums.values[q.By], int(p.sums.rows[q.By])}
		if q.Module != "" || since != 0 {
			total = p.sum(q.By, items, since)
		}
		if total.rows > 0 {
			front.add(leader{p, total})
		}
	})
	d.mu.RLock()
	defer d.mu.RUnlock()
	return standings(front.sorted())
}

// itemsOf returns the numbers of the items with the ID, or nil for an empty ID. It
// returns false if there are none.
func (d *Directory) itemsOf(id string) (numbers []uint32, ok bool) {
	if id == "" {
		return nil, true
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	for kind := range kindNames {
		if n, ok := d.numbers[itemKey{Kind(kind), id}]; ok {
			numbers = append(numbers, n)
		}
	}
	return numbers, len(numbers) > 0
}

// each calls do for every person. It holds the lock, except for short breaks.
func (d *Directory) each(do func(*person)) {
	for from, more := 0, true; more; from += stride {
		more = d.stretch(from, do)
	}
}

func (d *Directory) stretch(from int, do func(*person)) (more bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, p := range d.list[min(from, len(d.list)):min(from+stride, len(d.list))] {
		if p != nil {
			do(p)
		}
	}
	return from+stride < len(d.list)
}

// A sum is the total worth of some rows, and their number.
type sum struct {
	value amount
	rows  int
}

// sum adds up the rows of the given items, or of all, that have something new after
// since.
func (p *person) sum(by By, items []uint32, since int64) (total sum) {
	add := func(r *row) {
		if worth, counts := r.worth(by); counts && r.lastAt >= since {
			total.value += worth
			total.rows++
		}
	}
	for _, n := range items {
		if r, found := p.rows.find(n); found {
			add(&r)
		}
	}
	if items == nil {
		for r := range p.rows.all() {
			add(&r)
		}
	}
	return total
}

type leader struct {
	p     *person
	total sum
}

func compareLeaders(a, b leader) int {
	return cmp.Or(cmp.Compare(b.total.value, a.total.value), cmp.Compare(a.p.id, b.p.id))
}

func standings(list []leader) []Standing {
	board := make([]Standing, len(list))
	for i, c := range list {
		who := c.p.profile
		board[i] = Standing{
			Place: i + 1, ID: c.p.id, Email: who.email.text, Role: who.role.text, Team: who.team.text,
			Value: number(c.total.value), Items: c.total.rows,
		}
		if i > 0 && c.total.value == list[i-1].total.value {
			board[i].Place = board[i-1].Place
		}
	}
	return board
}
