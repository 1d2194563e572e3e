package main

import (
	"fmt"
	"strings"
	"testing"

	"heed/engine/expression"
)

const knowingRules = `
actions:
  console: {log: {}}
rules:
  - name: welcome
    on: user.provisioned
    when: user.email == data.email and user.active
    do: [{action: console, text: "welcome {{ user.email }}"}]
  - name: reps-only
    on: quiz.submitted
    when: data.score < 70 and user.role == "Account Executive" and user.active
    do: [{action: console, text: "{{ user.email }} of {{ user.teamId }} scored {{ data.score }}"}]
  - name: nearly-there
    on: module.progress
    when: progress(data.userId, data.moduleId) >= 80 and rank(data.userId, "progress") == 1
    do: [{action: console, text: "{{ progress(data.userId, data.moduleId) }} %"}]
`

func TestServe_rulesKnowTheUserOfTheEvent(t *testing.T) {
	s := startServer(t, knowingRules, held)
	post := func(id, body string) (outcome, reason, text string) {
		t.Helper()
		if got := s.post(id, body); got.status != 200 {
			t.Fatalf("%s: %+v", id, got)
		}
		e := s.event(id)
		if len(e.Decisions) != 1 {
			t.Fatalf("%s: %+v", id, e.Decisions)
		}
		if len(e.Deliveries) == 1 {
			text = string(e.Deliveries[0].Request)
		}
		return string(e.Decisions[0].Outcome), e.Decisions[0].Reason, text
	}
	const quiz = `{"event":"quiz.submitted","data":{"userId":"u1","score":61,"n":%d}}`
	if outcome, reason, _ := post("q1", fmt.Sprintf(quiz, 1)); outcome != "unknown" || reason != `nothing is known of the user "u1"` {
		t.Errorf("before anything is known: %s, %s", outcome, reason)
	}
	if outcome, reason, _ := post("p1", `{"event":"user.provisioned","data":{"userId":"u1","email":"u1@example.com","role":"Account Executive","teamId":"emea"}}`); outcome != "matched" {
		t.Errorf("the event that tells it: %s, %s", outcome, reason)
	}
	if outcome, reason, text := post("q2", fmt.Sprintf(quiz, 2)); outcome != "matched" || text != `{"text":"u1@example.com of emea scored 61","level":"info"}` {
		t.Errorf("a rep: %s, %s, %s", outcome, reason, text)
	}
	s.post("d1", `{"event":"user.deprovisioned","data":{"userId":"u1"}}`)
	if outcome, _, _ := post("q3", fmt.Sprintf(quiz, 3)); outcome != "not_matched" {
		t.Errorf("somebody who left: %s", outcome)
	}
	if outcome, _, text := post("m1", `{"event":"module.progress","data":{"userId":"u2","moduleId":"m1","progressPct":80}}`); outcome != "matched" || text != `{"text":"80 %","level":"info"}` {
		t.Errorf("progress counts with the event: %s, %s", outcome, text)
	}
	if outcome, _, text := post("m2", `{"event":"module.progress","data":{"userId":"u2","moduleId":"m1","progressPct":30}}`); outcome != "matched" || text != `{"text":"80 %","level":"info"}` {
		t.Errorf("progress goes back: %s, %s", outcome, text)
	}
	// What was decided is explained by what was known then.
	explained := s.event("q2").Decisions[0].Explain
	if explained.Result != expression.True || explained.Clauses[2].Values["user.active"] != true {
		t.Errorf("the decision on the rep is explained as %+v", explained.Clauses[2])
	}
	if e := s.event("q1"); e.Decisions[0].Explain.Result != expression.Undecided {
		t.Errorf("what was not known then is known now: %+v", e.Decisions[0].Explain)
	}
	s.post("q4", `{"event":"quiz.submitted","data":{"userId":"u1","score":90}}`)
	if e := s.event("q4").Decisions[0]; e.Outcome != "not_matched" || e.Explain.Clauses[1].Result != expression.Undecided || !strings.HasPrefix(e.Explain.Clauses[1].Reason, "the decision did not need it") {
		t.Errorf("what the decision did not depend on is explained as %+v", e.Explain.Clauses)
	}
}
