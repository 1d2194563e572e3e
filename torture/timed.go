package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"heed/engine/record"
	"heed/engine/state"
)

// The roles of the events that rules with time are tried with. A role is also the
// name of the rule that listens to it.
const (
	roleLate  = "late"  // a wait, which some events cancel
	roleSteps = "steps" // a wait with two steps
	roleThree = "three" // a count
	roleOnce  = "once"  // a throttle that lets one alert pass for each key, ever
	roleFirst = "first" // a wait with such a throttle
	roleExtra = "extra" // a wait of a rule that is not always there
	cancel    = "cancel"
)

const (
	afterFirst  = time.Second // the time of every wait, and of the first step
	afterSecond = 2 * time.Second
	members     = 3 // of a count
)

// moment is what the id of such an event says: <prefix>~<role>~<key>~<which>.
type moment struct{ prefix, role, key, which string }

func momentOf(id string) (m moment, ok bool) {
	parts := strings.Split(id, "~")
	if len(parts) != 4 {
		return m, false
	}
	return moment{parts[0], parts[1], parts[2], parts[3]}, true
}

func (m moment) id() string { return strings.Join([]string{m.prefix, m.role, m.key, m.which}, "~") }

// event is the moment as heed gets it. A wait is about one person, a count and a
// throttle about one quiz.
func (m moment) event() event {
	user := m.prefix + m.role + m.key
	if m.role == roleThree || m.role == roleOnce || m.role == roleFirst {
		user += "-" + m.which
	}
	if m.which == cancel {
		return event{id: m.id(), kind: "course.completed", data: fmt.Sprintf(`"userId":%q,"courseId":%q`, user, m.role)}
	}
	return event{id: m.id(), kind: quiz, data: fmt.Sprintf(`"userId":%q,"quizName":%q,"quizId":%q`, user, m.role,
		m.prefix+m.key)}
}

// timed is the plan of the rules with time.
var timed = plan{
	rules: timedRules(0),
	flags: []string{"--settle", "100ms"},
	timed: true, concurrency: 16,
	scenario: (*generator).moments,
}

// timedRules is one of two rule files: they ask for the same under other names,
// by another action, and the second has one rule more. Each takes over the state
// of the other.
func timedRules(version int) string {
	name, was, action := "%s", "%s-b", "good"
	if version%2 == 1 {
		name, was, action = was, name, "slow"
	}
	var b strings.Builder
	b.WriteString(planActions + "rules:\n")
	rule := func(role, keys, more string) {
		fmt.Fprintf(&b, "  - name: "+name+"\n    was: "+was+"\n    on: quiz.submitted\n    when: data.quizName == %q\n%s"+
			"    do: [{action: %s, json: {about: \"{{ id }}\", version: %d%s}}]\n", role, role, role, keys, action,
			version%2, more)
	}
	rule(roleLate, "    wait: {after: 1s, per: data.userId, unless: {on: course.completed, when: data.courseId == "+
		"\"late\"}}\n", "")
	const steps = "    wait: {per: data.userId, steps: [{after: 1s}, {after: 2s}]}\n"
	rule(roleSteps, steps, `, step: "{{ step }}"`)
	rule(roleThree, "    count: {at_least: 3, within: 7d, per: data.quizId}\n",
		`, items: "{{ join(map(items, #.id), ',') }}"`)
	rule(roleOnce, "    throttle: {per: data.quizId, at_most: 1, within: forever}\n", "")
	rule(roleFirst, "    wait: {after: 1s, per: data.userId}\n    throttle: {per: data.quizId, at_most: 1, within: "+
		"forever}\n", "")
	if version%2 == 1 {
		rule(roleExtra, "    wait: {after: 1s, per: data.userId}\n", "")
	}
	return b.String()
}

// moments sends what the n-th turn of the generator is about. Events of one key
// are sent by several connections at about the same time.
func (g *generator) moments(ctx context.Context, n int64) {
	const turns = 8
	key, near := strconv.FormatInt(n, 10), strconv.FormatInt(n/(5*turns), 10)
	prefix := strings.TrimSuffix(g.prefix, "-")
	start := moment{prefix, roleLate, key, "0"}
	switch n % turns {
	case 0:
		g.moment(ctx, start, time.Now())
	case 1, 2:
		g.cancelled(ctx, start, n/turns%2 == 0)
	case 3:
		g.moment(ctx, moment{prefix, roleSteps, key, "0"}, time.Now())
	case 4:
		g.moment(ctx, moment{prefix, roleThree, near, key}, time.Now())
	case 5:
		g.moment(ctx, moment{prefix, roleOnce, near, key}, time.Now())
	case 6:
		g.moment(ctx, moment{prefix, roleFirst, near, key}, time.Now())
	default:
		g.moment(ctx, moment{prefix, roleExtra, key, "0"}, time.Now())
	}
}

// cancelled sends a start and what cancels it, which may come first.
func (g *generator) cancelled(ctx context.Context, start moment, first bool) {
	at, stop := time.Now(), start
	stop.which = cancel
	if !first {
		g.moment(ctx, start, at)
	}
	// The cancel is in time if heed has it before the wait is due: later it may come
	// too late, or not.
	if g.moment(ctx, stop, at) && time.Since(at) < afterFirst-10*time.Millisecond {
		g.ledger.note(wordInTime, stop.id())
	}
	if first {
		g.moment(ctx, start, at)
	}
}

