package rulefile

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"heed/actions"
	"heed/engine"
	"heed/engine/document"
	"heed/engine/expression"
	"heed/engine/state"
)

// timing reads the keys of a rule that concern time and state. An alert passes through
// them in this order: on/when → count | wait → digest → mute → quiet_hours → throttle →
// do.
type timing struct {
	*build
	rule   *engine.Rule
	scope  *expression.Scope // scope of the rule's events
	fields *document.Fields
	t      *engine.Timing
	zone   *time.Location
	// calendar is the first key found that needs a time zone.
	calendar *document.Node
	deadline *document.Node
}

// readTiming reads the keys of a rule that concern time and state, and its steps.
func (b *build) readTiming(fields *document.Fields, rule *engine.Rule, scope *expression.Scope) {
	r := &timing{build: b, rule: rule, scope: scope, fields: fields, t: &engine.Timing{}, zone: b.zone}
	r.readZone()
	r.readMode()
	rule.Was, _ = fields.Text("was")
	count, wait, digest := fields.Take("count"), fields.Take("wait"), fields.Take("digest")
	quiet, throttle := fields.Take("quiet_hours"), fields.Take("throttle")
	if count != nil && wait != nil {
		b.report.Errorf(wait.Place(), "count-with-wait", "a rule has count or wait, not both").
			Suggest("write two rules")
		wait = nil
	}
	if throttle != nil && digest != nil {
		b.report.Errorf(throttle.Place(), "throttle-with-digest",
			"a digest sends one message each period, so it needs no throttle").
			Suggest("leave throttle out")
		throttle = nil
	}
	if count != nil {
		r.readCount(count)
	}
	if wait != nil {
		r.readWait(wait)
	}
	if digest != nil {
		r.readDigest(digest)
	}
	if quiet != nil {
		r.readQuiet(quiet)
	}
	if throttle != nil {
		r.readThrottle(throttle)
	}
	r.readSteps()
	r.checkZone()
	r.checkDigestHours(digest)
	if count == nil && wait == nil && digest == nil && quiet == nil && throttle == nil {
		return
	}
	if r.zone == nil {
		r.zone = time.UTC
	}
	r.t.Settings.Rule, r.t.Settings.Location, r.t.Settings.Shadow = rule.Name, r.zone, rule.Shadow
	rule.Time = r.t
}

func (r *timing) readMode() {
	node := r.fields.Take("mode")
	if node == nil {
		return
	}
	r.rule.ModeLine = node.Place().Line
	switch node.Text() {
	case engine.ModeLive:
	case engine.ModeShadow:
		r.rule.Shadow = true
	default:
		r.report.Errorf(node.Place(), "wrong-type", "mode of the rule must be live or shadow, not %s", node.Describe()).
			Suggest("write mode: shadow to try the rule without sending anything")
	}
}

// readSteps reads do, in the scope that the rule has when it sends.
func (r *timing) readSteps() {
	needed := r.t.WaitSteps == nil
	var do *document.Node
	if needed {
		do = r.fields.Require("do", "write do: and below it a list of actions, such as - action: coaching")
	} else if do = r.fields.Take("do"); do != nil {
		r.report.Errorf(do.Place(), "two-dos",
			"the steps of the wait have do: of their own, so the rule must have none").
			Suggest("leave do: out, here or in each step")
	}
	if do != nil || needed {
		r.rule.Steps = r.readDo(do, r.sendScope())
	}
}

// sendScope returns the scope of the steps that send.
func (r *timing) sendScope() *expression.Scope {
	if r.t.Digest != nil {
		return r.at(expression.AtSummary)
	}
	return r.firingScope()
}

// firingScope returns the scope of expressions when the rule fires. With a count or a
// wait, they see more than the event.
func (r *timing) firingScope() *expression.Scope {
	switch {
	case r.t.Count != nil:
		return r.at(expression.AtCount)
	case r.t.Wait != nil:
		return r.at(expression.AtWait)
	default:
		return r.scope
	}
}

// at returns the rule's scope at a moment.
func (r *timing) at(m expression.Moment) *expression.Scope { return r.moment(r.rule.On, m) }

