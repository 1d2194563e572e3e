package admin

import (
	"context"
	"time"

	"heed/engine/people"
)

// stalledAfter is how long nobody has to have done anything to be called stalled.
const stalledAfter = 14 * 24 * time.Hour

// Progress says how far a team, or everybody, has come.
func (s *Service) Progress(ctx context.Context, team string) (people.Progress, error) {
	now := s.o.Now().UTC()
	p, err := s.o.People.Progress(ctx,
		people.ProgressQuery{Team: team, StalledBefore: now.Add(-stalledAfter)})
	m := s.masker(ctx)
	for i := range p.Stalled {
		p.Stalled[i].ID, p.Stalled[i].Email = m.id(p.Stalled[i].ID), m.address(p.Stalled[i].Email)
	}
	p.Teams, p.Items, p.Stalled = orEmpty(p.Teams), orEmpty(p.Items), orEmpty(p.Stalled)
	for i := range p.Items {
		p.Items[i].Teams = orEmpty(p.Items[i].Teams)
	}
	return p, err
}
