package document

import (
	"strings"
	"testing"
	"time"
)

// TestParse_takesLittleTimeHoweverWrongAFileIs is row 4 of the attacks. Each of
// these took many seconds, the third more than a minute.
func TestParse_takesLittleTimeHoweverWrongAFileIs(t *testing.T) {
	for name, text := range map[string]string{
		"tabs":          "rules:\n" + strings.Repeat("\tx\n", 64_000),
		"tabs in texts": "rules: |\n" + strings.Repeat("  x\n\tx\n", 60_000),
		"no YAML":       "rules:\n" + strings.Repeat("- \t: {\n", 100_000),
		"no end":        "rules: {\n" + strings.Repeat("  a: b\n", 100_000),
	} {
		began, report := time.Now(), new(Report)
		Parse("rules.yaml", []byte(text), report)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
		if !report.Failed() || len(report.Problems()) > maxProblems+1 {
			t.Errorf("%s: %d problems", name, len(report.Problems()))
		}
	}
}

func TestReport_boundsItsProblemsAndCountsTheRest(t *testing.T) {
	r := new(Report)
	for range maxProblems + 17 {
		r.Warnf(Place{}, "tab", "a tab")
	}
	problems := r.Problems()
	last := problems[len(problems)-1]
	if len(problems) != maxProblems+1 || last.Message != "there are 17 problems more" || last.Severity != Warning || r.Failed() {
		t.Errorf("%d problems, the last %+v", len(problems), last)
	}
	if r.Errorf(Place{}, "tab", "a tab").Suggest("mend it"); !r.Failed() || r.Problems()[maxProblems].Severity != Error {
		t.Error("an error beyond the bound is lost")
	}
}

// TestProblem_showsWhatWouldSteerATerminal is row 12 of the attacks.
func TestProblem_showsWhatWouldSteerATerminal(t *testing.T) {
	file := NewFile("rules.yaml", []byte("a: \x1b[2J\u202eb\u0085c\n"))
	r := new(Report)
	r.Errorf(Place{File: file, Line: 1, Col: 4}, "unknown-key", "no key %s", "x\x1b]0;y\a\u202e").Suggest("write %s", "\u009b31m")
	var out strings.Builder
	p := r.Problems()[0]
	p.Print(&out, Paint{})
	if text := out.String() + p.Message + p.Hint; strings.ContainsAny(text, "\x1b\a\u202e\u0085\u009b") {
		t.Errorf("%q", text)
	}
}
