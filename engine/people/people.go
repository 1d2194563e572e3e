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

// What exceeds these limits is left out, so that a faulty sender cannot fill the memory.
const (
	// MaxID is how many bytes the id of a person, a team or an item may have.
	MaxID = 256
	// MaxText is how many bytes an e-mail address, a role or a name may have.
	MaxText = 512
	// MaxItems is how many modules, courses and quizzes are kept for one person: those
	// with the smallest ids, since that choice does not depend on which came first.
	MaxItems = 5000
)

// Directory is what is known of all people. Its methods may be called from
// many goroutines at once; make one with New.
type Directory struct {
	mu     sync.RWMutex
	people map[string]*person
	// list has all people in the order in which they became known, so that long reads
	// can release the lock in between; nil for a person who was forgotten.
	list    []*person
	items   []item
	numbers map[itemKey]uint32 // where an item is in items
	orders  [len(allBy)]order
	gone    []ProgressKey // rows that were dropped, and are still saved
}

// New makes an empty Directory.
func New() *Directory {
	return &Directory{people: map[string]*person{}, numbers: map[itemKey]uint32{}}
}

// Person is who somebody is, as far as events or imports say.
type Person struct {
	// ID is the userId of the events.
	ID string
	// Email, Role and Team are empty where they are not known, and so are Name and
	// Manager, which only imports tell. Manager is the manager's e-mail address or
	// userId, as the import had it.
	Email, Role, Team, Name, Manager string
	// Active is true from user.provisioned to user.deprovisioned. It says
	// something only if KnowsActive: of many people only progress is known.
	Active, KnowsActive bool
	// ChangedAt is the signed time of the newest event that told any of these;
	// zero if none did.
	ChangedAt time.Time
}

// Learn folds one accepted event in. signedAt is the time in its signed header,
// by which it is older or newer than others. Events of types that tell nothing
// of people are ignored, as are single values that cannot be right.
func (d *Directory) Learn(e *event.Event, signedAt time.Time) {
	if f, ok := factOf(e, signedAt); ok {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.learn(&f)
	}
}

// Person returns who the person is; false if no event told anything of them.
func (d *Directory) Person(id string) (Person, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	p, ok := d.people[id]
	if !ok {
		return Person{}, false
	}
	return p.profile.person(id), true
}

// Len is how many people are known.
func (d *Directory) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.people)
}

// detach takes a person out, nil if nothing is known of them, and attach puts
// them back; nobody of that id may have become known meanwhile.
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

// forgotten drops what was still to be saved of a person whom the store has forgotten.
func (d *Directory) forgotten(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = slices.DeleteFunc(d.gone, func(k ProgressKey) bool { return k.User == user })
}

// learn folds a fact in; the caller holds the lock.
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

// known returns the person and makes one who was not.
func (d *Directory) known(user string) *person {
	p, ok := d.people[user]
	if !ok {
		p = &person{id: user, profile: unknown, at: int32(len(d.list))}
		d.people[user] = p
		d.list = append(d.list, p)
	}
	return p
}

// number returns where the item is in items and adds one that is new.
func (d *Directory) number(key itemKey) uint32 {
	n, ok := d.numbers[key]
	if !ok {
		n = uint32(len(d.items))
		d.items = append(d.items, item{itemKey: key, changed: true})
		d.numbers[key] = n
	}
	return n
}

// advance joins what is new of an item into the person's progress.
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

// makeRoom drops the item with the greatest key if that of the new one is
// smaller, and says whether there is room now. Of what was dropped there are
// MaxItems smaller ones for ever, so it never comes back in part.
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

// reorder moves somebody in the orders from one standing to another.
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
