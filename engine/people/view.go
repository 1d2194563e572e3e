package people

import (
	"context"
	"time"

	"heed/engine/event"
)

// A View is what would be known after one more event: a rule that decides an event must
// see what that event says.
type View interface {
	// Person returns a person, or false if nothing is known of them.
	Person(id string) (Person, bool)
	// Progress returns a user's progress in a module, in percent; known is false if it is
	// not known.
	Progress(user, module string) (pct float64, known bool)
	// Rank returns the user's place among all by a measure: 1 is the best, and ties share
	// a place. known is false if the user has nothing that counts, or has left.
	Rank(user string, by By) (place int, known bool)
}

// loadedView waits until what was saved is loaded, or the context ends.
type loadedView struct {
	ctx   context.Context
	ready <-chan struct{}
	view  View
}

// Person implements View.
func (v loadedView) Person(id string) (Person, bool) {
	if !v.loaded() {
		return Person{}, false
	}
	return v.view.Person(id)
}

// Progress implements View.
func (v loadedView) Progress(user, module string) (pct float64, known bool) {
	if !v.loaded() {
		return 0, false
	}
	return v.view.Progress(user, module)
}

// Rank implements View.
func (v loadedView) Rank(user string, by By) (place int, known bool) {
	if !v.loaded() {
		return 0, false
	}
	return v.view.Rank(user, by)
}

func (v loadedView) loaded() bool {
	select {
	case <-v.ready:
		return true
	case <-v.ctx.Done():
		return false
	}
}

// A view is a View of a Directory. It is small, changes nothing, and sees what the
// Directory learns meanwhile.
type view struct {
	d  *Directory
	e  *event.Event
	at time.Time
}

// As returns the View that includes the event. An event already learnt changes nothing in
// it.
func (d *Directory) As(e *event.Event, signedAt time.Time) View { return view{d, e, signedAt} }

// fact returns what the view's event says, if anything.
func (v view) fact() (fact, bool) {
	if v.e == nil {
		return fact{}, false
	}
	return factOf(v.e, v.at)
}

// factAbout returns what the view's event says about the user, if anything.
func (v view) factAbout(user string) (fact, bool) {
	f, told := v.fact()
	if !told || f.user != user {
		return fact{}, false
	}
	return f, true
}

// Person implements View.
func (v view) Person(id string) (Person, bool) {
	f, told := v.factAbout(id)
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	p, known := v.d.people[id]
	if known {
		f.profile.join(*p.profile)
	}
	return f.profile.person(id), known || told
}

// Progress implements View.
func (v view) Progress(user, module string) (pct float64, known bool) {
	key := itemKey{Module, module}
	best := none
	if f, told := v.factAbout(user); told && f.item == key {
		best = f.row.progress
	}
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	if r, known := v.d.row(user, key); known {
		best = max(best, r.progress)
	}
	if best == none {
		return 0, false
	}
	return number(best), true
}

// row returns how far the user has got in an item, or false if that is not known.
func (d *Directory) row(user string, key itemKey) (row, bool) {
	p, ok := d.people[user]
	if !ok {
		return row{}, false
	}
	n, ok := d.numbers[key]
	if !ok {
		return row{}, false
	}
	return p.rows.find(n)
}

// Rank implements View.
func (v view) Rank(user string, by By) (place int, known bool) {
	f, told := v.fact()
	v.d.mu.RLock()
	defer v.d.mu.RUnlock()
	own := v.d.standingOf(user)[by]
	if !told {
		return v.d.orders[by].above(own.value) + 1, own.counts
	}
	// The event's user may overtake others, or drop out.
	before, after := v.d.standingOf(f.user)[by], v.d.standingWith(&f)[by]
	if f.user == user {
		own = after
	}
	above := v.d.orders[by].above(own.value)
	if before.counts && before.value > own.value {
		above--
	}
	if after.counts && after.value > own.value {
		above++
	}
	return above + 1, own.counts
}

func (d *Directory) standingOf(user string) (s standing) {
	if p, ok := d.people[user]; ok {
		return p.standing()
	}
	return s
}

// standingWith returns the user's standing once the fact is included.
func (d *Directory) standingWith(f *fact) standing {
	then := person{profile: unknown} // only as much of the person as a standing needs
	if p, ok := d.people[f.user]; ok {
		then.profile, then.sums = p.profile, p.sums
	}
	then.join(&f.profile)
	if f.item.id != "" {
		r, known := d.row(f.user, f.item)
		if known {
			then.sums.discount(&r)
		} else {
			r = newRow(0)
		}
		r.join(f.row)
		then.sums.count(&r)
	}
	return then.standing()
}
