package admin

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/record"
)

// Overview is what the first page shows: is anything wrong, and what comes in and
// goes out?
type Overview struct {
	Status *Status `json:"status"`
	// Hours are the accepted events of each of the last 24 hours.
	Hours []record.HourCount `json:"hours"`
	// Events, Matched, Unknown and Delivered count those of 24 hours.
	Events    int `json:"events"`
	Matched   int `json:"matched"`
	Unknown   int `json:"unknown"`
	Delivered int `json:"delivered"`
	// Destinations are the configured actions, and others that something waits for.
	Destinations []Destination `json:"destinations"`
	// Dead are the largest groups of what was given up.
	Dead []Cause `json:"dead"`
	// Shadow counts rules in shadow mode.
	Shadow int `json:"shadow"`
	// Empty says that no event ever came.
	Empty bool `json:"empty"`
}

// Destination is how an action does.
type Destination struct {
	Action string `json:"action"`
	// State is ok, failing, waiting, missing (no action of that name) or idle.
	State string    `json:"state"`
	Since time.Time `json:"since,omitzero"` // when it began to fail
	// Waiting counts what is still to be sent.
	Waiting int `json:"waiting"`
	// LastSuccess is when something arrived last; of before the start to the hour.
	LastSuccess time.Time `json:"last_success,omitzero"`
	// Done and Dead count those of 24 hours.
	Done int `json:"done"`
	Dead int `json:"dead"`
}

// deliveryTally is what the tallies of an action's deliveries have for a rule: no
// rule is called so.
const deliveryTally = "action: "

// DeliveryTally returns the name under which the deliveries of an action are tallied.
func DeliveryTally(action string) string { return deliveryTally + action }

// mostGroups is how many groups of problems the overview shows.
const mostGroups = 3

// Overview says how heed is and what it did in the last day.
func (s *Service) Overview(ctx context.Context) (o Overview, err error) {
	if o.Status, err = s.Status(ctx); err != nil {
		return o, err
	}
	since := s.o.Now().Add(-23 * time.Hour).Truncate(time.Hour)
	hours, err := s.o.Store.EventsByHour(ctx, since)
	if err != nil {
		return o, err
	}
	o.Hours = everyHour(hours, since)
	for _, h := range o.Hours {
		o.Events += h.N
	}
	if o.Events == 0 {
		some, err := s.o.Store.Events(ctx, record.EventFilter{Limit: 1})
		if err != nil {
			return o, err
		}
		o.Empty = len(some) == 0
	}
	sums, err := s.sums(ctx, figuresAge)
	if err != nil {
		return o, err
	}
	if err := s.destinations(ctx, &o, sums); err != nil {
		return o, err
	}
	if o.Status.Dead > 0 {
		problems, err := s.Problems(ctx)
		if err != nil {
			return o, err
		}
		o.Dead = problems.Dead[:min(mostGroups, len(problems.Dead))]
	}
	o.Destinations, o.Dead = orEmpty(o.Destinations), orEmpty(o.Dead)
	return o, nil
}

// figuresAge is how old counts may be on a page that people load again and again.
const figuresAge = 10 * time.Second

// everyHour fills the hours in that brought nothing.
func everyHour(hours []record.HourCount, since time.Time) []record.HourCount {
	all := make([]record.HourCount, 24)
	for i := range all {
		all[i].Hour = since.Add(time.Duration(i) * time.Hour).UTC()
	}
	for _, h := range hours {
		if i := int(h.Hour.Sub(all[0].Hour) / time.Hour); i >= 0 && i < len(all) {
			all[i].N += h.N
		}
	}
	return all
}

const dayTally = 2 // of the sums: those of 30 days, 7 days, 1 day

func (s *Service) destinations(ctx context.Context, o *Overview, sums []record.TallySum) error {
	failing, err := s.o.Store.Failing(ctx)
	if err != nil {
		return err
	}
	all := map[string]*Destination{}
	of := func(action string) *Destination {
		if all[action] == nil {
			all[action] = &Destination{Action: action}
		}
		return all[action]
	}
	if s.o.Rules != nil {
		for _, rule := range s.o.Rules().Rules() {
			if rule.Shadow {
				o.Shadow++
			}
			for _, name := range rule.ActionNames() {
				of(name)
			}
		}
	}
	for action, n := range o.Status.Pending {
		of(action).Waiting = n
	}
	for i := range sums {
		sum := &sums[i]
		action, is := strings.CutPrefix(sum.Rule, deliveryTally)
		switch {
		case is && sum.Outcome == string(record.Done):
			of(action).LastSuccess = sum.Last
			of(action).Done = sum.N[dayTally]
			o.Delivered += sum.N[dayTally]
		case is && sum.Outcome == record.GivenUp:
			of(action).Dead = sum.N[dayTally]
		case sum.Outcome == string(engine.Matched):
			o.Matched += sum.N[dayTally]
		case sum.Outcome == string(engine.Unknown):
			o.Unknown += sum.N[dayTally]
		}
	}
	if s.o.LastSuccess != nil {
		for action, at := range s.o.LastSuccess() {
			of(action).LastSuccess = at
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		d := all[name]
		d.State, d.Since = s.stateOf(d, failing)
		o.Destinations = append(o.Destinations, *d)
	}
	return nil
}

func (s *Service) stateOf(d *Destination, failing map[string]time.Time) (state string, since time.Time) {
	switch at, fails := failing[d.Action]; {
	case s.o.HasAction != nil && !s.o.HasAction(d.Action):
		return "missing", since
	case fails:
		return "failing", at
	case d.Waiting > 0:
		return "waiting", since
	case d.Done == 0 && d.Dead == 0:
		return "idle", since
	case d.Done == 0:
		return "failing", since
	default:
		return "ok", since
	}
}