// key reads per, distinct or one_per: an expression or a list of them.
func (b *build) key(node *document.Node, scope *expression.Scope, what string) engine.Key {
	items := node.Each()
	var key engine.Key
	for _, item := range items {
		if value := b.value(item, scope, what); value != nil {
			key = append(key, value)
		}
	}
	if len(items) == 0 {
		b.report.Errorf(node.Place(), "wrong-type", "%s is an empty list", what).
			Suggest("write %s: data.userId, or leave it out", what)
	}
	return key
}

// value reads an expression written without braces.
func (b *build) value(node *document.Node, scope *expression.Scope, what string) *expression.Value {
	if !node.IsScalar() || node.IsNull() {
		b.report.Errorf(node.Place(), "wrong-type", "%s must be an expression, not %s", what, node.Describe()).
			Suggest("write %s: data.userId", what)
		return nil
	}
	return actions.CompileValue(b.report, node, scope)
}

// per reads the per of a block. The returned text identifies what the keys of stored rows
// mean: if it changes, the rows are discarded.
func (b *build) per(fields *document.Fields, scope *expression.Scope) (key engine.Key, text string) {
	node := fields.Take("per")
	if node == nil {
		return nil, ""
	}
	key = b.key(node, scope, "per")
	var texts []string
	for _, part := range key {
		texts = append(texts, part.Text)
	}
	return key, strings.Join(texts, "\n")
}

// blockExamples shows how each block is written.
var blockExamples = map[string]string{
	"count":            "count: {at_least: 3, within: 7d, per: data.userId}",
	"wait":             "wait: {after: 48h, per: data.userId}",
	"digest":           "digest: {every: Monday, at: \"09:00\"}",
	"quiet_hours":      "quiet_hours: {use: office}",
	"throttle":         "throttle: {per: data.userId, at_most: 1, every: day}",
	"unless":           "unless: {on: course.completed}",
	"the step of wait": "steps: [{after: 7d}, {after: 14d}]",
	"mute":             "mute: {for: 2h, key: u1}",
}

// block reads the object of a block. ok is false if the node is not an object.
func (b *build) block(node *document.Node, what string) (fields *document.Fields, ok bool) {
	if node.IsObject() {
		return node.Fields(b.report, what), true
	}
	b.report.Errorf(node.Place(), "wrong-type", "%s must be an object of keys and values, not %s", what,
		node.Describe()).
		Suggest("write %s", blockExamples[what])
	return nil, false
}

// moment returns the scope, at a moment, of rules for the given event types.
func (b *build) moment(on []string, m expression.Moment) *expression.Scope {
	base := b.scope(on)
	key := scopeKey{base, m}
	if b.moments[key] == nil {
		b.moments[key] = base.At(m)
	}
	return b.moments[key]
}

// scopeKey identifies a scope at a moment.
type scopeKey struct {
	*expression.Scope
	moment expression.Moment
}

// queries returns the lookups of all expressions compiled since the last call, in any
// scope. clock reports whether one of them uses the time.
func (b *build) queries() (all []expression.Query, clock bool) {
	for s := range b.allScopes() {
		for _, q := range s.TakeQueries() {
			if !slices.Contains(all, q) {
				all = append(all, q)
			}
		}
		now, _ := s.TakeClockUse()
		clock = clock || now
	}
	slices.SortFunc(all, func(a, b expression.Query) int {
		return cmp.Or(cmp.Compare(a.About, b.About), cmp.Compare(a.Of, b.Of), cmp.Compare(a.Key, b.Key))
	})
	return all, clock
}

// allScopes yields every scope in which expressions were compiled.
func (b *build) allScopes() iter.Seq[*expression.Scope] {
	return func(yield func(*expression.Scope) bool) {
		for _, s := range b.scopes {
			if !yield(s) {
				return
			}
		}
		for _, s := range b.moments {
			if !yield(s) {
				return
			}
		}
	}
}

