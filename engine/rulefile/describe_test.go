package rulefile

import (
	"slices"
	"strings"
	"testing"

	"heed/actions"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/schema"
)

// full has every object that Compile reads itself.
const full = `
events: {deal.won: {}}
actions: {console: {none: {}}}
timezone: UTC
quiet_hours: {night: [{from: "20:00", to: "08:00"}]}
rules:
  - name: a
    on: quiz.submitted
    do: [{action: console}]
    count: {at_least: 2, within: 1h}
    quiet_hours: {use: night}
    throttle: {at_most: 1, every: day, rest: [{action: console}]}
    tests: [{name: b, given: {at: +1h, mute: {for: 1h}}, expect: {effects: []}}]
  - name: b
    on: quiz.submitted
    do: [{action: console}]
    wait: {deadline: "now + days(2)", unless: {on: course.completed}, steps: [{before: 1d}]}
    digest: {every: day}
    tests: [{name: b, given: {}, expect: {outcome: matched}}]
`

func TestWhatIsDescribedIsWhatIsRead(t *testing.T) {
	c := &Compiler{Catalog: event.Standard(), Actions: actions.Reader{Registry: actions.NewRegistry(none{})}}
	read := map[string][]string{}
	report := &document.Report{Seen: func(f *document.Fields) { read[f.What()] = f.Known() }}
	if loaded, problems := c.compile(NewSnapshot([]File{{"full.yaml", []byte(full)}}), report); loaded == nil {
		t.Fatalf("%v", problems)
	}
	file := c.Describe()
	rule := file.Properties.Get("rules").Items
	test := rule.Properties.Get("tests").Items
	for what, described := range map[string]*schema.Value{
		"the rule file":           file,
		"the event type deal.won": file.Properties.Get("events").AdditionalProperties.(*schema.Value),
		"the rule":                rule,
		"the test":                test,
		"given":                   test.Properties.Get("given"),
		"expect":                  test.Properties.Get("expect"),
		"count":                   rule.Properties.Get("count"),
		"wait":                    rule.Properties.Get("wait"),
		"the step of wait":        rule.Properties.Get("wait").Properties.Get("steps").Items,
		"unless":                  rule.Properties.Get("wait").Properties.Get("unless"),
		"digest":                  rule.Properties.Get("digest"),
		"throttle":                rule.Properties.Get("throttle"),
		"quiet_hours":             rule.Properties.Get("quiet_hours"),
		"the quiet hours":         file.Properties.Get("quiet_hours").AdditionalProperties.(*schema.Value),
	} {
		names, known := described.Properties.Names(), read[what]
		slices.Sort(names)
		slices.Sort(known)
		if !slices.Equal(names, known) {
			t.Errorf("%s: described are %v, read are %v", what, names, known)
		}
		delete(read, what)
	}
	for what := range read {
		if !strings.HasPrefix(what, "the none action") && what != "mute" {
			t.Errorf("nothing describes %s", what)
		}
	}
}

// none is a kind of action without any key.
type none struct{ actions.Action }

func (none) Name() string                             { return "none" }
func (none) Defaults() actions.Settings               { return actions.Settings{} }
func (none) Configure(*actions.Config) actions.Action { return none{} }
func (none) Step(*actions.Params) actions.Step        { return none{} }
func (none) Render(*expression.Env) (any, error)      { return nil, nil }
func (none) Describe() actions.Description {
	return actions.Description{Config: schema.Object(""), Params: schema.Object("")}
}

func TestTheExamplesOfConditionsAreConditions(t *testing.T) {
	scope := expression.NewScope(event.Standard().Types())
	for _, example := range whenExamples {
		if _, faults := scope.Condition(example); len(faults) > 0 {
			t.Errorf("%s: %v", example, faults)
		}
	}
}
