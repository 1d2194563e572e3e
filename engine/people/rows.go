package people

import (
	"cmp"
	"slices"
	"strings"
)

// The rows in which a store keeps a Directory. Times are in microseconds since 1970, 0
// for never; amounts are in millionths, -1 for unknown.
type (
	// A PersonRow is who a person is.
	PersonRow struct {
		ID                                string
		Email, Role, Team                 string
		EmailAt, RoleAt, TeamAt, ActiveAt int64
		Name, Manager                     string
		NameAt, ManagerAt                 int64
		Active                            bool
		// Imported is a set of bits: which of the other fields come from an import.
		Imported uint8
	}
	// An ItemRow is a module, a course or a quiz.
	ItemRow struct {
		Kind    Kind
		ID      string
		Name    string
		NamedAt int64
	}
	// A ProgressRow is how far a person has got in an item.
	ProgressRow struct {
		ProgressKey
		Progress, Seconds, Best, Last          int64
		ScoredAt, CompletedAt, FirstAt, LastAt int64
	}
	// A ProgressKey identifies a person's progress in an item.
	ProgressKey struct {
		User string
		Kind Kind
		Item string
	}
)

// Rows holds rows of all kinds.
type Rows struct {
	People   []PersonRow
	Items    []ItemRow
	Progress []ProgressRow
	// Gone lists the rows of progress to be deleted.
	Gone []ProgressKey
}

// Len returns the number of rows.
func (r *Rows) Len() int { return len(r.People) + len(r.Items) + len(r.Progress) + len(r.Gone) }

func (r *Rows) add(o *Rows) {
	r.People = append(r.People, o.People...)
	r.Items = append(r.Items, o.Items...)
	r.Progress = append(r.Progress, o.Progress...)
	r.Gone = append(r.Gone, o.Gone...)
}

func (p *person) row() PersonRow {
	s := p.profile
	return PersonRow{
		ID: p.id, Email: s.email.text, Role: s.role.text, Team: s.team.text,
		EmailAt: s.email.at, RoleAt: s.role.at, TeamAt: s.team.at, ActiveAt: s.activeAt,
		Name: s.name.text, NameAt: s.name.at, Manager: s.manager.text, ManagerAt: s.manager.at,
		Active: s.active, Imported: uint8(s.imported),
	}
}

func (r *PersonRow) profile() profile {
	said := imported(r.Imported)
	if r.NameAt == 0 {
		said &^= importedName // a row may have only some of the fields
	}
	if r.ManagerAt == 0 {
		said &^= importedManager
	}
	return profile{
		email: field{r.Email, r.EmailAt}, role: field{r.Role, r.RoleAt}, team: field{r.Team, r.TeamAt},
		name: field{r.Name, r.NameAt}, manager: field{r.Manager, r.ManagerAt},
		activeAt: r.ActiveAt, active: r.Active, imported: said,
	}
}

func (i *item) row() ItemRow { return ItemRow{i.kind, i.id, i.name.text, i.name.at} }

func (d *Directory) progressRow(p *person, r *row) ProgressRow {
	it := &d.items[r.item]
	return ProgressRow{
		ProgressKey{p.id, it.kind, it.id},
		r.progress, r.seconds, r.best, r.last, r.scoredAt, r.completedAt, r.firstAt, r.lastAt,
	}
}

func (r *ProgressRow) row() row {
	return row{
		progress: r.Progress, seconds: r.Seconds, best: r.Best, last: r.Last,
		scoredAt: r.ScoredAt, completedAt: r.CompletedAt, firstAt: r.FirstAt, lastAt: r.LastAt,
	}
}

// join folds in saved rows, as it would events.
func (d *Directory) join(rows *Rows) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range rows.Items {
		r := &rows.Items[i]
		n := d.number(itemKey{r.Kind, r.ID})
		if d.items[n].name.join(field{r.Name, r.NamedAt}) {
			d.items[n].changed = true
		}
	}
	for i := range rows.People {
		r := &rows.People[i]
		d.learn(&fact{user: r.ID, profile: r.profile()})
	}
	// The rows of one person are adjacent. They are assembled in a reused buffer, as
	// otherwise each would leave a hole of another size in memory.
	var together packed
	for i := 0; i < len(rows.Progress); {
		p := d.known(rows.Progress[i].User)
		p.rows = append(together[:0], p.rows...)
		for ; i < len(rows.Progress) && rows.Progress[i].User == p.id; i++ {
			r := &rows.Progress[i]
			d.learn(&fact{user: r.User, item: itemKey{r.Kind, r.Item}, row: r.row()})
		}
		together, p.rows = p.rows, slices.Clone(p.rows)
	}
}

// compact moves all people together in memory. The memory between them was used while
// reading their rows; the garbage collector can free it only where no person remains.
func (d *Directory) compact() {
	d.mu.Lock()
	defer d.mu.Unlock()
	people := make(map[string]*person, len(d.people))
	for i, p := range d.list {
		if p == nil {
			continue
		}
		moved := *p
		moved.id, moved.rows = strings.Clone(p.id), slices.Clone(p.rows)
		d.list[i], people[moved.id] = &moved, &moved
	}
	d.people = people
}

// changedItems takes the unsaved items.
func (d *Directory) changedItems() (rows Rows) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.items {
		if it := &d.items[i]; it.changed {
			it.changed = false
			rows.Items = append(rows.Items, it.row())
		}
	}
	return rows
}

// changedPeople takes the unsaved changes of some people, starting at an index of the
// list, and all dropped rows.
func (d *Directory) changedPeople(from int) (rows Rows, more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rows.Gone, d.gone = d.gone, nil
	for _, p := range d.list[min(from, len(d.list)):min(from+stride, len(d.list))] {
		if p == nil {
			continue
		}
		if p.changed {
			p.changed = false
			rows.People = append(rows.People, p.row())
		}
		if p.advanced {
			p.advanced = false
			for r := range p.rows.takeUnsaved() {
				rows.Progress = append(rows.Progress, d.progressRow(p, &r))
			}
		}
	}
	return rows, from+stride < len(d.list)
}

// notSaved returns rows that were taken but could not be saved.
func (d *Directory) notSaved(rows *Rows) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range rows.Items {
		d.items[d.number(itemKey{rows.Items[i].Kind, rows.Items[i].ID})].changed = true
	}
	for i := range rows.People {
		if p, ok := d.people[rows.People[i].ID]; ok {
			p.changed = true
		}
	}
	for i := range rows.Progress {
		k := &rows.Progress[i].ProgressKey
		if p, ok := d.people[k.User]; ok {
			p.rows.setUnsaved(d.number(itemKey{k.Kind, k.Item}))
			p.advanced = true
		}
	}
	for _, k := range rows.Gone {
		if _, ok := d.people[k.User]; ok {
			d.gone = append(d.gone, k)
		}
	}
}

// parts splits rows into parts of at most the given size. They are sorted as a store
// sorts them, so that neighbouring rows are written together.
func (r *Rows) parts(size int) (parts []Rows) {
	slices.SortFunc(r.People, func(a, b PersonRow) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(r.Progress, func(a, b ProgressRow) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Item, b.Item))
	})
	for c := range slices.Chunk(r.People, size) {
		parts = append(parts, Rows{People: c})
	}
	for c := range slices.Chunk(r.Items, size) {
		parts = append(parts, Rows{Items: c})
	}
	for c := range slices.Chunk(r.Progress, size) {
		parts = append(parts, Rows{Progress: c})
	}
	for c := range slices.Chunk(r.Gone, size) {
		parts = append(parts, Rows{Gone: c})
	}
	return parts
}
