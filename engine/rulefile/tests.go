package rulefile

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/suggest"
)

// A Test is a test written below a rule: what the rule must make of given events.
type Test struct {
	Rule *engine.Rule
	Name string
	// Place is where the test is written.
	Place document.Place
	// Given are the events.
	Given []Given
	// Now is what the rule sees as now; zero for the time of the test.
	Now time.Time
	// Outcomes are the expected outcomes: one for each event or, if there is only one,
	// the outcome of the last event. If empty, nothing is expected.
	Outcomes []engine.Outcome
	// Actions are parts of the expected actions, as returned by document.Node.Literals.
	// If nil, nothing is expected; if empty, no actions are expected.
	Actions []map[string]any
	// Alerts are parts of the alerts that are sent, each with its time under at; if nil,
	// nothing is expected. Effects are some of the effects, in order.
	Alerts  []map[string]any
	Effects []string
	// Timed reports whether the test is about time: it has alerts, effects, or entries
	// with a time.
	Timed bool
}

// A Given is an entry of a test: an event and other known facts, or only a time.
type Given struct {
	// Body is the event in the webhook's own format, or nil if the entry has no event.
	Body []byte
	// Source is the source of the event; empty for the published one.
	Source string
	// ID is the event's id; empty for e1, e2 and so on.
	ID string
	// user is the person whom the entry's facts are about: that of its event, or of the
	// previous one.
	user string
	// At is the event's own time; alternatively, After is how long it comes after the
	// previous one.
	At    time.Time
	After time.Duration
	// Arrives is how long after its own time the event arrives.
	Arrives time.Duration
	// Down is how long heed is stopped afterwards.
	Down time.Duration
	// Mute is how long a rule, or one key of it, is muted.
	Mute              time.Duration
	MuteRule, MuteKey string
	// Facts answer what the rule looks up beyond the event. Tables answer what Facts do
	// not.
	Facts expression.Recorded
}

// Time returns the entry's own time, given the time of the previous entry.
func (g *Given) Time(before time.Time) time.Time {
	if g.At.IsZero() {
		return before.Add(g.After)
	}
	return g.At
}

// timed reports whether the entry has a time, a delay, a stop or a mute besides its
// event.
func (g *Given) timed() bool {
	return g.Body == nil || !g.At.IsZero() || g.After+g.Arrives+g.Down+g.Mute > 0
}

// readTests reads the tests below a rule.
func (b *build) readTests(node *document.Node, rule *engine.Rule) {
	for _, item := range b.testList(node, "- name: a failing quiz is flagged") {
		b.readTest(item, item.Fields(b.report, "the test"), rule)
	}
}

// readTestFile reads a test file, in which each test names its rule.
func (b *build) readTestFile(node *document.Node) {
	known := slices.Sorted(maps.Keys(b.byName))
	for _, item := range b.testList(node, "- rule: low-quiz-score") {
		fields := item.Fields(b.report, "the test")
		name := fields.Require("rule", "write rule: and the name of the rule that is tested")
		if name == nil {
			continue
		}
		rule, ok := b.byName[name.Text()]
		if !ok {
			b.report.Errorf(name.Place(), "unknown-rule", "there is no rule called %s", name.Text()).
				Suggest("%s", suggest.DidYouMean(name.Text(), known))
			continue
		}
		b.readTest(item, fields, rule)
	}
}

func (b *build) testList(node *document.Node, example string) []*document.Node {
	if node == nil || node.IsNull() {
		return nil
	}
	if !node.IsList() {
		b.report.Errorf(node.Place(), "wrong-type", "tests must be a list, not %s", node.Describe()).
			Suggest("start each test with a dash: %s", example)
	}
	var tests []*document.Node
	for _, item := range node.Items() {
		if !item.IsObject() {
			b.report.Errorf(item.Place(), "wrong-type", "a test must be an object with name, given and expect, not %s",
				item.Describe())
			continue
		}
		tests = append(tests, item)
	}
	return tests
}

