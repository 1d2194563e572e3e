package main

import (
	"fmt"
	"strings"
)

// The paths of the two sources that are measured.
const (
	publishedPath = "/webhooks/mindtickle"
	mappedPath    = "/webhooks/mapped"
)

// mappedSource makes of the same bodies the same events, by expressions.
const mappedSource = `sources:
  mindtickle: {}
  mapped:
    path: /webhooks/mapped
    verify: mindtickle
    event: body.event
    id: body.data.attemptId
    company: body.companyId
    data:
      userId: body.data.userId
      quizName: body.data.quizName
      quizId: body.data.quizId
      quizType: body.data.quizType
      score: body.data.score
      maxScore: body.data.maxScore
      passed: body.data.passed
`

// twentyRules listen to the event that is sent; each compares something, a few
// match and leave a delivery.
func twentyRules() string {
	var b strings.Builder
	b.WriteString("actions: {console: {log: {}}}\nrules:\n")
	for i := range 20 {
		when := fmt.Sprintf(`data.quizId == "q%d" and data.score < 70`, i)
		fmt.Fprintf(&b, "  - {name: rule-%d, on: quiz.submitted, when: '%s',"+
			" do: [{action: console, text: \"{{ data.userId }} scored {{ data.score }}\"}]}\n", i, when)
	}
	return b.String()
}

// stateful are blocks of rules that keep state.
var stateful = map[string]string{
	"throttle": "throttle: {per: data.userId, at_most: 1, within: 1s}",
	"count":    "count: {at_least: 3, within: 1h, per: data.userId}",
	"rare":     "count: {at_least: 50, within: 1h, per: data.userId}",
}

// moreRules returns the given number of rules that match each event, with a block of
// stateful if it is named.
func moreRules(n int, state string) string {
	block := ""
	if state != "" {
		block = ", " + stateful[state]
	}
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  - {name: more-%d, on: quiz.submitted, do: [{action: console, text: hi}]%s}\n", i, block)
	}
	return b.String()
}
