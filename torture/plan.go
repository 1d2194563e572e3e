package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// plan is a rule file and what it asks for, worked out here and not by heed.
type plan struct {
	rules string // the file; a format that takes the addresses of the endpoints and of the mail server
	// expect gives the steps that an event leads to, each sorted: those of
	// every rule set that may have decided it.
	expect func(id string) [][]string
	// deadly are the steps whose deliveries are to end dead.
	deadly map[string]bool
	// concurrency is how many sends can be under way at once.
	concurrency int
	// flags are heed's beyond the usual ones.
	flags []string
	// timed says that the rules have to do with time: check asks checkTime then.
	timed bool
	// scenario is the generator's turn; nil for single events.
	scenario func(g *generator, ctx context.Context, n int64)
}

// step is a delivery's place in the rules.
func step(rule, action string) string { return rule + ">" + action }

const planActions = `actions:
  good:  {http: {url: "%[1]s/good",  allow_private: true, concurrency: 8}}
  slow:  {http: {url: "%[1]s/slow",  allow_private: true, concurrency: 8}}
  moody: {http: {url: "%[1]s/moody", allow_private: true, concurrency: 8, retry: {attempts: 30, min: 20ms, max: 500ms}}}
  gone:  {http: {url: "%[1]s/gone",  allow_private: true, concurrency: 4}}
  picky: {http: {url: "%[1]s/picky", allow_private: true, concurrency: 4, retry: {min: 20ms, max: 500ms}}}
  limited: {http: {url: "%[1]s/limited", allow_private: true, concurrency: 8, retry: {attempts: 300, min: 20ms, max: 500ms}}}
  mail:  {email: {smtp: "smtp://%[2]s", tls: none, from: heed@example.com, allow_private: true, concurrency: 4, retry: {min: 20ms, max: 500ms}}}
`

// usual is the plan of all runs but reload.
var usual = plan{
	rules: planActions + `rules:
  - {name: low,  on: quiz.submitted, when: data.score < 8, do: [{action: good, json: {user: "{{ data.userId }}"}}]}
  - name: top
    on: quiz.submitted
    when: data.score >= 98
    do:
      - {action: good, json: {user: "{{ data.userId }}"}}
      - {action: moody, json: {user: "{{ data.userId }}"}}
  - {name: finished, on: module.progress, when: data.progressPct == 100, do: [{action: slow, json: {user: "{{ data.userId }}"}}]}
  - {name: bad, on: quiz.submitted, when: data.score == 50, do: [{action: picky, path: /bad, json: 1}]}
  - {name: fair, on: quiz.submitted, when: data.score == 51, do: [{action: picky, path: /good, json: 1}]}
  - {name: many, on: quiz.submitted, when: "data.score in [60, 61]", do: [{action: limited, json: 1}]}
  - {name: letter, on: quiz.submitted, when: data.score == 70, do: [{action: mail, to: "{{ data.userId }}@example.com", subject: a, text: a}]}
  - {name: lapsed, on: certification.expired, when: data.certName == "Old", do: [{action: gone, json: {user: "{{ data.userId }}"}}]}
`,
	expect: func(id string) [][]string {
		e, steps := eventOf(id), []string{}
		switch {
		case e.kind == quiz && e.value < 8:
			steps = []string{"low>good"}
		case e.kind == quiz && e.value >= 98:
			steps = []string{"top>good", "top>moody"}
		case e.kind == quiz && e.value == 50:
			steps = []string{"bad>picky"}
		case e.kind == quiz && e.value == 51:
			steps = []string{"fair>picky"}
		case e.kind == quiz && (e.value == 60 || e.value == 61):
			steps = []string{"many>limited"}
		case e.kind == quiz && e.value == 70:
			steps = []string{"letter>mail"}
		case e.kind == progress && e.value == 100:
			steps = []string{"finished>slow"}
		case e.kind == lapse && e.value < 50:
			steps = []string{"lapsed>gone"}
		}
		return [][]string{steps}
	},
	deadly:      map[string]bool{"lapsed>gone": true, "bad>picky": true},
	concurrency: 44,
}

// flipping has two rule files, of which each event must have met one whole.
// The second has all rules of the first under other names, and one more.
var flipping = plan{
	rules: flippingRules("a", 3),
	expect: func(id string) [][]string {
		if e := eventOf(id); e.kind != quiz || e.value >= 8 {
			return [][]string{{}}
		}
		return [][]string{flippingSteps("a", 3), flippingSteps("b", 4)}
	},
	concurrency: 8,
}

func flippingRules(name string, rules int) string {
	var b strings.Builder
	b.WriteString(planActions + "rules:\n")
	for n := range rules {
		fmt.Fprintf(&b, "  - {name: %s-%d, on: quiz.submitted, when: data.score < 8, do: [{action: good, json: {user: "+
			"\"{{ data.userId }}\"}}]}\n", name, n)
	}
	return b.String()
}

func flippingSteps(name string, rules int) (steps []string) {
	for n := range rules {
		steps = append(steps, step(name+"-"+strconv.Itoa(n), "good"))
	}
	slices.Sort(steps)
	return steps
}
