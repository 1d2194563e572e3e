// Package people owns what heed knows of the people in the events: who they
// are, and how far they have come in modules, courses and quizzes. It folds
// accepted events into a Directory in memory, which rules and leaderboards ask;
// a Projection keeps one in a store. The admin service, internal/app and cmd/heed
// use it; of heed's packages it imports only event, record, suggest and table.
//
// The fold is commutative and idempotent: each known value is the newest or the
// greatest that events give, never a sum of them. So events may come late, twice or in
// any order, and the result is always the same.
package people

import (
	"slices"
	"sync"
	"time"

	"heed/engine/event"
)

// Values that exceed these limits are left out, so that a faulty sender cannot fill
// memory.
const (
	// MaxID is the maximum length in bytes of the ID of a person, a team or an item.
	MaxID = 256
	// MaxText is the maximum length in bytes of an e-mail address, a role or a name.
	MaxText = 512
	// MaxItems is the number of modules, courses and quizzes kept per person. Those with
	// the smallest IDs are kept, a choice that does not depend on the order of events.
	MaxItems = 5000
)

// A Directory holds what is known of all people. It is safe for concurrent use. Use New
// to make one.
type Directory struct {
	mu     sync.RWMutex
	people map[string]*person
	// list holds all people in the order in which they became known, so that long reads
	// can release the lock in between. It holds nil in place of a forgotten person.
	list    []*person
	items   []item
	numbers map[itemKey]uint32 // index of each item in items
	orders  [len(allBy)]order
	gone    []ProgressKey // rows that were dropped here, but not yet in the store
}

// New returns an empty Directory.
func New() *Directory {
	return &Directory{people: map[string]*person{}, numbers: map[itemKey]uint32{}}
}

// A Person is who a person is, according to events and imports.
type Person struct {
	// ID is the userId of the events.
	ID string
	// Email, Role, Team, Name and Manager are empty if not known; only imports supply
	// Name and Manager. Manager is an e-mail address or a userId, as imported.
	Email, Role, Team, Name, Manager string
	// Active is true from user.provisioned to user.deprovisioned. It is meaningful only
	// if KnowsActive: of many people, only progress is known.
	Active, KnowsActive bool
	// ChangedAt is the signed time of the newest event that set any of these, or zero.
	ChangedAt time.Time
}

// Learn folds in one accepted event. signedAt is the time in its signed header, which
// orders it among events. Events that say nothing about people are ignored, and so are
// implausible values.
func (d *Directory) Learn(e *event.Event, signedAt time.Time) {
	if f, ok := factOf(e, signedAt); ok {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.learn(&f)
	}
}

// Person returns a person, or false if no event said anything about them.
func (d *Directory) Person(id string) (Person, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	p, ok := d.people[id]
	if !ok {
		return Person{}, false
	}
	return p.profile.person(id), true
}

// Len returns the number of known people.
func (d *Directory) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.people)
}

// detach removes and returns a person, or returns nil if nothing is known of them. attach
// puts the person back; the ID must not have become known meanwhile.
func (d *Directory) detach(user string) *person {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.people[user]
	if !ok {
		return nil
	}
	d.reorder(p.standing(), standing{})
	d.list[p.at] = nil
	delete(d.people, user)
	return p
}

func (d *Directory) attach(p *person) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reorder(standing{}, p.standing())
	d.list[p.at] = p
	d.people[p.id] = p
}

// forgotten drops unsaved changes about a person whom the store has forgotten.
func (d *Directory) forgotten(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = slices.DeleteFunc(d.gone, func(k ProgressKey) bool { return k.User == user })
}

// learn folds in a fact. The caller must hold the lock.
func (d *Directory) learn(f *fact) {
	p := d.known(f.user)
	before := p.standing()
	if p.join(&f.profile) {
		p.changed = true
	}
	if f.item.id != "" {
		n := d.number(f.item)
		if d.items[n].name.join(f.name) {
			d.items[n].changed = true
		}
		d.advance(p, n, f.row)
	}
	d.reorder(before, p.standing())
}

// known returns the person, adding an unknown one.
func (d *Directory) known(user string) *person {
	p, ok := d.people[user]
	if !ok {
		p = &person{id: user, profile: unknown, at: int32(len(d.list))}
		d.people[user] = p
		d.list = append(d.list, p)
	}
	return p
}

// number returns the index of the item in items, adding a new one.
func (d *Directory) number(key itemKey) uint32 {
	n, ok := d.numbers[key]
	if !ok {
		n = uint32(len(d.items))
		d.items = append(d.items, item{itemKey: key, changed: true})
		d.numbers[key] = n
	}
	return n
}

// advance joins new progress in an item into the person's progress.
func (d *Directory) advance(p *person, n uint32, next row) {
	r, found := p.rows.find(n)
	if found {
		p.sums.discount(&r)
	} else {
		if p.rows.len() >= MaxItems && !d.makeRoom(p, n) {
			return
		}
		r = newRow(n)
	}
	if changed := r.join(next); changed || !found {
		p.rows.put(r)
		p.advanced = true
	}
	p.sums.count(&r)
}

// makeRoom drops the item with the greatest key if the new item's key is smaller, and
// reports whether there is now room. A dropped item never partly returns, since there are
// then always MaxItems smaller ones.
func (d *Directory) makeRoom(p *person, n uint32) bool {
	greatest := row{item: n}
	for r := range p.rows.all() {
		if d.items[greatest.item].less(&d.items[r.item]) {
			greatest = r
		}
	}
	if greatest.item == n {
		return false
	}
	p.sums.discount(&greatest)
	p.rows.drop(greatest.item)
	it := &d.items[greatest.item]
	d.gone = append(d.gone, ProgressKey{p.id, it.kind, it.id})
	return true
}

// reorder moves a person in the orders from one standing to another.
func (d *Directory) reorder(from, to standing) {
	for by := range d.orders {
		if from[by] == to[by] {
			continue
		}
		if from[by].counts {
			d.orders[by].remove(from[by].value)
		}
		if to[by].counts {
			d.orders[by].insert(to[by].value)
		}
	}
}
