package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/internal/admin"
)

// Each rule has an answer for each event: those that listen to other types say
// so, in the API and where a person looks.
func TestEventsShow_saysWhichRulesAreForOtherTypes(t *testing.T) {
	s := startServer(t, `
actions: {console: {log: {}}}
rules:
  - {name: quiz, on: quiz.submitted, do: [{action: console, text: x}]}
  - {name: course, on: course.completed, do: [{action: console, text: x}]}
  - {name: leaver, on: [user.deprovisioned, user.provisioned], do: [{action: console, text: x}]}
`)
	s.post("e1", oneQuiz)
	e := s.event("e1")
	want := []admin.OtherRule{{Rule: "course", On: []string{"course.completed"}}, {Rule: "leaver", On: []string{"user.deprovisioned", "user.provisioned"}}}
	if diff := cmp.Diff(want, e.OtherRules); diff != "" || len(e.Decisions) != 1 || e.Decisions[0].Rule != "quiz" {
		t.Errorf("(-want +got)\n%s\n%+v", diff, e.Decisions)
	}
	var out strings.Builder
	printEvent(streams{out: &out, env: noEnv}, &e)
	if want := "  · leaver  listens to user.deprovisioned, user.provisioned, not to quiz.submitted\n"; !strings.Contains(out.String(), want) {
		t.Errorf("shown as\n%s", out.String())
	}
	s.post("e2", `{"event":"deal.won","companyId":"c1","data":{}}`)
	if e := s.event("e2"); len(e.Decisions) != 0 || len(e.OtherRules) != 3 {
		t.Errorf("nobody listens: %+v, %+v", e.Decisions, e.OtherRules)
	}
	s.post("e3", `{`)
	if e := s.event("e3"); len(e.OtherRules) != 0 {
		t.Errorf("quarantined: %+v", e.OtherRules)
	}
}
