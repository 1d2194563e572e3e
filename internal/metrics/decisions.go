package metrics

import (
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// decisions counts what rules make of events. To make a rule that does not match free, it
// counts the events of each type for each rule set: not_matched is the number of those
// events for which a listening rule had no other outcome.
type decisions struct {
	mu      sync.Mutex
	sets    []*listeners
	outcome map[decision]float64 // all except not_matched
}

// listeners holds the rules of one set by the event types they listen to, and how many
// events of each type the set has decided.
type listeners struct {
	version string
	rules   map[string][]string
	types   map[string]bool // those that a rule listens to
	decided map[string]float64
}

type decision struct{ rule, outcome string }

const notMatched = "not_matched"

var decisionsDesc = prometheus.NewDesc("heed_decisions_total",
	"Decisions by rule and outcome: matched, not_matched, unknown or error.", []string{"rule", "outcome"}, nil)

// keptSets is how many rule sets may have events in flight: the active one and its
// predecessor.
const keptSets = 2

// listen registers a rule set that decides from now on, with the event types that each
// rule listens to.
func (d *decisions) listen(version string, rules map[string][]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := slices.IndexFunc(d.sets, func(set *listeners) bool { return set.version == version }); i >= 0 {
		again := d.sets[i]
		d.sets = append(slices.Delete(d.sets, i, i+1), again)
		return
	}
	types := map[string]bool{}
	for _, on := range rules {
		for _, name := range on {
			types[name] = true
		}
	}
	d.sets = append(d.sets, &listeners{version, rules, types, map[string]float64{}})
	if len(d.sets) > keptSets {
		d.settle(d.sets[0])
		d.sets = d.sets[1:]
	}
}

// settle counts the not_matched outcomes of an old set's rules.
func (d *decisions) settle(set *listeners) {
	for rule, events := range set.rules {
		for _, event := range events {
			d.outcome[decision{rule, notMatched}] += set.decided[event]
		}
	}
}

// count counts an event that a rule set has decided, with the outcomes other than
// not_matched. Each of these reduces not_matched by one, since the event added one for
// every listening rule.
func (d *decisions) count(version, event string, outcomes iter.Seq2[string, string]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, set := range d.sets {
		if set.version == version {
			if !set.types[event] {
				return // nobody listens, and a sender can invent any number of types
			}
			set.decided[event]++
			for rule, outcome := range outcomes {
				d.outcome[decision{rule, outcome}]++
				d.outcome[decision{rule, notMatched}]--
			}
			return
		}
	}
}

// Describe implements prometheus.Collector.
func (d *decisions) Describe(ch chan<- *prometheus.Desc) { ch <- decisionsDesc }

// Collect implements prometheus.Collector.
func (d *decisions) Collect(ch chan<- prometheus.Metric) {
	for key, n := range d.totals() {
		ch <- prometheus.MustNewConstMetric(decisionsDesc, prometheus.CounterValue, n, key.rule, key.outcome)
	}
}

func (d *decisions) totals() map[decision]float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	totals := maps.Clone(d.outcome)
	for _, set := range d.sets {
		for rule, events := range set.rules {
			for _, event := range events {
				totals[decision{rule, notMatched}] += set.decided[event]
			}
		}
	}
	return totals
}
