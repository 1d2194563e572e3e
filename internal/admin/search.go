package admin

import (
	"context"
	"strings"

	"heed/engine/people"
)

// Found is what a search found.
type Found struct {
	Events     []string `json:"events"`
	Deliveries []string `json:"deliveries"`
	Rules      []string `json:"rules"`
	People     []Person `json:"people"`
}

// Alone returns the kind and the id of the only match; both are empty if there are
// several or none.
func (f *Found) Alone() (kind, id string) {
	if len(f.Events)+len(f.Deliveries)+len(f.Rules)+len(f.People) != 1 {
		return "", ""
	}
	for kind, ids := range map[string][]string{"events": f.Events, "deliveries": f.Deliveries, "rules": f.Rules} {
		if len(ids) == 1 {
			return kind, ids[0]
		}
	}
	return "people", f.People[0].ID
}

const (
	// maxFound bounds what a search finds of each kind, maxSought the words that are
	// sought, in bytes.
	maxFound  = 20
	maxSought = 512
)

// Search looks for an event or a delivery by its id, a person by the id or the
// start of the e-mail address, and rules by a part of their names.
func (s *Service) Search(ctx context.Context, text string) (f Found, err error) {
	text = strings.TrimSpace(text)
	f = Found{[]string{}, []string{}, []string{}, []Person{}}
	if text == "" || len(text) > maxSought {
		return f, nil
	}
	if e, ok, err := s.o.Store.Event(ctx, text); err != nil {
		return f, err
	} else if ok {
		f.Events = append(f.Events, e.ID)
	}
	if d, _, ok, err := s.o.Store.Delivery(ctx, text); err != nil {
		return f, err
	} else if ok {
		f.Deliveries = append(f.Deliveries, d.ID)
	}
	if s.o.Rules != nil {
		for _, rule := range s.o.Rules().Rules() {
			if strings.Contains(strings.ToLower(rule.Name), strings.ToLower(text)) && len(f.Rules) < maxFound {
				f.Rules = append(f.Rules, rule.Name)
			}
		}
	}
	return f, s.searchPeople(ctx, text, &f)
}

func (s *Service) searchPeople(ctx context.Context, text string, f *Found) error {
	m := s.masker(ctx)
	add := func(p *people.Person) {
		shown := shownPerson(p)
		if m != nil {
			m.person(&shown)
		}
		f.People = append(f.People, shown)
	}
	p, _, known, err := s.o.People.Person(ctx, s.user(ctx, text))
	if err != nil {
		return err
	}
	if known {
		add(&p)
	}
	list, err := s.o.People.List(ctx, people.Filter{EmailStart: text, Limit: maxFound})
	for i := range list {
		if !known || list[i].ID != p.ID {
			add(&list[i])
		}
	}
	return err
}
