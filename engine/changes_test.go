package engine_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
)

func TestChanges_namesWhatAnEditDid(t *testing.T) {
	scope := expression.NewScope([]*event.Type{event.Standard().Lookup("quiz.submitted")})
	rule := func(name, when, digest string) *engine.Rule {
		tree, problems := scope.CheckCondition(when)
		if tree == nil {
			t.Fatal(problems)
		}
		return &engine.Rule{Name: name, On: []string{"quiz.submitted"}, Condition: tree.Condition(), Digest: digest}
	}
	set := func(rules ...*engine.Rule) *engine.RuleSet {
		return engine.NewRuleSet("h", event.Standard(), nil, rules)
	}
	renamed := rule("new-name", "data.score < 70", "2")
	renamed.Was = "old-name"
	shadow := rule("shadowed", "data.score < 70", "2")
	shadow.Shadow = true
	old := set(rule("same", "data.score < 70", "1"), rule("stricter", "data.score < 70", "1"),
		rule("gone", "data.passed", "1"), rule("old-name", "data.score < 70", "1"), rule("shadowed", "data.score < 70", "1"))
	now := set(rule("same", "data.score < 70", "1"), rule("stricter", "data.score < 60", "2"),
		rule("new", "data.passed", "1"), renamed, shadow)
	want := []engine.Change{
		{Rule: "stricter", Change: "changed", What: []string{"condition"}},
		{Rule: "new", Change: "added"},
		{Rule: "new-name", Change: "changed", What: []string{"name"}},
		{Rule: "shadowed", Change: "changed", What: []string{"mode"}},
		{Rule: "gone", Change: "removed"},
	}
	if diff := cmp.Diff(want, engine.Changes(old, now)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What a rule remembers by is time, also where it is an expression.
func TestChanges_callsExpressionsOfStateTime(t *testing.T) {
	scope := expression.NewScope([]*event.Type{event.Standard().Lookup("quiz.submitted")})
	condition := func(text string) *expression.Condition {
		c, problems := scope.Condition(text)
		if c == nil {
			t.Fatal(problems)
		}
		return c
	}
	value := func(text string) *expression.Value {
		tree, problems := scope.Check(text)
		if tree == nil {
			t.Fatal(problems)
		}
		return tree.Value()
	}
	always := condition("data.score < 70")
	set := func(digest string, timing engine.Timing) *engine.RuleSet {
		return engine.NewRuleSet("h", event.Standard(), nil, []*engine.Rule{
			{Name: "r", On: []string{"quiz.submitted"}, Condition: always, Digest: digest, Time: &timing},
		})
	}
	want := []engine.Change{{Rule: "r", Change: "changed", What: []string{"time"}}}
	for name, timing := range map[string]engine.Timing{
		"reset": {Reset: condition("data.passed")}, "still": {Still: condition("data.passed")},
		"deadline": {Deadline: value("data.quizName")}, "distinct": {Distinct: engine.Key{value("data.quizId")}},
		"one_per": {OnePer: engine.Key{value("data.quizId")}},
		"unless":  {Unless: []engine.Unless{{On: []string{"quiz.submitted"}, When: always}}},
	} {
		if diff := cmp.Diff(want, engine.Changes(set("1", engine.Timing{}), set("2", timing))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	if got := engine.Changes(set("1", engine.Timing{}), set("2", engine.Timing{})); got[0].What[0] != "text" {
		t.Errorf("%+v", got)
	}
}
