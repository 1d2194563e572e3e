package people

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// ProgressQuery asks how far people have come.
type ProgressQuery struct {
	// Team, if not empty, is the only team that counts.
	Team string
	// StalledBefore is the time after which somebody has to have done something.
	StalledBefore time.Time
}

// Progress is how far people have come: of those who have not left.
type Progress struct {
	People int `json:"people"`
	// Teams are all teams that there are, with how many people each has.
	Teams []TeamSize `json:"teams"`
	// Items are the modules, courses and quizzes that most people have begun.
	Items []ItemProgress `json:"items"`
	// Scores counts the best scores of quizzes and courses: below 10, below 20 and so
	// on; the last has 90 and more.
	Scores [10]int `json:"scores"`
	// Stalled are people who began something, did not complete it, and did nothing at
	// all for a while; those who have waited longest come first. StalledCount counts
	// those that are not listed, too.
	Stalled      []StalledPerson `json:"stalled"`
	StalledCount int             `json:"stalled_count"`
}

// TeamSize is a team.
type TeamSize struct {
	Team   string `json:"team"`
	People int    `json:"people"`
}

// ItemProgress is how far people have come in a module, a course or a quiz.
type ItemProgress struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	// Begun counts who has begun it, Completed who has completed it.
	Begun     int `json:"begun"`
	Completed int `json:"completed"`
	// MeanScore is the mean of the best scores; nil if there is none.
	MeanScore *float64 `json:"mean_score,omitempty"`
	// Teams are those of the people who have begun it.
	Teams []TeamProgress `json:"teams"`
}

// TeamProgress is how far a team has come in it.
type TeamProgress struct {
	Team      string `json:"team"`
	Begun     int    `json:"begun"`
	Completed int    `json:"completed"`
}

// StalledPerson is somebody who stalled.
type StalledPerson struct {
	ID    string `json:"user_id"`
	Email string `json:"email,omitempty"`
	Team  string `json:"team_id,omitempty"`
	// Open is how many things are begun and not completed.
	Open   int       `json:"open"`
	LastAt time.Time `json:"last_at"`
}

// What a progress lists at most.
const (
	maxProgressItems = 40
	maxProgressTeams = 30
	maxStalled       = 100
)

// Progress is how far people have come. What is learnt meanwhile may or may not be
// in it.
func (d *Directory) Progress(q ProgressQuery) Progress {
	s := progressSum{
		q: q, teams: map[string]int{}, stalledBefore: q.StalledBefore.UnixMicro(),
		stalled: front[StalledPerson]{limit: maxStalled, compare: func(a, b StalledPerson) int {
			return cmp.Or(a.LastAt.Compare(b.LastAt), cmp.Compare(a.ID, b.ID))
		}},
	}
	d.each(s.add)
	s.result.Teams = s.teamSizes()
	d.mu.RLock()
	defer d.mu.RUnlock()
	s.result.Items = s.itemList(d)
	s.result.Stalled = s.stalled.sorted()
	return s.result
}

// Progress is Directory.Progress.
func (pr *Projection) Progress(ctx context.Context, q ProgressQuery) (Progress, error) {
	if err := pr.load(ctx); err != nil {
		return Progress{}, err
	}
	return pr.Directory.Progress(q), nil
}

// progressSum adds people up.
type progressSum struct {
	q             ProgressQuery
	stalledBefore int64
	result        Progress
	teams         map[string]int // the number of each team, in sizes
	sizes         []TeamSize
	items         []itemSum // by the numbers of the items
	stalled       front[StalledPerson]
}

type itemSum struct {
	begun, completed, scored int
	scores                   amount
	teams                    []TeamProgress // by the numbers of the teams
}

func (s *progressSum) add(p *person) {
	if p.profile.left() {
		return
	}
	team := p.profile.team.text
	number, known := s.teams[team]
	if !known {
		number = len(s.sizes)
		s.teams[team] = number
		s.sizes = append(s.sizes, TeamSize{Team: team})
	}
	s.sizes[number].People++
	if s.q.Team != "" && team != s.q.Team {
		return
	}
	s.result.People++
	open, last := 0, int64(0)
	for r := range p.rows.all() {
		s.addRow(&r, number)
		last = max(last, r.lastAt)
		if r.completedAt == 0 && r.progress < 100*unit {
			open++
		}
	}
	if open > 0 && last < s.stalledBefore {
		s.result.StalledCount++
		s.stalled.add(StalledPerson{
			ID: p.id, Email: p.profile.email.text, Team: team, Open: open,
			LastAt: timeOf(last),
		})
	}
}

func (s *progressSum) addRow(r *row, team int) {
	for int(r.item) >= len(s.items) {
		s.items = append(s.items, itemSum{})
	}
	it := &s.items[r.item]
	for team >= len(it.teams) && team < maxProgressTeams {
		it.teams = append(it.teams, TeamProgress{Team: s.sizes[len(it.teams)].Team})
	}
	it.begun++
	done := 0
	if r.completedAt != 0 || r.progress >= 100*unit {
		done = 1
	}
	it.completed += done
	if team < len(it.teams) {
		it.teams[team].Begun++
		it.teams[team].Completed += done
	}
	if r.best != none {
		it.scored++
		it.scores += r.best
		s.result.Scores[min(max(int(number(r.best)/10), 0), 9)]++
	}
}

func (s *progressSum) teamSizes() []TeamSize {
	list := append([]TeamSize{}, s.sizes...)
	slices.SortFunc(list, func(a, b TeamSize) int { return cmp.Compare(a.Team, b.Team) })
	return list
}

// itemList are the items that most have begun. The caller holds the lock.
func (s *progressSum) itemList(d *Directory) []ItemProgress {
	list := make([]ItemProgress, 0, len(s.items))
	for n := range min(len(s.items), len(d.items)) { // another Directory may have been taken over
		sum, it := &s.items[n], &d.items[n]
		if sum.begun == 0 {
			continue
		}
		shown := ItemProgress{
			Kind: it.kind.String(), ID: it.id, Name: it.name.text, Begun: sum.begun, Completed: sum.completed,
			Teams: []TeamProgress{},
		}
		if sum.scored > 0 {
			mean := number(sum.scores) / float64(sum.scored)
			shown.MeanScore = &mean
		}
		for _, of := range sum.teams {
			if of.Begun > 0 {
				shown.Teams = append(shown.Teams, of)
			}
		}
		slices.SortFunc(shown.Teams, func(a, b TeamProgress) int { return cmp.Compare(a.Team, b.Team) })
		list = append(list, shown)
	}
	slices.SortFunc(list, func(a, b ItemProgress) int {
		return cmp.Or(cmp.Compare(b.Begun, a.Begun), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return list[:min(len(list), maxProgressItems)]
}
