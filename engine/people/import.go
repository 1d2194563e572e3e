package people

import (
	"context"
	"time"
)

// A Plan says what an import would do.
type Plan struct {
	New     int `json:"new"`
	Changed int `json:"changed"`
	Same    int `json:"same"`
	// Unmatched are lines without a userId whose e-mail address belongs to no known
	// person, or to several. They cannot be imported.
	Unmatched []SheetProblem `json:"unmatched,omitempty"`
}

// Plan compares records with what is known.
func (d *Directory) Plan(records []Record) (plan Plan) {
	records, plan.Unmatched = d.match(records)
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i := range records {
		r := &records[i]
		p, known := d.people[r.ID]
		switch {
		case !known:
			plan.New++
		case p.profile.says(r):
			plan.Same++
		default:
			plan.Changed++
		}
	}
	return plan
}

// says reports whether the record tells nothing new.
func (s *profile) says(r *Record) bool {
	same := func(text string, f field) bool { return text == "" || text == f.text }
	return same(r.Email, s.email) && same(r.Role, s.role) && same(r.Team, s.team) &&
		same(r.Name, s.name) && same(r.Manager, s.manager) &&
		s.activeAt != 0 && (!r.KnowsActive || s.active == r.Active)
}

// Import learns records as if each were a user.provisioned event at this moment, and
// saves them before it returns. Records that tell nothing new change nothing. A record
// that does not say whether a person is active does not reactivate one who left, but a
// new person is active. An error other than one of loading means that the records are
// learnt but not yet saved.
func (pr *Projection) Import(ctx context.Context, records []Record, now time.Time) (Plan, error) {
	if err := pr.load(ctx); err != nil {
		return Plan{}, err
	}
	if err := pr.lead(ctx, true); err != nil {
		return Plan{}, err
	}
	plan := pr.Directory.Plan(records)
	records, _ = pr.Directory.match(records)
	for i := range records {
		pr.imported(&records[i], now.UnixMicro())
	}
	if err := pr.Save(ctx); err != nil || pr.shared == nil {
		return plan, err
	}
	version, err := pr.shared.TellPeople(ctx)
	if err == nil {
		pr.version.Store(version)
	}
	return plan, err
}

func (pr *Projection) imported(r *Record, at int64) {
	pr.mu.Lock() // not while a person is being forgotten
	defer pr.mu.Unlock()
	if pr.forgotten[r.ID] != forgetting {
		pr.Directory.importRecord(r, at)
	}
}

// Import learns records as Projection.Import does.
func (d *Directory) Import(records []Record, now time.Time) {
	records, _ = d.match(records)
	for i := range records {
		d.importRecord(&records[i], now.UnixMicro())
	}
}

func (d *Directory) importRecord(r *Record, at int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, known := d.people[r.ID]
	if known && p.profile.says(r) {
		return
	}
	var next profile
	if r.KnowsActive || !known || p.profile.activeAt == 0 {
		next = profile{activeAt: at, active: r.Active || !r.KnowsActive, imported: importedActive}
	}
	given := func(text string, bit imported) field {
		if text == "" {
			return field{}
		}
		next.imported |= bit
		return field{text, at}
	}
	next.email, next.role = given(r.Email, importedEmail), given(r.Role, importedRole)
	next.team, next.name = given(r.Team, importedTeam), given(r.Name, importedName)
	next.manager = given(r.Manager, importedManager)
	d.learn(&fact{user: r.ID, profile: next})
}
