package main

import (
	"slices"
	"testing"
	"time"

	"heed/engine/record"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// handmadeTime is evidence of a small world in which all rules with time are well:
// one event or more of each role, and what follows from them.
func handmadeTime(t *testing.T) *evidence {
	t.Helper()
	e := &evidence{plan: plan{timed: true, concurrency: 2}}
	lines := []string{"crashed "}
	event := func(id string) {
		e.events = append(e.events, record.Event{ID: id, Status: record.Accepted, SignedAt: noon})
		lines = append(lines, "sent "+id, "acked "+id)
	}
	alert := func(id, rule, event, said string, after time.Duration) {
		if event == "" {
			event = "heed.timed-" + id
			e.events = append(e.events, record.Event{ID: event, Status: record.Timed})
		}
		e.deliveries = append(e.deliveries, record.Delivery{
			ID: id, EventID: event, Rule: rule, Action: "good", State: record.Done, CreatedAt: noon.Add(after),
		})
		lines = append(lines, "told "+id+" "+said, "got "+id)
	}
	event("r~late~1~0")
	alert("d-late", "late", "", `{"about":"r~late~1~0"}`, afterFirst)
	event("r~late~2~0")
	event("r~late~2~cancel") // too late or not
	event("r~late~3~0")
	event("r~late~3~cancel")
	lines = append(lines, "intime r~late~3~cancel")
	event("r~steps~4~0")
	alert("d-step-1", "steps-b", "", `{"about":"r~steps~4~0","step":1}`, afterFirst)
	alert("d-step-2", "steps", "", `{"about":"r~steps~4~0","step":2}`, afterSecond)
	for _, n := range []string{"1", "2", "3", "4"} {
		event("r~three~5~" + n)
	}
	alert("d-three", "three", "", `{"about":"r~three~5~3","items":"r~three~5~1,r~three~5~2,r~three~5~3"}`, 0)
	event("r~once~6~1")
	event("r~once~6~2")
	alert("d-once", "once-b", "r~once~6~2", `{"about":"r~once~6~2"}`, 0)
	event("r~first~7~1")
	event("r~first~7~2")
	alert("d-first", "first", "", `{"about":"r~first~7~1"}`, afterFirst)
	event("r~extra~8~0")
	lines = append(lines, "sent r~late~9~0") // not acknowledged, and not stored
	e.account = ledgerOf(t, lines...)
	return e
}

// with adds an alert that heed made and an endpoint took.
func (e *evidence) with(id, rule, event, about string, items ...string) {
	said := alert{About: about}
	if len(items) > 0 {
		said.Items = items[0]
	}
	e.deliveries = append(e.deliveries, record.Delivery{
		ID: id, EventID: event, Rule: rule, Action: "good", State: record.Done, CreatedAt: noon.Add(afterSecond),
	})
	if _, ok := momentOf(event); !ok && !slices.ContainsFunc(e.events, func(e record.Event) bool { return e.ID == event }) {
		e.events = append(e.events, record.Event{ID: event, Status: record.Timed})
	}
	e.told[id], e.got[id] = said, 1
}

// without takes an alert away, and what heed made of the firing.
func (e *evidence) without(id string) {
	at := slices.IndexFunc(e.deliveries, func(d record.Delivery) bool { return d.ID == id })
	event := e.deliveries[at].EventID
	e.deliveries = slices.Delete(e.deliveries, at, at+1)
	e.events = slices.DeleteFunc(e.events, func(e record.Event) bool { return e.ID == event && e.Status == record.Timed })
	delete(e.got, id)
	delete(e.told, id)
}

func TestTheTimeCheckerIsContentWhenAllIsWell(t *testing.T) {
	n, findings := handmadeTime(t).check()
	if len(findings) > 0 {
		t.Errorf("found %v", findings)
	}
	if n.fired != 6 || n.stored != 15 {
		t.Errorf("counted %+v", n)
	}
}

func TestTheTimeCheckerAllowsWhatMayBe(t *testing.T) {
	for name, spoil := range map[string]func(*evidence){
		"a cancel that came too late":       func(e *evidence) { e.with("d", "late", "heed.timed-d", "r~late~2~0") },
		"the rule that is not always there": func(e *evidence) { e.with("d", "extra", "heed.timed-d", "r~extra~8~0") },
		"a first step that was superseded":  func(e *evidence) { e.without("d-step-1") },
		"an event that was not acknowledged and is stored all the same": func(e *evidence) {
			e.events = append(e.events, record.Event{ID: "r~late~9~0", Status: record.Accepted, SignedAt: noon})
			e.with("d", "late-b", "heed.timed-d", "r~late~9~0")
		},
		"a firing without an alert": func(e *evidence) {
			e.events = append(e.events, record.Event{ID: "heed.timed-throttled", Status: record.Timed})
		},
	} {
		e := handmadeTime(t)
		spoil(e)
		if _, findings := e.check(); len(findings) > 0 {
			t.Errorf("%s: found %v", name, findings)
		}
	}
}

func TestTheTimeCheckerNotices(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*evidence)
		want  []string
	}{
		"a wait that is lost":        {func(e *evidence) { e.without("d-late") }, []string{unfired}},
		"a last step that is lost":   {func(e *evidence) { e.without("d-step-2") }, []string{unfired}},
		"a count that is lost":       {func(e *evidence) { e.without("d-three") }, []string{unfired}},
		"an alert that is lost":      {func(e *evidence) { e.without("d-once") }, []string{unfired}},
		"a first alert that is lost": {func(e *evidence) { e.without("d-first") }, []string{unfired}},
		"a wait that fired twice": {func(e *evidence) {
			e.with("d", "late-b", "heed.timed-d", "r~late~1~0")
		}, []string{firedMore}},
		"a firing with two deliveries": {func(e *evidence) {
			e.with("d", "late", "heed.timed-d-late", "r~late~1~0")
		}, []string{firedMore, firedMore}},
		"a wait that was cancelled in time": {func(e *evidence) {
			e.with("d", "late", "heed.timed-d", "r~late~3~0")
		}, []string{firedMore}},
		"a second alert of a throttle": {func(e *evidence) {
			e.with("d", "once", "r~once~6~1", "r~once~6~1")
		}, []string{firedMore}},
		"a second wait past a throttle": {func(e *evidence) {
			e.with("d", "first", "heed.timed-d", "r~first~7~2")
		}, []string{firedMore}},
		"a member that counted twice": {func(e *evidence) {
			e.events = append(e.events,
				record.Event{ID: "r~three~5~5", Status: record.Accepted}, record.Event{ID: "r~three~5~6", Status: record.Accepted})
			e.sent["r~three~5~5"], e.sent["r~three~5~6"] = true, true
			e.with("d", "three", "heed.timed-d", "r~three~5~6", "r~three~5~3,r~three~5~5,r~three~5~6")
		}, []string{firedMore}},
		"a member of another key": {func(e *evidence) {
			e.told["d-three"] = alert{About: "r~three~5~3", Items: "r~three~5~1,r~three~5~2,r~once~6~1"}
		}, []string{misfired}},
		"an alert about nothing": {func(e *evidence) {
			e.with("d", "late", "heed.timed-d", "r~late~9~0")
		}, []string{misfired}},
		"an alert of an event that none made": {func(e *evidence) {
			e.without("d-late")
			e.with("d", "late", "r~late~1~0", "r~late~1~0")
		}, []string{misfired}},
		"an alert that came too early": {func(e *evidence) {
			e.deliveries[0].CreatedAt = noon
		}, []string{misfired}},
		"a firing that is stored twice": {func(e *evidence) {
			e.events = append(e.events, record.Event{ID: "heed.timed-d-late", Status: record.Timed})
		}, []string{twice}},
	} {
		t.Run(name, func(t *testing.T) {
			e := handmadeTime(t)
			c.spoil(e)
			if _, findings := e.check(); !slices.Equal(kinds(findings), c.want) {
				t.Errorf("found %v, want %v", findings, c.want)
			}
		})
	}
}

// TestTheTimedEventsSayWhatTheyAre keeps the rules with time from waiting for
// nothing: everything follows from an event's id.
func TestTheTimedEventsSayWhatTheyAre(t *testing.T) {
	m := moment{"run-1", roleLate, "17", cancel}
	e := eventOf(m.id())
	const want = `{"event":"course.completed","companyId":"acme","data":{"userId":"run-1late17","courseId":"late"}}`
	if got := string(e.body()); got != want {
		t.Errorf("the body is %s", got)
	}
	if again, ok := momentOf(m.id()); !ok || again != m {
		t.Errorf("read %+v", again)
	}
	if _, ok := momentOf("run-1-17"); ok {
		t.Error("another event was taken for one of these")
	}
}
