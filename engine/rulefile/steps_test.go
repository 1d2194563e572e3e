package rulefile_test

import (
	"fmt"
	"strings"
	"testing"

	"heed/engine"
	"heed/engine/rulefile"
)

// stepsOf are rule files with rules of many steps for a type.
func stepsOf(rules, steps int) rulefile.Snapshot {
	step := strings.Repeat("{action: c, text: x}, ", steps)
	files := []rulefile.File{{Name: "a.yaml", Text: []byte("actions: {c: {log: {}}}\nrules: []\n")}}
	for i := range rules {
		text := fmt.Sprintf("rules:\n  - {name: r%d, on: [quiz.submitted, course.completed], do: [%s]}\n", i,
			strings.TrimSuffix(step, ", "))
		files = append(files, rulefile.File{Name: fmt.Sprintf("r%d.yaml", i), Text: []byte(text)})
	}
	return rulefile.NewSnapshot(files)
}

// What an event could lead to is bounded when rules are loaded, not when the
// event comes.
func TestCompile_refusesTooManyStepsForAType(t *testing.T) {
	if loaded, problems := compiler().Compile(stepsOf(4, engine.MaxSteps/4)); loaded == nil {
		t.Errorf("as many as may be: %v", lines(problems))
	}
	loaded, problems := compiler().Compile(stepsOf(6, engine.MaxSteps/5))
	if loaded != nil || len(problems) != 2 {
		t.Fatalf("too many: %v", lines(problems))
	}
	for i, eventType := range []string{"quiz.submitted", "course.completed"} {
		p := problems[i]
		if p.Code != "too-many-steps" || p.File != "r5.yaml" || p.Line != 2 || !strings.Contains(p.Message, eventType) || p.Hint == "" {
			t.Errorf("%+v", p)
		}
	}
}
