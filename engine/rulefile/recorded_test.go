package rulefile_test

import (
	"testing"

	"heed/engine/document"
	"heed/engine/rulefile"
)

// Rules that were recorded by an earlier version explain old events, whatever
// this version thinks of them.
func TestCompile_takesRecordedRulesThatEarlierVersionsAccepted(t *testing.T) {
	rule := func(on, when, text string) string {
		return console + "rules:\n  - name: r\n    on: " + on + "\n    when: " + when + "\n    do:\n      - action: console\n        text: " + text + "\n"
	}
	for code, text := range map[string]string{
		"comment-over-lines": rule("quiz.submitted", ">\n      data.score < 70 // low\n      and data.passed", "hi"),
		"foreign-template":   rule("quiz.submitted", "data.passed", `"{% if data.score %}x{% endif %}"`),
		"unknown-event":      rule("schedule", "data.passed", "hi"),
		"steps-order": console + "rules:\n- {name: r, on: certification.expired, do: [{action: console, text: hi}],\n" +
			"   wait: {deadline: data.renewalDeadline, steps: [{before: 7d}, {after: 1d}]}}\n",
	} {
		files := []rulefile.File{{Name: "r.yaml", Text: []byte(text)}}
		loaded, problems := compiler().Compile(rulefile.NewSnapshot(files))
		if loaded != nil || len(problems) != 1 || problems[0].Code != code || problems[0].Severity != document.Error {
			t.Errorf("%s: %v", code, lines(problems))
		}
		loaded, problems = compiler().Compile(rulefile.RecordedSnapshot(files, "hash"))
		if loaded == nil || len(loaded.Rules.Rules()) != 1 || len(problems) != 1 || problems[0].Severity != document.Warning {
			t.Errorf("%s, recorded: %v", code, lines(problems))
		}
	}
}

// A function's name that stands alone is an error now; where it was recorded, it
// goes on to be a missing value.
func TestCompile_takesRecordedRulesWithAFunctionThatIsNotCalled(t *testing.T) {
	files := []rulefile.File{{Name: "r.yaml", Text: []byte(console + `rules:
  - {name: r, on: quiz.submitted, do: [{action: console, text: "{{ count }} low scores"}]}
`)}}
	loaded, problems := compiler().Compile(rulefile.NewSnapshot(files))
	if loaded != nil || len(problems) != 1 || problems[0].Code != "unknown-name" {
		t.Errorf("%v", lines(problems))
	}
	if loaded, problems = compiler().Compile(rulefile.RecordedSnapshot(files, "hash")); loaded == nil {
		t.Errorf("recorded: %v", lines(problems))
	}
}