func (b *build) readTest(node *document.Node, fields *document.Fields, rule *engine.Rule) {
	test := Test{Rule: rule, Place: node.Place()}
	if fields.Require("name", "write name: and what the rule must do") != nil {
		test.Name, _ = fields.Text("name")
	}
	if given := fields.Require("given", "write given: {event: quiz.submitted, data: {userId: u1}}"); given != nil {
		for i, item := range given.Each() {
			user := ""
			if i > 0 {
				user = test.Given[i-1].user
			}
			entry := b.readGiven(item, rule, user)
			test.Timed = test.Timed || entry.timed()
			test.Given = append(test.Given, entry)
		}
	}
	if now := fields.Take("now"); now != nil {
		t, ok := event.ParseTime(now.Text())
		if !ok {
			b.report.Errorf(now.Place(), "wrong-type", "now of the test must be a time, not %s", now.Describe()).
				Suggest("write now: 2026-03-04T12:00:00Z, or a plain date")
		}
		test.Now = t
	} else if b.usesClock[rule] && !slices.ContainsFunc(test.Given, func(g Given) bool { return !g.At.IsZero() }) {
		b.report.Warnf(node.Place(), "test-without-now",
			"the rule depends on the time, and the test does not say what time it is").
			Suggest("write now: 2026-03-04T12:00:00Z in the test: without it, it passes on some days and fails on " +
				"others")
	}
	if expect := fields.Require("expect", "write expect: {outcome: matched}"); expect != nil {
		b.readExpect(expect, &test)
	}
	fields.Done()
	b.tests = append(b.tests, test)
}

// readGiven reads one event. Its companyId may be omitted, and its event type too if the
// rule listens to only one.
func (b *build) readGiven(node *document.Node, rule *engine.Rule, user string) Given {
	fields := node.Fields(b.report, "given")
	given, timed := b.readGivenTime(fields, rule)
	if timed && fields.Node().Get("data") == nil && fields.Node().Get("event") == nil {
		given.user, given.Facts = user, b.readGivenFacts(fields, user)
		fields.Done()
		return given
	}
	name, hasName := fields.Text("event")
	switch {
	case !hasName && len(rule.On) == 1:
		name = rule.On[0]
	case !hasName:
		b.report.Errorf(node.Place(), "missing-key", "given has no event").
			Suggest("write event: %s",
				strings.Join(rule.On[:min(3, len(rule.On))], " or event: "))
	case len(rule.On) > 0 && !slices.Contains(rule.Types(), name):
		b.report.Errorf(fields.Take("event").Place(), "test-event", "the rule does not listen to %s", name).
			Suggest("%s", suggest.DidYouMean(name, rule.Types()))
	}
	given.ID, _ = fields.Text("id")
	given.Source, _ = fields.Text("source")
	company, _ := fields.Text("companyId")
	data := map[string]any{}
	if node := fields.Take("data"); node != nil {
		b.checkGivenFields(node, name)
		b.checkGivenNumbers(node)
		if object, ok := node.Exact().(map[string]any); ok {
			data = object
		} else {
			b.report.Errorf(node.Place(), "wrong-type", "data of given must be an object, not %s", node.Describe())
		}
	}
	userID, _ := data["userId"].(string)
	given.user = userID
	facts := b.readGivenFacts(fields, userID)
	fields.Done()
	body, err := json.Marshal(map[string]any{"event": name, "companyId": company, "data": data})
	if err != nil {
		b.report.Errorf(node.Place(), "wrong-type", "given cannot be an event: %v", err)
	}
	given.Body, given.Facts = body, facts
	return given
}

// checkGivenFields warns of fields that are probably misspelt: a test that does not give
// the field the rule reads proves nothing.
func (b *build) checkGivenFields(node *document.Node, eventType string) {
	t := b.catalog.Lookup(eventType)
	if t == nil {
		return
	}
	var names []string
	for _, f := range t.Fields {
		names = append(names, f.Name)
	}
	for _, pair := range node.Pairs() {
		b.checkGivenValue(t, pair)
		if name := pair.Key.Text(); !slices.Contains(names, name) && suggest.Closest(name, names) != "" {
			b.report.Warnf(pair.Key.Place(), "unknown-field", "%s has no field %s", eventType, name).
				Suggest("%s", suggest.DidYouMean(name, names))
		}
	}
}

