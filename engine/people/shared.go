package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heed/engine/record"
)

// Shared is a Store used by several processes at the same time. Each has its own
// Projection, which also learns the events stored by the others. Only one of them saves;
// the others would overwrite newer rows with older ones.
type Shared interface {
	Store
	// IsShared reports whether there may be other processes.
	IsShared() bool
	// PeopleNews returns the Seq of the newest event, and a number that changes when
	// a process has imported or forgotten people. Both may be a second old.
	PeopleNews() (newest, version int64)
	// LeadPeople makes this process the one that saves, for half a minute, if no other
	// process does or if force is set. It returns the checkpoint and the number of
	// PeopleNews. The error may be ErrNotSaver.
	LeadPeople(ctx context.Context, force bool) (learnt, version int64, err error)
	// TellPeople makes the other processes reload what was saved, and returns the new
	// number of PeopleNews.
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
			pr.saving.Lock() // not while a person is being forgotten
			err = pr.reload(ctx, version)
			pr.saving.Unlock()
		}
		if err != nil && ctx.Err() == nil {
			pr.log.Error("cannot learn what other processes have stored; trying again", "error", err)
		}
	}
}

// Lag returns how long this process has not known everything that others have stored
// about people, or 0 if it does.
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

// learnUpTo learns the stored events up to newest that are not yet learnt.
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
		if len(events) == 0 { // the newest events were deleted
			pr.mu.Lock()
			pr.next = max(pr.next, newest+1)
			pr.mu.Unlock()
			return nil
		}
		pr.passOver(events[len(events)-1].Seq)
	}
}

// learnStored learns a stored event, unless it was learnt when this process stored it.
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

// passOver marks the numbers up to seq as learnt. Missing numbers belong to deleted
// events.
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

// lead makes this process the one that saves, and learns what its predecessor has saved.
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

// reload replaces what is known by what was saved, because another process has imported
// or forgotten people, and learns what was stored since.
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

// loadInto loads what was saved. It reads the checkpoint first: rows may be newer than
// the checkpoint, but not older.
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

// Load returns what a store knows of people: what was saved, and what later recorded
// events say. It only reads the store; a server may write meanwhile.
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
		if len(events) == 0 { // the newest events were deleted
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

// become takes over the contents of another Directory, which must not be used any more.
func (d *Directory) become(other *Directory) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.people, d.list, d.items, d.numbers = other.people, other.list, other.items, other.numbers
	d.orders, d.gone = other.orders, other.gone
}
