package people

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Rebuilt is what is known of people, recomputed from the recorded events.
type Rebuilt struct {
	// Events is the number of accepted events learnt.
	Events int
	// People and Rows count what there is now. The Continued counts are those that began
	// before the oldest recorded event or were imported, and could only be carried over.
	People, PeopleContinued int
	Rows, RowsContinued     int
	// The number of differences from what was known before, including what is gone.
	PeopleChanged, RowsChanged int

	fresh  *Directory
	store  Store
	learnt int64
}

// margin is how long after the oldest recorded event something may have begun and still
// be carried over: signed times may differ from the times of arrival.
const margin = 24 * time.Hour

// Rebuild recomputes everything. It changes nothing before Apply. Nothing else may use
// the store meanwhile.
func Rebuild(ctx context.Context, s Store, log *slog.Logger) (*Rebuilt, error) {
	pr, err := OpenProjection(ctx, s, log)
	if err != nil {
		return nil, err
	}
	since, err := s.WholeSince(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the oldest recorded event: %w", err)
	}
	r := &Rebuilt{fresh: New(), store: s, learnt: pr.next - 1}
	if !since.IsZero() {
		r.carryOn(pr.Directory, since.Add(margin).UnixMicro())
	} else {
		r.carryOn(pr.Directory, 0)
	}
	for after := int64(0); ; {
		events, err := s.EventsAfter(ctx, after, eventsPage)
		if err != nil {
			return nil, fmt.Errorf("learn from the recorded events: %w", err)
		}
		if len(events) == 0 {
			break
		}
		for i := range events {
			if e, ok := accepted(&events[i]); ok {
				r.fresh.Learn(e, events[i].SignedAt)
				r.Events++
			}
		}
		after = events[len(events)-1].Seq
	}
	r.compare(pr.Directory)
	return r, nil
}

// carryOn carries over what recorded events cannot tell: what began before since, and
// imports. It takes over the names of all known items, which are as good as any.
func (r *Rebuilt) carryOn(known *Directory, since int64) {
	for i := range known.items {
		r.fresh.join(&Rows{Items: []ItemRow{known.items[i].row()}})
	}
	known.each(func(p *person) {
		profile := p.profile.before(since)
		rows := Rows{}
		for r := range p.rows.all() {
			if r.firstAt < since {
				rows.Progress = append(rows.Progress, known.progressRow(p, &r))
			}
		}
		if profile != *unknown {
			kept := person{id: p.id, profile: &profile}
			rows.People = append(rows.People, kept.row())
			r.PeopleContinued++
		}
		r.RowsContinued += len(rows.Progress)
		r.fresh.join(&rows)
	})
}

// before returns the part of the profile that is older than a time, or imported.
func (s profile) before(since int64) (kept profile) {
	keeps := func(bit imported, at int64) bool {
		if at == 0 || at >= since && s.imported&bit == 0 {
			return false
		}
		kept.imported |= s.imported & bit
		return true
	}
	if keeps(importedEmail, s.email.at) {
		kept.email = s.email
	}
	if keeps(importedRole, s.role.at) {
		kept.role = s.role
	}
	if keeps(importedTeam, s.team.at) {
		kept.team = s.team
	}
	if keeps(importedName, s.name.at) {
		kept.name = s.name
	}
	if keeps(importedManager, s.manager.at) {
		kept.manager = s.manager
	}
	if keeps(importedActive, s.activeAt) {
		kept.active, kept.activeAt = s.active, s.activeAt
	}
	return kept
}

func (r *Rebuilt) compare(known *Directory) {
	rows := func(d *Directory) (people map[string]PersonRow, progress map[ProgressKey]ProgressRow) {
		people, progress = map[string]PersonRow{}, map[ProgressKey]ProgressRow{}
		d.each(func(p *person) {
			people[p.id] = p.row()
			for r := range p.rows.all() {
				row := d.progressRow(p, &r)
				progress[row.ProgressKey] = row
			}
		})
		return people, progress
	}
	oldPeople, oldRows := rows(known)
	newPeople, newRows := rows(r.fresh)
	r.People, r.Rows = len(newPeople), len(newRows)
	r.PeopleChanged, r.RowsChanged = differences(oldPeople, newPeople), differences(oldRows, newRows)
}

// differences counts the keys under which two maps have different values, or only one has
// any.
func differences[K, V comparable](a, b map[K]V) (n int) {
	for key, value := range a {
		if other, ok := b[key]; !ok || other != value {
			n++
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			n++
		}
	}
	return n
}

// Apply replaces what was known by the result.
func (r *Rebuilt) Apply(ctx context.Context) error {
	err := r.store.ReplacePeople(ctx, func(add func(*Rows) error) error {
		changes := r.fresh.changedItems()
		for from, more := 0, true; ; from += stride {
			if err := add(&changes); err != nil || !more {
				return err
			}
			changes, more = r.fresh.changedPeople(from)
		}
	}, r.learnt)
	if err != nil {
		return fmt.Errorf("replace what is known of people: %w", err)
	}
	return nil
}
