package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"heed/engine/record"
)

// The kinds of findings about rules with time.
const (
	unfired   = "not fired"   // an alert is missing
	firedMore = "fired twice" // an alert too many
	misfired  = "misfired"    // an alert for nothing, for the wrong events, or too early
)

// firing is an alert of a rule with time: a delivery, and what it said.
type firing struct {
	alert
	role     string
	delivery record.Delivery
}

// timeChecker knows from the events that are stored what must have fired. An
// event that was acknowledged must be among them, as for all plans; one that was
// sent and not acknowledged counts if it is stored, and not if it is not.
type timeChecker struct {
	*checker
	signed map[string]time.Time // when, of each stored event
	timed  map[string]bool      // ids of the events that heed made of firings
	about  map[string][]firing  // by role, space and the event that caused it
	byKey  map[string][]firing  // by role, space and key
}

// checkTime holds what fired against what must have.
func (c *checker) checkTime() {
	t := &timeChecker{
		checker: c, signed: map[string]time.Time{}, timed: map[string]bool{},
		about: map[string][]firing{}, byKey: map[string][]firing{},
	}
	for _, e := range c.events {
		if e.Status != record.Timed {
			t.signed[e.ID] = e.SignedAt
			continue
		}
		if t.timed[e.ID] {
			c.find(twice, "%s", e.ID)
		}
		t.timed[e.ID] = true
	}
	t.sort()
	keys := map[string]map[string]int{} // stored events of each key, by role
	for _, id := range slices.Sorted(maps.Keys(t.signed)) {
		m, ok := momentOf(id)
		if !ok || m.which == cancel {
			continue
		}
		if keys[m.role] == nil {
			keys[m.role] = map[string]int{}
		}
		keys[m.role][m.key]++
		t.checkStart(id, m)
	}
	for role, stored := range keys {
		for key, n := range stored {
			switch role {
			case roleThree:
				t.want(len(t.byKey[role+" "+key]), n/members, n/members, "the count of %s with %d events", key, n)
			case roleOnce, roleFirst:
				t.want(len(t.byKey[role+" "+key]), 1, 1, "%s for %s", role, key)
			}
		}
	}
}

// sort puts each alert where it belongs, and finds those that belong nowhere.
func (t *timeChecker) sort() {
	alerts := map[string]int{}     // of each event
	counted := map[string]string{} // the delivery for which an event counted
	for _, d := range t.deliveries {
		alerts[d.EventID]++
		said, ok := t.told[d.ID]
		if !ok {
			continue // it was not taken, which is another finding
		}
		t.tally.fired++
		f := firing{said, strings.TrimSuffix(d.Rule, "-b"), d}
		m, ok := momentOf(said.About)
		signed, stored := t.signed[said.About]
		switch {
		case !ok || !stored || m.role != f.role || m.which == cancel:
			t.find(misfired, "%s by %s is about %s, which is not stored or not the rule's", d.ID, d.Rule, said.About)
			continue
		case (f.role == roleOnce) != (d.EventID == said.About) || f.role != roleOnce && !t.timed[d.EventID]:
			t.find(misfired, "%s by %s belongs to the event %s", d.ID, d.Rule, d.EventID)
		case d.CreatedAt.Before(signed.Add(t.after(f))):
			t.find(misfired, "%s by %s was made at %v, and its start was signed at %v", d.ID, d.Rule, d.CreatedAt, signed)
		}
		t.about[f.role+" "+said.About] = append(t.about[f.role+" "+said.About], f)
		t.byKey[f.role+" "+m.key] = append(t.byKey[f.role+" "+m.key], f)
		if f.role == roleThree {
			t.checkMembers(f, m, counted)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(alerts)) {
		if alerts[id] > 1 {
			t.find(firedMore, "the event %s has %d deliveries", id, alerts[id])
		}
	}
}

// after is how long after its start an alert may be at the earliest.
func (t *timeChecker) after(f firing) time.Duration {
	switch {
	case f.role == roleOnce || f.role == roleThree:
		return 0
	case f.role == roleSteps && f.Step != 1:
		return afterSecond
	default:
		return afterFirst
	}
}

// checkMembers looks whether the members of a count are those of one key, each
// for the first time.
func (t *timeChecker) checkMembers(f firing, of moment, counted map[string]string) {
	items := strings.Split(f.Items, ",")
	if len(items) != members {
		t.find(misfired, "%s by %s has the members %s", f.delivery.ID, f.delivery.Rule, f.Items)
	}
	for _, id := range items {
		m, _ := momentOf(id)
		_, stored := t.signed[id]
		if other := counted[id]; !stored || m.role != of.role || m.key != of.key {
			t.find(misfired, "%s by %s has the member %s", f.delivery.ID, f.delivery.Rule, id)
		} else if other != "" {
			t.find(firedMore, "%s counted for %s and for %s", id, other, f.delivery.ID)
		}
		counted[id] = f.delivery.ID
	}
}

// checkStart looks how often one start of a wait has fired.
func (t *timeChecker) checkStart(id string, m moment) {
	fired := t.about[m.role+" "+id]
	switch m.role {
	case roleLate:
		least, most := 1, 1
		m.which = cancel
		if _, cancelled := t.signed[m.id()]; cancelled {
			if least = 0; t.inTime[m.id()] {
				most = 0
			}
		}
		t.want(len(fired), least, most, "the wait of %s", id)
	case roleSteps:
		steps := map[int]int{}
		for _, f := range fired {
			steps[f.Step]++
		}
		t.want(steps[1], 0, 1, "the first step of %s", id)
		t.want(steps[2], 1, 1, "the last step of %s", id)
		t.want(len(fired)-steps[1]-steps[2], 0, 0, "another step of %s", id)
	case roleFirst, roleExtra, roleOnce:
		t.want(len(fired), 0, 1, "%s", id)
	}
}

func (t *timeChecker) want(fired, least, most int, what string, args ...any) {
	args = append(args, fired)
	switch {
	case fired < least:
		t.find(unfired, what+" has fired %d times", args...)
	case fired > most:
		t.find(firedMore, what+" has fired %d times", args...)
	}
}
