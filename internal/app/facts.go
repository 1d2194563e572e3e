package app

import (
	"time"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/people"
	"heed/engine/ruletest"
)

// facts answers what rules ask about people.
type facts struct{ people.View }

// WithFacts lets rules look up for each fixture what is given with it and, where
// that has no answer, what the people are known as once its event counts.
func WithFacts(
	fixtures []ruletest.Fixture, known func(*event.Event, time.Time) people.View, now time.Time,
) []ruletest.Fixture {
	for i := range fixtures {
		if e, err := event.Decode(fixtures[i].Body); err == nil { // else it is refused where it is used
			fixtures[i].Facts = either{fixtures[i].Facts, facts{known(&e, now)}}
		}
	}
	return fixtures
}

// either answers what the first has no answer to by the second. The first may be
// nil.
type either struct{ first, second expression.Resolver }

// Fact implements expression.Resolver.
func (e either) Resolve(q expression.Query) any {
	if e.first != nil {
		if answer := e.first.Resolve(q); answer != nil {
			return answer
		}
	}
	return e.second.Resolve(q)
}

// Fact implements expression.Resolver.
func (f facts) Resolve(q expression.Query) any {
	switch q.About {
	case expression.AboutUser:
		if p, ok := f.Person(q.Key); ok {
			p.Manager = f.addressOf(p.Manager)
			return person(p)
		}
	case expression.AboutProgress:
		if percent, ok := f.Progress(q.Of, q.Key); ok {
			return expression.Number(percent)
		}
	case expression.AboutRank:
		by, err := people.ParseBy(q.Key)
		if err != nil {
			return nil // the rule's check has said so
		}
		if place, ok := f.Rank(q.Of, by); ok {
			return place
		}
	}
	return nil
}

// addressOf is the e-mail address of a manager whom an import named by the userId.
func (f facts) addressOf(manager string) string {
	if p, ok := f.Person(manager); ok && p.Email != "" && manager != "" {
		return p.Email
	}
	return manager
}

// person is a person as rules see one, by the names in expression.UserFields.
type person people.Person

// Names implements expression.Record.
func (p person) Names() []string { return expression.UserFields }

// Cell implements expression.Record.
func (p person) Cell(name string) any {
	var text string
	switch name {
	case "email":
		text = p.Email
	case "name":
		text = p.Name
	case "manager":
		text = p.Manager
	case "role":
		text = p.Role
	case "teamId":
		text = p.Team
	case "active":
		if p.KnowsActive {
			return p.Active
		}
	}
	if text == "" {
		return nil
	}
	return text
}