// readCount reads count.
func (r *timing) readCount(node *document.Node) {
	c := &state.Count{}
	r.t.Count = c
	fields, ok := r.block(node, "count")
	if !ok {
		return
	}
	if at := fields.Require("at_least", "write at_least: 3"); at != nil {
		c.AtLeast, _ = fields.Int("at_least", 1, maxAtLeast)
	}
	c.Within, _ = fields.Duration("within")
	r.t.Per, c.Per = r.per(fields, r.scope)
	if distinct := fields.Take("distinct"); distinct != nil {
		r.t.Distinct, c.Distinct = r.key(distinct, r.scope, "distinct"), true
	}
	if reset := fields.Take("reset"); reset != nil {
		r.t.Reset = r.readCondition(reset, r.scope, "reset")
	}
	if c.Within == 0 && r.t.Reset == nil && fields.Node().Get("within") == nil {
		r.report.Errorf(node.Place(), "endless-count",
			"count has neither within nor reset, so it would never start over").
			Suggest("write within: 7d, or reset: and the condition that starts the count over")
	}
	fields.Done()
}

// maxAtLeast is the largest number of events a count can require.
const maxAtLeast = 100

// readDigest reads digest.
func (r *timing) readDigest(node *document.Node) {
	d := &state.Digest{}
	fields, ok := r.block(node, "digest")
	if !ok {
		r.t.Digest = d
		return
	}
	if every := fields.Require("every", "write every: Monday, and at: \"09:00\""); every != nil {
		d.Every = r.period(every, digestPeriods)
		r.needZone(every)
	}
	if at := fields.Take("at"); at != nil {
		d.At = r.clockTime(at)
		r.checkGap(at, d.At)
		if d.Every == state.Hour {
			r.report.Errorf(at.Place(), "wrong-type",
				"a digest with every: hour is sent at the full hour, so at has no meaning").
				Suggest("leave at out")
		}
	}
	scope := r.firingScope()
	per, text := r.per(fields, scope)
	d.Per = text
	if r.t.Count != nil || r.t.Wait != nil {
		r.t.DigestPer = per
	} else {
		r.t.Per = per
	}
	if one := fields.Take("one_per"); one != nil {
		r.t.OnePer, d.OnePer = r.key(one, scope, "one_per"), true
	}
	fields.Done()
	r.t.Digest = d
}

// readThrottle reads throttle.
func (r *timing) readThrottle(node *document.Node) {
	t := &state.Throttle{}
	r.t.Throttle = t
	fields, ok := r.block(node, "throttle")
	if !ok {
		return
	}
	if at := fields.Require("at_most", "write at_most: 1"); at != nil {
		t.AtMost, _ = fields.Int("at_most", 1, maxAtMost)
	}
	within, every := fields.Take("within"), fields.Take("every")
	switch {
	case within != nil && every != nil:
		r.report.Errorf(every.Place(), "within-with-every",
			"throttle has both within, a rolling window, and every, a period of the calendar").
			Suggest("leave one of the two out")
	case within != nil && within.Text() == "forever":
	case within != nil:
		t.Within, _ = fields.Duration("within")
		if within.Text() == "1d" {
			r.report.Warnf(within.Place(), "rolling-day",
				"within: 1d is a rolling window: it ends 24 hours after the first alert").
				Suggest("write every: day if a new day begins at midnight; or within: 24h if the window is meant")
		}
	case every != nil:
		t.Every = r.period(every, throttlePeriods)
		r.needZone(every)
	default:
		r.report.Errorf(node.Place(), "missing-key", "throttle has no within and no every").
			Suggest("write every: day, or within: 10m for a rolling window")
	}
	scope := r.firingScope()
	r.t.ThrottlePer, t.Per = r.per(fields, scope)
	if rest := fields.Take("rest"); rest != nil {
		t.Rest = true
		r.t.Rest = r.readDo(rest, r.at(expression.AtSummary))
		if within != nil && within.Text() == "forever" {
			r.report.Errorf(rest.Place(), "rest-forever",
				"with within: forever the window never ends, so rest is never sent").
				Suggest("leave rest out, or write a window such as within: 7d")
		}
	}
	fields.Done()
}

// maxAtMost is the largest limit of a throttle.
const maxAtMost = 1000
