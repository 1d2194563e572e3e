package rulefile

import (
	"cmp"
	"time"

	"heed/engine"
	"heed/engine/document"
	"heed/engine/expression"
	"heed/engine/state"
	"heed/engine/suggest"
)

// readWait reads wait.
func (r *timing) readWait(node *document.Node) {
	w := &state.Wait{}
	r.t.Wait = w
	fields, ok := r.block(node, "wait")
	if !ok {
		return
	}
	per := fields.Take("per")
	r.t.Per, w.Per = r.per(fields, r.scope)
	if r.deadline = fields.Take("deadline"); r.deadline != nil {
		r.readDeadline()
	}
	if again := fields.Take("again"); again != nil {
		switch again.Text() {
		case "keep":
		case "restart":
			w.Restart = true
		default:
			r.report.Errorf(again.Place(), "wrong-type", "again of wait must be keep or restart, not %s",
				again.Describe()).
				Suggest("write again: keep if a later start is to change nothing, or again: restart if it is to " +
					"start the wait over")
		}
	}
	if unless := fields.Take("unless"); unless != nil {
		r.readUnless(unless, per)
	}
	if still := fields.Take("still"); still != nil {
		r.t.Still = r.readCondition(still, r.at(expression.AtWait), "still")
	}
	r.readWaitSteps(fields, node)
	fields.Done()
}

// readDeadline reads the expression of the deadline: a time, or text that may hold one.
func (r *timing) readDeadline() {
	value := r.value(r.deadline, r.scope, "deadline")
	r.t.Deadline = value
	if value == nil {
		return
	}
	switch kind := value.Kind(); kind {
	case "", "a time", "a text":
	default:
		r.report.Errorf(r.deadline.Place(), "type-mismatch", "deadline of wait is %s, not a time", kind).
			Suggest("name a field with a time or a date, such as data.renewalDeadline")
	}
}

// readWaitSteps reads the list of steps, or the single step written in the wait itself.
func (r *timing) readWaitSteps(fields *document.Fields, node *document.Node) {
	after, before, steps := fields.Take("after"), fields.Take("before"), fields.Take("steps")
	fields.Take("at")
	switch {
	case steps != nil && (after != nil || before != nil):
		r.report.Errorf(steps.Place(), "wrong-type",
			"wait has steps, so it must have no after and no before of its own").
			Suggest("move it into a step: steps: [{after: 48h}, {after: 7d}]")
	case steps != nil && (!steps.IsList() || len(steps.Items()) == 0):
		r.report.Errorf(steps.Place(), "wrong-type", "steps of wait must be a list, not %s", steps.Describe()).
			Suggest("write steps: [{after: 7d}, {after: 14d}]")
	case steps != nil:
		r.readStepList(steps)
	case after != nil || before != nil:
		step, _ := r.readWaitStep(fields)
		r.t.Wait.Steps = []state.Step{step}
	case r.deadline != nil:
		r.report.Errorf(node.Place(), "missing-key", "wait has a deadline, and no before and no steps").
			Suggest("write before: 7d, or steps: [{before: 30d}, {before: 7d}]")
	default:
		r.report.Errorf(node.Place(), "missing-key", "wait has no after and no steps").
			Suggest("write after: 48h, or steps: [{after: 7d}, {after: 14d}]")
	}
}

func (r *timing) readStepList(steps *document.Node) {
	var dos [][]engine.Step
	with := 0
	for i, item := range steps.Items() {
		fields, ok := r.block(item, "the step of wait")
		if !ok {
			continue
		}
		step, ok := r.readWaitStep(fields)
		var do []engine.Step
		if node := fields.Take("do"); node != nil {
			do = r.readDo(node, r.sendScope())
			with++
		}
		fields.Done()
		if list := r.t.Wait.Steps; ok && i > 0 && len(list) == i {
			r.checkStepOrder(item, list[i-1], step)
		}
		r.t.Wait.Steps = append(r.t.Wait.Steps, step)
		dos = append(dos, do)
	}
	switch {
	case with == len(dos):
		r.t.WaitSteps = dos
	case with > 0:
		r.t.WaitSteps = dos
		r.report.Errorf(steps.Place(), "two-dos", "some steps of wait have a do, others have none").
			Suggest("give each step a do:, or write one do: for the rule")
	}
}

// checkStepOrder reports a step that is not due after the previous one. Whether a step
// with before is due after one with after depends on the deadline of each event, so that
// no order of such steps is right.
func (r *timing) checkStepOrder(item *document.Node, previous, step state.Step) {
	switch {
	case previous.Before != step.Before:
		r.report.LaterErrorf(item.Place(), "steps-order",
			"the steps of one wait count from the start or back from the deadline, not both: "+
				"which of them is due first depends on the deadline").
			Suggest("write two rules, one whose steps have after and one whose steps have before")
	case !ascending(previous, step):
		r.report.Errorf(item.Place(), "steps-order",
			"the steps of wait must be in the order in which they are due").
			Suggest("sort them, the earliest first")
	}
}

