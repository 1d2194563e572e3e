package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/people"
	"heed/engine/ruletest"
)

// known answers what rules ask about people.
type known struct{ people.View }

// known is what is known of people once the event counts.
func (a *app) known(e *event.Event, signedAt time.Time) expression.Resolver {
	return known{a.people.As(e, signedAt)}
}

// readPeople reads a sheet of people, as heed people import takes one, to try
// rules with.
func readPeople(s streams, path string) (*people.Directory, error) {
	directory := people.New()
	if path == "" {
		return directory, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usage("people cannot be read: %v", err)
	}
	defer f.Close()
	sheet, err := people.ReadSheet(f)
	if err != nil {
		return nil, usage("people cannot be read from %s: %v", path, err)
	}
	if len(sheet.Problems) > 0 {
		return nil, usage("people cannot be read from %s: %s", path, sheet.Problems[0])
	}
	if len(sheet.Ignored) > 0 {
		fmt.Fprintf(s.err, "%s: ignored columns: %s\n", path, line(strings.Join(sheet.Ignored, ", ")))
	}
	now := time.Now()
	for _, r := range sheet.Records {
		data := map[string]any{"userId": r.ID}
		for name, text := range map[string]string{"email": r.Email, "role": r.Role, "teamId": r.Team} {
			if text != "" {
				data[name] = text
			}
		}
		directory.Learn(&event.Event{Type: "user.provisioned", Data: data}, now)
		if r.KnowsActive && !r.Active {
			directory.Learn(&event.Event{Type: "user.deprovisioned", Data: map[string]any{"userId": r.ID}}, now.Add(time.Millisecond))
		}
	}
	return directory, nil
}

// withFacts are fixtures in which rules know what is given with the event and, if
// that has no answer, what the directory does and each event tells itself.
func withFacts(fixtures []ruletest.Fixture, directory *people.Directory, now time.Time) []ruletest.Fixture {
	for i := range fixtures {
		if e, err := event.Decode(fixtures[i].Body); err == nil { // else it is refused where it is used
			fixtures[i].Facts = either{fixtures[i].Facts, known{directory.As(&e, now)}}
		}
	}
	return fixtures
}

// either answers what the first has no answer to by the second. The first may be
// nil.
type either struct{ first, second expression.Resolver }

// Resolve implements expression.Resolver.
func (e either) Resolve(q expression.Query) any {
	if e.first != nil {
		if answer := e.first.Resolve(q); answer != nil {
			return answer
		}
	}
	return e.second.Resolve(q)
}

// Resolve implements expression.Resolver.
func (k known) Resolve(q expression.Query) any {
	switch q.About {
	case expression.AboutUser:
		if p, ok := k.Person(q.Key); ok {
			return person(p)
		}
	case expression.AboutProgress:
		if percent, ok := k.Progress(q.Of, q.Key); ok {
			return expression.Number(percent)
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
