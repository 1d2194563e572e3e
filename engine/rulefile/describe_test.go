package rulefile

import (
	"slices"
	"strings"
	"testing"

	"heed/actions"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/schema"
	"heed/engine/source"
)

// full has every object that Compile reads itself.
const full = `
events: {deal.won: {}}
actions: {console: {none: {}}}
rules:
  - name: a
    on: quiz.submitted
    do: [{action: console}]
    tests: [{name: b, given: {}, expect: {outcome: matched}}]
`

func TestWhatIsDescribedIsWhatIsRead(t *testing.T) {
	c := &Compiler{Catalog: event.Standard(), Actions: actions.Reader{Registry: actions.NewRegistry(none{})}}
	read := map[string][]string{}
	report := &source.Report{Seen: func(f *source.Fields) { read[f.What()] = f.Known() }}
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
		if !strings.HasPrefix(what, "the none action") {
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