// ascending reports whether the second of two steps of one kind is due after the first.
func ascending(first, second state.Step) bool {
	if first.Before {
		return first.Offset > second.Offset || first.Offset == second.Offset && earlier(first.At, second.At)
	}
	return first.Offset < second.Offset || first.Offset == second.Offset && earlier(first.At, second.At)
}

func earlier(a, b *state.ClockTime) bool {
	return a != nil && b != nil && (a.Hour < b.Hour || a.Hour == b.Hour && a.Minute < b.Minute)
}

// readWaitStep reads after or before, and at.
func (r *timing) readWaitStep(fields *document.Fields) (step state.Step, ok bool) {
	after, before := fields.Take("after"), fields.Take("before")
	var place *document.Node
	switch {
	case after != nil && before != nil:
		r.report.Errorf(before.Place(), "wrong-type", "a step has after or before, not both").
			Suggest("write two steps")
		return step, false
	case after != nil:
		place = after
		step.Offset, ok = fields.Duration("after")
	case before != nil:
		place, step.Before = before, true
		step.Offset, ok = fields.Duration("before")
		if r.deadline == nil {
			r.report.Errorf(before.Place(), "before-without-deadline",
				"before counts back from a deadline, and wait has none").
				Suggest("write deadline: data.renewalDeadline in wait, or after: for a time after the start")
		}
	default:
		r.report.Errorf(fields.Node().Place(), "missing-key", "a step of wait has no after and no before").
			Suggest("write after: 7d")
		return step, false
	}
	at := fields.Take("at")
	if at == nil {
		return step, ok
	}
	r.needZone(at)
	clock := r.clockTime(at)
	r.checkGap(at, clock)
	step.At = &clock
	if ok && step.Offset%(24*time.Hour) != 0 {
		r.report.Errorf(place.Place(), "wrong-type",
			"beside at, calendar days are counted, and %s is not a number of days", place.Text()).
			Suggest("write a number of days, such as 2d, or leave at out")
	}
	return step, ok
}

// readUnless reads one event that cancels the wait, or a list of them.
func (r *timing) readUnless(node, per *document.Node) {
	for _, item := range node.Each() {
		if item.IsScalar() {
			r.report.Errorf(item.Place(), "wrong-type", "unless must be an event, not %s", item.Describe()).
				Suggest("write unless: {on: %s}, and when: beside on: if not every one of them cancels",
					r.meantOn(item))
			continue
		}
		fields, ok := r.block(item, "unless")
		if !ok {
			continue
		}
		u := engine.Unless{On: r.readOn(fields.Require("on", "write on: and the event type that cancels the wait"))}
		if len(u.On) == 0 {
			fields.Take("when")
			fields.Done()
			continue
		}
		scope := r.build.scope(u.On)
		when := fields.Take("when")
		u.When = r.readWhen(when, scope)
		if per != nil && !r.report.Failed() {
			u.Per = r.keyOf(per, scope, u.On)
		}
		fields.Done()
		r.checkSelfCancel(item, u, when)
		r.t.Unless = append(r.t.Unless, u)
	}
}

// meantOn returns the event type that was probably meant by a text in place of an event.
func (r *timing) meantOn(node *document.Node) string {
	if r.catalog.Lookup(node.Text()) != nil {
		return node.Text()
	}
	return cmp.Or(suggest.Closest(node.Text(), r.catalog.Names()), "course.completed")
}

// keyOf compiles per for the events that cancel the wait. They must have the same key as
// the events that start it.
func (r *timing) keyOf(per *document.Node, scope *expression.Scope, on []string) (key engine.Key) {
	for _, item := range per.Each() {
		tree, problems := scope.Check(item.Text())
		if tree == nil {
			problem := r.report.Errorf(item.Place(), "per-of-unless",
				"%s has no value in %s, which is to cancel the wait", item.Text(), on[0])
			problem.Suggest("write a per whose fields both event types have, such as data.userId")
			if problems[0].Code != "unknown-field" {
				problem.Suggest("%s", problems[0].Message)
			}
			continue
		}
		key = append(key, tree.Value())
	}
	return key
}

// checkSelfCancel warns of an unless that matches every event which starts the wait.
func (r *timing) checkSelfCancel(node *document.Node, u engine.Unless, when *document.Node) {
	for _, name := range u.On {
		for _, start := range r.rule.On {
			same := when == nil || r.rule.Condition != nil && u.When != nil && r.rule.Condition.Text == u.When.Text
			if name == start && same {
				r.report.Warnf(node.Place(), "unless-start",
					"unless matches each %s that starts the wait, so the wait always ends at once", name).
					Suggest("write when: in unless, such as when: data.passed")
				return
			}
		}
	}
}