// moment sends an event and says whether it was acknowledged. Of some the sender
// gives up after the first try: heed may have them or not.
func (g *generator) moment(ctx context.Context, m moment, at time.Time) bool {
	h := fnv.New32a()
	h.Write([]byte(m.id()))
	tries := 0
	if h.Sum32()%4 == 0 {
		tries = 1
	}
	return g.deliver(ctx, m.event(), at, tries)
}

// time is kills and power cuts while rules with time wait, count and fire, and
// while their rule file changes.
func (t *torture) time(ctx context.Context) (r result, err error) {
	err = t.batches(t.cycles, func(cycles int) error { return t.killOne(ctx, sound, timed, cycles, &r) })
	if err != nil {
		return r, err
	}
	err = t.batches(t.cycles, func(cycles int) error { return t.cutOne(ctx, sound, timed, cycles, false, &r) })
	return r, err
}

// liveTimed starts heed and lets it run for a while. The rule file may change
// before, and while it runs: then heed may be in the middle of the change when
// it is killed.
func (t *torture) liveTimed(ctx context.Context, b *bench) error {
	if t.random.IntN(3) == 0 {
		if err := b.nextRules(t.random.IntN(2) == 0); err != nil {
			return err
		}
	}
	if t.random.IntN(5) == 0 {
		if err := b.start(); err != nil {
			return err
		}
		time.Sleep(t.between(0, 150*time.Millisecond))
		return ctx.Err()
	}
	if err := b.startReady(ctx); err != nil {
		return err
	}
	for range t.random.IntN(3) {
		time.Sleep(t.between(0, 400*time.Millisecond))
		if err := b.nextRules(t.random.IntN(2) == 0); err != nil {
			return err
		}
		go func() { // heed may be killed before it answers
			if response, err := http.Post("http://"+b.admin+"/-/reload", "", nil); err == nil {
				response.Body.Close()
			}
		}()
		time.Sleep(t.between(0, 20*time.Millisecond))
	}
	time.Sleep(t.between(0, 400*time.Millisecond))
	return ctx.Err()
}

// nextRules puts the other version of the rules into place.
func (b *bench) nextRules(inPlace bool) error {
	b.version++
	return replace(b.rules, fmt.Appendf(nil, timedRules(b.version), b.sinks.url, b.sinks.mail.address), inPlace)
}

// noticesSplitFirings runs a heed that changes the state of a rule in one
// transaction and makes the alert in another: a crash between them loses the alert
// or doubles it. Then it takes one alert away from what was found, and doubles
// another, so that one of each is noticed wherever the crashes were.
func (t *torture) noticesSplitFirings(ctx context.Context) (r result, err error) {
	var e evidence
	if err := t.crashAt(ctx, faulty("--split-firings"), timed, []point{{"after-fire", 15}}, 6, &r, &e); err != nil {
		return r, fmt.Errorf("a broken heed was to lose and to double alerts, but the run failed otherwise: %w", err)
	}
	split := count(r.findings)
	_, before := e.check()
	e.spoil()
	_, after := e.check()
	was, now := count(before), count(after)
	r.findings = nil
	if split[unfired]+split[firedMore] == 0 {
		r.findings = append(r.findings, finding{unnoticed, "firings in two transactions were not noticed"})
	}
	if now[unfired] != was[unfired]+1 || now[firedMore] != was[firedMore]+1 {
		r.findings = append(r.findings, finding{
			unnoticed,
			fmt.Sprintf("one alert was taken away and one doubled: found %v, and before %v", now, was),
		})
	}
	r.note("firings in two transactions led to %d findings of lost alerts and %d of alerts too many; "+
		"one more of each was noticed", split[unfired], split[firedMore])
	return r, nil
}

func count(findings []finding) map[string]int {
	kinds := map[string]int{}
	for _, f := range findings {
		kinds[f.kind]++
	}
	return kinds
}

// spoil takes away the alert of one wait that was not cancelled, and doubles that of another.
func (e *evidence) spoil() {
	fired := map[string]int{}
	for _, said := range e.told {
		fired[said.About]++
	}
	var waits []int
	for i, d := range e.deliveries {
		m, _ := momentOf(e.told[d.ID].About)
		m.which = cancel
		if m.role == roleLate && fired[e.told[d.ID].About] == 1 && !e.sent[m.id()] {
			waits = append(waits, i)
		}
	}
	if len(waits) < 2 {
		return
	}
	doubled, lost := e.deliveries[waits[0]], e.deliveries[waits[1]]
	said := e.told[doubled.ID]
	doubled.ID, doubled.EventID = "doubled", state.IDPrefix+"doubled"
	e.deliveries = append(slices.Delete(e.deliveries, waits[1], waits[1]+1), doubled)
	e.events = append(e.events, record.Event{ID: doubled.EventID, Status: record.Timed})
	e.told[doubled.ID], e.got[doubled.ID] = said, 1
	delete(e.told, lost.ID)
	delete(e.got, lost.ID)
}