// checkGivenNumbers warns of unquoted values that are not numbers in JSON. A real event
// could not contain them.
func (b *build) checkGivenNumbers(node *document.Node) {
	for _, pair := range node.Pairs() {
		b.checkGivenNumbers(pair.Value)
	}
	for _, item := range node.Items() {
		b.checkGivenNumbers(item)
	}
	if as, ok := node.Rewritten(); ok && node.IsScalar() && !json.Valid([]byte(node.Text())) {
		b.report.Warnf(node.Place(), "unquoted-number", "without quotes %s is a number, and the event has %s",
			node.Text(), as).
			Suggest("write %q for the text, or %s for the number", node.Text(), as)
	}
}

// checkGivenValue finds values that YAML read as something other than was meant. Tests
// may give values of another kind than declared, to see what a rule makes of them, but
// this is a warning, in case it is an accident.
func (b *build) checkGivenValue(t *event.Type, pair document.Pair) {
	name, value := pair.Key.Text(), pair.Value.Scalar()
	if number := regexp.MustCompile(`^\d+%?$`).MatchString(name); number && pair.Value.IsNull() &&
		pair.Value.Text() == "" {
		b.report.Errorf(pair.Key.Place(), "wrong-type",
			"the comma in front of %s ends a value, so this is a field of its own", name).
			Suggest("a decimal has a point: 61.5")
		return
	}
	field, declared := t.Field(name)
	_, isText := value.(string)
	switch {
	case !declared || !isText || pair.Value.IsNull():
	case field.Kind == event.Number:
		b.report.Warnf(pair.Value.Place(), "suspicious", "%s is declared as a number, and this is the text %q", name,
			value).
			Suggest("write the number without quotes and signs: 61")
	case field.Kind == event.Bool:
		b.report.Warnf(pair.Value.Place(), "suspicious", "%s is declared as true or false, and this is the text %q",
			name, value).
			Suggest("write true or false")
	}
}

var outcomeNames = []string{
	string(engine.Matched), string(engine.NotMatched), string(engine.Unknown),
	string(engine.Errored),
}

func (b *build) readExpect(node *document.Node, test *Test) {
	fields := node.Fields(b.report, "expect")
	if outcome := fields.Take("outcome"); outcome != nil {
		items := []*document.Node{outcome}
		if outcome.IsList() {
			items = outcome.Items()
			if len(items) != len(test.Given) {
				b.report.Errorf(outcome.Place(), "test-outcome", "expect has %d outcomes for %d events", len(items),
					len(test.Given))
			}
		}
		for _, item := range items {
			if !slices.Contains(outcomeNames, item.Text()) {
				b.report.Errorf(item.Place(), "test-outcome", "an outcome cannot be %s", item.Describe()).
					Suggest("%s", suggest.DidYouMean(item.Text(), outcomeNames))
			}
			test.Outcomes = append(test.Outcomes, engine.Outcome(item.Text()))
		}
	}
	if actions := fields.Take("actions"); actions != nil {
		test.Actions = []map[string]any{}
		if !actions.IsList() {
			b.report.Errorf(actions.Place(), "wrong-type", "actions of expect must be a list, not %s",
				actions.Describe())
		}
		for _, item := range actions.Items() {
			b.readExpectedAction(item, test)
		}
	}
	b.readExpectedTime(fields, test)
	if len(fields.Pairs()) == 0 {
		b.report.Errorf(node.Place(), "missing-key", "expect expects nothing").
			Suggest("write expect: {outcome: matched}")
	}
	fields.Done()
}

func (b *build) readExpectedAction(node *document.Node, test *Test) {
	if part, ok := b.readExpected(node, test); ok {
		test.Actions = append(test.Actions, part)
	}
}

// readExpected reads the parts of an action that a test expects.
func (b *build) readExpected(node *document.Node, test *Test) (part map[string]any, ok bool) {
	part, ok = node.Literals().(map[string]any)
	if !ok {
		b.report.Errorf(node.Place(), "wrong-type", "an expected action must be an object, not %s", node.Describe())
		return nil, false
	}
	if name := node.Get("action"); name != nil {
		used := test.Rule.ActionNames()
		if !slices.Contains(used, name.Text()) {
			b.report.Errorf(name.Place(), "test-action", "the rule has no action %s", name.Text()).
				Suggest("%s", suggest.DidYouMean(name.Text(), used))
		}
	}
	return part, true
}
