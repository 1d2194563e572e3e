package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"heed/engine/record"
)

// The kinds of findings.
const (
	lost       = "lost"            // acknowledged and not stored
	unsent     = "never sent"      // stored, but nobody sent it
	twice      = "stored twice"    // one id
	refused    = "not accepted"    // quarantined although nothing was wrong with it
	undecided  = "not decided"     // its deliveries are not those of one whole rule set
	unfinished = "unfinished"      // a delivery is neither done nor dead
	wronglyEnd = "wrong end"       // done where it should be dead, or dead where it should be done
	untaken    = "done, not taken" // recorded as done, but no endpoint took it
	unknown    = "unknown"         // taken by an endpoint, but not stored
	repeats    = "repeats"         // more than the crashes explain
	slowStart  = "slow start"
	slowAnswer = "slow answer"
	wrongBody  = "wrong body"
	oddAnswer  = "odd answer"
	grew       = "grew"
	unnoticed  = "unnoticed"
	broken     = "broken" // the run could not go on
)

// finding is a promise that was broken.
type finding struct{ kind, what string }

// evidence is all there is to judge by after heed has come to rest.
type evidence struct {
	account
	events     []record.Event
	deliveries []record.Delivery
	plan       plan
}

// tally counts.
type tally struct {
	sent, acked, stored, lost      int
	done, dead, repeats, mayRepeat int
	fired                          int // alerts of rules with time
}

// check holds what heed remembers against the ledger.
func (e *evidence) check() (tally, []finding) {
	c := &checker{evidence: e, stored: map[string]bool{}, byEvent: map[string][]string{}, known: map[string]bool{}}
	c.tally.sent, c.tally.acked, c.tally.stored = len(e.sent), len(e.acked), len(e.events)
	c.checkEvents()
	c.checkDeliveries()
	if c.plan.timed {
		c.checkTime()
	} else {
		c.checkDecisions()
	}
	c.checkTaken()
	return c.tally, c.findings
}

type checker struct {
	*evidence
	tally    tally
	findings []finding
	stored   map[string]bool
	byEvent  map[string][]string // the steps that have a delivery
	known    map[string]bool     // deliveries
}

func (c *checker) find(kind, format string, args ...any) {
	c.findings = append(c.findings, finding{kind, fmt.Sprintf(format, args...)})
}

func (c *checker) checkEvents() {
	for _, e := range c.events {
		if c.plan.timed && e.Status == record.Timed {
			c.tally.stored--
			continue // checkTime looks at what heed made itself
		}
		switch {
		case c.stored[e.ID]:
			c.find(twice, "%s", e.ID)
		case !c.sent[e.ID]:
			c.find(unsent, "%s", e.ID)
		case e.Status != record.Accepted:
			c.find(refused, "%s is %s: %s", e.ID, e.Status, e.Reason)
		}
		c.stored[e.ID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(c.acked)) {
		if !c.stored[id] {
			c.tally.lost++
			c.find(lost, "%s", id)
		}
	}
}

func (c *checker) checkDeliveries() {
	for _, d := range c.deliveries {
		c.known[d.ID] = true
		c.byEvent[d.EventID] = append(c.byEvent[d.EventID], step(d.Rule, d.Action))
		switch d.State {
		case record.Done:
			c.tally.done++
			if c.got[d.ID] == 0 {
				c.find(untaken, "%s of %s to %s", d.ID, d.EventID, d.Action)
			}
		case record.Dead:
			c.tally.dead++
		default:
			c.find(unfinished, "%s of %s to %s is %s: %s", d.ID, d.EventID, d.Action, d.State, d.LastError)
			continue
		}
		if deadly := c.plan.deadly[step(d.Rule, d.Action)]; deadly != (d.State == record.Dead) {
			c.find(wronglyEnd, "%s of %s to %s is %s: %s", d.ID, d.EventID, d.Action, d.State, d.LastError)
		}
	}
}

// checkDecisions looks whether each event has the deliveries that one whole
// rule set asks for: none is missing, none is there twice or for nothing.
func (c *checker) checkDecisions() {
	for _, id := range slices.Sorted(maps.Keys(c.stored)) {
		got := c.byEvent[id]
		slices.Sort(got)
		allowed := c.plan.expect(id)
		if !slices.ContainsFunc(allowed, func(want []string) bool { return slices.Equal(got, want) }) {
			c.find(undecided, "%s has the deliveries [%s], wanted %v", id, strings.Join(got, ", "), allowed)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.byEvent)) {
		if !c.stored[id] {
			c.find(unsent, "%s has deliveries but is not stored", id)
		}
	}
}

// checkTaken looks at what the endpoints took. A crash may repeat what was
// being sent at that moment.
func (c *checker) checkTaken() {
	for _, id := range slices.Sorted(maps.Keys(c.got)) {
		if !c.known[id] {
			c.find(unknown, "delivery %s", id)
		}
		c.tally.repeats += c.got[id] - 1
	}
	c.tally.mayRepeat = c.crashes * c.plan.concurrency
	if c.tally.repeats > c.tally.mayRepeat {
		c.find(repeats, "%d, and %d crashes with %d sends at once explain only %d", c.tally.repeats, c.crashes,
			c.plan.concurrency, c.tally.mayRepeat)
	}
}

func (t *tally) add(other tally) {
	t.sent += other.sent
	t.acked += other.acked
	t.stored += other.stored
	t.lost += other.lost
	t.done += other.done
	t.dead += other.dead
	t.repeats += other.repeats
	t.fired += other.fired
	t.mayRepeat += other.mayRepeat
}

// mustStart is how long a start may take, from the call to being ready.
const mustStart = 2 * time.Second
