package people

import (
	"context"
	"time"
)

// Plan says what an import would do.
type Plan struct {
	New     int `json:"new"`
	Changed int `json:"changed"`
	Same    int `json:"same"`
}

// Plan compares records with what is known.
func (d *Directory) Plan(records []Record) (plan Plan) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i := range records {
		r := &records[i]
		p, known := d.people[r.ID]
		switch {
		case !known:
			plan.New++
		case p.self.says(r):
			plan.Same++
		default:
			plan.Changed++
		}
	}
	return plan
}

// says is whether the record tells nothing new.
func (s *self) says(r *Record) bool {
	same := func(told string, f field) bool { return told == "" || told == f.text }
	return same(r.Email, s.email) && same(r.Role, s.role) && same(r.Team, s.team) && s.activeAt != 0 && (!r.KnowsActive || s.active == r.Active)
}

// Import learns records as if each were a user.provisioned of this moment, and
// saves them before it returns. Those that tell nothing new change nothing: a
// record that does not say whether somebody is active brings back nobody who
// left, but whoever is new is active. An
// error other than one of loading says that they are known but not saved yet.
func (k *Keeper) Import(ctx context.Context, records []Record, now time.Time) (Plan, error) {
	plan, err := k.Plan(ctx, records)
	if err != nil {
		return Plan{}, err
	}
	for i := range records {
		k.imported(&records[i], now.UnixMicro())
	}
	return plan, k.Save(ctx)
}

func (k *Keeper) imported(r *Record, at int64) {
	k.mu.Lock() // not while somebody is being forgotten
	defer k.mu.Unlock()
	if k.forgotten[r.ID] == underway {
		return
	}
	d := k.Directory
	d.mu.Lock()
	defer d.mu.Unlock()
	p, known := d.people[r.ID]
	if known && p.self.says(r) {
		return
	}
	var s self
	if r.KnowsActive || !known || p.self.activeAt == 0 {
		s = self{activeAt: at, active: r.Active || !r.KnowsActive, imported: importedActive}
	}
	told := func(text string, bit imported) field {
		if text == "" {
			return field{}
		}
		s.imported |= bit
		return field{text, at}
	}
	s.email, s.role, s.team = told(r.Email, importedEmail), told(r.Role, importedRole), told(r.Team, importedTeam)
	d.learn(&fact{user: r.ID, self: s})
}
