package main

import (
	"math"
	"time"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/people"
)

// known answers what rules ask about people.
type known struct{ people.View }

// known is what is known of people once the event counts.
func (a *app) known(e *event.Event, signedAt time.Time) expression.Facts {
	return known{a.people.As(e, signedAt)}
}

// Fact implements expression.Facts.
func (k known) Fact(q expression.Question) any {
	switch q.About {
	case expression.AboutUser:
		if p, ok := k.Person(q.Key); ok {
			return person(p)
		}
	case expression.AboutProgress:
		if percent, ok := k.Progress(q.Of, q.Key); ok {
			return number(percent)
		}
	case expression.AboutRank:
		by, err := people.ParseBy(q.Key)
		if err != nil {
			return nil // the rule's check has said so
		}
		if place, ok := k.Rank(q.Of, by); ok {
			return place
		}
	}
	return nil
}

// number is a number as rules calculate with it: a whole one is an int.
func number(x float64) any {
	if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
		return int(x)
	}
	return x
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
