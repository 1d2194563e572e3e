package people

import (
	"cmp"
	"time"
)

// A field is a text decided by the newest event. at is that event's signed time in
// microseconds, or 0 if it is not known.
type field struct {
	text string
	at   int64
}

// join takes the newer text, or the greater of two from the same moment, and reports
// whether that changed anything.
func (f *field) join(o field) bool {
	if o.at < f.at || o.at == f.at && o.text <= f.text {
		return false
	}
	*f = o
	return true
}

// A profile is who a person is.
type profile struct {
	email, role, team, name, manager field
	activeAt                         int64
	active                           bool
	// imported records which other fields come from an import instead of an event.
	// Recorded events cannot restore those.
	imported imported
}

// imported is a set of imported fields.
type imported uint8

const (
	importedEmail imported = 1 << iota
	importedRole
	importedTeam
	importedActive
	importedName
	importedManager
)

// ImportedDetails is the bits in PersonRow.Imported for name and manager, which always
// come from an import.
const ImportedDetails = uint8(importedName | importedManager)

// join takes over what is newer, and reports whether anything changed.
func (s *profile) join(o profile) bool {
	before := *s
	take := func(bit imported, newer, same bool) {
		switch {
		case newer:
			s.imported = s.imported&^bit | o.imported&bit
		case same:
			s.imported |= o.imported & bit
		}
	}
	take(importedEmail, s.email.join(o.email), s.email == o.email)
	take(importedRole, s.role.join(o.role), s.role == o.role)
	take(importedTeam, s.team.join(o.team), s.team == o.team)
	take(importedName, s.name.join(o.name), s.name == o.name)
	take(importedManager, s.manager.join(o.manager), s.manager == o.manager)
	newer := o.activeAt > s.activeAt || o.activeAt == s.activeAt && o.active && !s.active
	if newer {
		s.active, s.activeAt = o.active, o.activeAt
	}
	take(importedActive, newer, s.activeAt == o.activeAt && s.active == o.active)
	return *s != before
}

func (s *profile) person(id string) Person {
	p := Person{
		ID: id, Email: s.email.text, Role: s.role.text, Team: s.team.text, Name: s.name.text, Manager: s.manager.text,
		Active: s.active, KnowsActive: s.activeAt != 0,
	}
	if at := max(s.email.at, s.role.at, s.team.at, s.name.at, s.manager.at, s.activeAt); at != 0 {
		p.ChangedAt = timeOf(at)
	}
	return p
}

// left reports whether the person is known to have left.
func (s *profile) left() bool { return s.activeAt != 0 && !s.active }

func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// A Kind is a kind of item in which people make progress.
type Kind uint8

// The kinds of items.
const (
	Module Kind = iota
	Course
	Quiz
)

var kindNames = [...]string{"module", "course", "quiz"}

func (k Kind) String() string { return kindNames[k] }

type itemKey struct {
	kind Kind
	id   string
}

func (k *itemKey) less(o *item) bool {
	return cmp.Or(cmp.Compare(k.kind, o.kind), cmp.Compare(k.id, o.id)) < 0
}

// An item is a module, a course or a quiz.
type item struct {
	itemKey
	name    field
	changed bool // since it was last saved
}

// A row is how far one person has got in one item. Times are in microseconds, 0 for
// never.
type row struct {
	item     uint32 // index in Directory.items
	progress amount // at most 100
	seconds  amount
	best     amount
	last     amount // score of the newest event with a score
	scoredAt int64  // time of that event
	// completedAt is the earliest completion.
	completedAt     int64
	firstAt, lastAt int64
}

func newRow(item uint32) row {
	return row{item: item, progress: none, seconds: none, best: none, last: none}
}

func (r *row) scored(score amount, at int64) {
	if score != none {
		r.best, r.last, r.scoredAt = score, score, at
	}
}

// join takes over what is further, newer or, for completions, earlier. It reports whether
// anything changed.
func (r *row) join(o row) bool {
	before := *r
	r.progress = max(r.progress, o.progress)
	r.seconds = max(r.seconds, o.seconds)
	r.best = max(r.best, o.best)
	if o.scoredAt > r.scoredAt || o.scoredAt == r.scoredAt && o.last > r.last {
		r.last, r.scoredAt = o.last, o.scoredAt
	}
	r.completedAt = earliest(r.completedAt, o.completedAt)
	r.firstAt = earliest(r.firstAt, o.firstAt)
	r.lastAt = max(r.lastAt, o.lastAt)
	return *r != before
}

func earliest(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// worth returns what the row adds to a person's value by a measure, or false if it does
// not count.
func (r *row) worth(by By) (amount, bool) {
	switch by {
	case ByProgress:
		return r.progress, r.progress != none
	case ByTime:
		return r.seconds, r.seconds != none
	case ByScore:
		return r.best, r.best != none
	default:
		return unit, r.completedAt != 0
	}
}

// A person is one person with all their progress.
type person struct {
	id      string
	profile *profile // never modified, only replaced
	rows    packed
	sums    sums
	at      int32 // index in Directory.list
	// changed means that profile has unsaved changes; advanced, that rows do.
	changed, advanced bool
}

// unknown is the profile of everyone of whom only progress is known.
var unknown = new(profile)

// join takes over what is newer about who the person is.
func (p *person) join(o *profile) bool {
	joined := *p.profile
	if !joined.join(*o) {
		return false
	}
	kept := joined
	p.profile = &kept
	return true
}

// sums holds, for each measure, the total worth of all rows and the number that count.
type sums struct {
	values [len(allBy)]amount
	rows   [len(allBy)]uint16 // at most MaxItems
}

// count adds what a row is worth.
func (s *sums) count(r *row) {
	for by := range s.values {
		if worth, counts := r.worth(By(by)); counts {
			s.values[by] += worth
			s.rows[by]++
		}
	}
}

// discount subtracts what a row was worth.
func (s *sums) discount(r *row) {
	for by := range s.values {
		if worth, counts := r.worth(By(by)); counts {
			s.values[by] -= worth
			s.rows[by]--
		}
	}
}

// A standing is a person's value by each measure.
type standing [len(allBy)]struct {
	value  amount
	counts bool
}

// standing returns the person's standing. It is empty for a person who has left.
func (p *person) standing() (s standing) {
	if p.profile.left() {
		return s
	}
	for by := range s {
		if p.sums.rows[by] > 0 {
			s[by].value, s[by].counts = p.sums.values[by], true
		}
	}
	return s
}
