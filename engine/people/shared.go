package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heed/engine/record"
)

// Shared is a Store that several processes use at the same time. Each has a
// Projection of its own, which also learns the events that the others have stored.
// One of them saves what is known; the others would write older rows over newer
// ones.
type Shared interface {
	Store
	// IsShared says whether there may be other processes.
	IsShared() bool
	// PeopleNews returns the Seq of the newest event, and a number that changes when
	// a process has imported or forgotten people. Both may be a second old.
	PeopleNews() (newest, version int64)
	// LeadPeople makes this process the one that saves, for half a minute: if nobody
	// does or, with force, instead of whoever does. It returns the checkpoint and
	// the number of PeopleNews. Errors may be ErrNotSaver.
	LeadPeople(ctx context.Context, force bool) (learnt, version int64, err error)
	// TellPeople makes the other processes load what was saved again, and returns the
	// new number of PeopleNews.
	TellPeople(ctx context.Context) (version int64, err error)
}

// ErrNotSaver says that another process saves what is known of people.
var ErrNotSaver = errors.New("another process saves what is known of people")

// followEvery is how often events of other processes are learnt.
const followEvery = time.Second

// follow learns the events of other processes until the context ends.
func (pr *Projection) follow(ctx context.Context) {
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		newest, version := pr.shared.PeopleNews()
		err := pr.learnUpTo(ctx, newest)
		if err == nil && version > pr.version.Load() {
			pr.saving.Lock() // not while somebody is being forgotten
			err = pr.reload(ctx, version)
			pr.saving.Unlock()
		}
		if err != nil && ctx.Err() == nil {
			pr.log.Error("cannot learn what other processes have stored; trying again", "error", err)
		}
	}
}

// Lag is for how long this process has not known all that others have stored of
// people; 0 if it does.
func (pr *Projection) Lag() time.Duration {
	if pr.shared == nil {
		return 0
	}
	newest, _ := pr.shared.PeopleNews()
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if pr.next > newest {
		return 0
	}
	return time.Since(pr.currentAt)
}

// learnUpTo learns what was stored up to an event and is not learnt yet.
func (pr *Projection) learnUpTo(ctx context.Context, newest int64) error {
	for {
		pr.mu.Lock()
		after := pr.next - 1
		if after >= newest {
			pr.currentAt = time.Now()
		}
		pr.mu.Unlock()
		if after >= newest {
			return nil
		}
		events, err := pr.store.EventsAfter(ctx, after, eventsPage)
		if err != nil {
			return fmt.Errorf("learn from the recorded events: %w", err)
		}
		for i := range events {
			pr.learnStored(ctx, &events[i])
		}
		if len(events) == 0 { // the newest are deleted
			pr.mu.Lock()
			pr.next = max(pr.next, newest+1)
			pr.mu.Unlock()
			return nil
		}
		pr.passOver(events[len(events)-1].Seq)
	}
}

// learnStored learns a stored event, unless it was learnt when it was stored here.
func (pr *Projection) learnStored(ctx context.Context, stored *record.Event) {
	pr.mu.Lock()
	known := stored.Seq < pr.next || pr.above[stored.Seq]
	pr.mu.Unlock()
	if known {
		return
	}
	if e, ok := accepted(stored); ok {
		pr.Learn(ctx, stored, e)
	} else {
		pr.Learn(ctx, stored, nil)
	}
}

// passOver takes the numbers up to one as learnt: those that are missing are of
// events that were deleted.
func (pr *Projection) passOver(seq int64) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	for ; pr.next <= seq; pr.next++ {
		delete(pr.above, pr.next)
	}
	for ; pr.above[pr.next]; pr.next++ {
		delete(pr.above, pr.next)
	}
}

// lead makes this process the one that saves, and learns what the one before has
// saved.
func (pr *Projection) lead(ctx context.Context, force bool) error {
	if pr.shared == nil {
		return nil
	}
	learnt, version, err := pr.shared.LeadPeople(ctx, force)
	if err != nil {
		return err
	}
	if version != pr.version.Load() {
		if err := pr.reload(ctx, version); err != nil {
			return err
		}
	}
	return pr.learnUpTo(ctx, learnt)
}

// reload loads what was saved in place of what is known, since another process has
// imported or forgotten people, and learns what was stored since.
func (pr *Projection) reload(ctx context.Context, version int64) error {
	fresh := New()
	learnt, newest, err := loadInto(ctx, fresh, pr.store)
	if err != nil {
		return err
	}
	pr.mu.Lock()
	pr.Directory.become(fresh)
	pr.next, pr.above = learnt+1, map[int64]bool{}
	pr.mu.Unlock()
	pr.version.Store(version)
	return pr.learnUpTo(ctx, newest)
}

// loadInto loads what was saved. The checkpoint is read first: rows may be newer
// than it, not older.
func loadInto(ctx context.Context, d *Directory, s Loader) (learnt, newest int64, err error) {
	if learnt, newest, err = s.Learnt(ctx); err == nil {
		err = s.LoadPeople(ctx, d.join)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("load people: %w", err)
	}
	d.allSaved()
	d.compact()
	return learnt, newest, nil
}

// Load returns what a store knows of people: what was saved, and what the events that
// were recorded since tell. The store is only read, and a server may write meanwhile.
func Load(ctx context.Context, s Loader) (*Directory, error) {
	d := New()
	learnt, newest, err := loadInto(ctx, d, s)
	if err != nil {
		return nil, err
	}
	for learnt < newest {
		events, err := s.EventsAfter(ctx, learnt, eventsPage)
		if err != nil {
			return nil, fmt.Errorf("learn from the recorded events: %w", err)
		}
		if len(events) == 0 { // the newest are deleted
			break
		}
		for i := range events {
			if e, ok := accepted(&events[i]); ok {
				d.Learn(e, events[i].SignedAt)
			}
		}
		learnt = events[len(events)-1].Seq
	}
	return d, nil
}

// become takes over all that another Directory knows, which is not used any more.
func (d *Directory) become(other *Directory) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.people, d.list, d.items, d.numbers = other.people, other.list, other.items, other.numbers
	d.orders, d.gone = other.orders, other.gone
}
