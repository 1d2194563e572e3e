package httpcall

import (
	"sync"
	"unicode/utf8"

	"heed/actions"
	"heed/engine/event"
	"heed/engine/expression"
)

// readExpectBody takes expect_body: a condition on status and body that a good
// answer fulfils.
func readExpectBody(p *actions.Params) string {
	node := p.Take("expect_body")
	if node == nil || !actions.CheckText(p.Fields, "expect_body", node) {
		return ""
	}
	_, faults := expression.AnswerScope().Condition(node.Text())
	actions.ReportFaults(p.Report(), node, faults)
	return node.Text()
}

// bodyConditions holds compiled expect_body conditions by their text. There are
// as many as rules have, and a recorded request has only the text.
var bodyConditions sync.Map

func bodyCondition(text string) *expression.Condition {
	if have, ok := bodyConditions.Load(text); ok {
		return have.(*expression.Condition)
	}
	condition, _ := expression.AnswerScope().Condition(text) // nil for a text that was never checked
	bodyConditions.Store(text, condition)
	return condition
}

// complain says how an answer falls short of an expect_body.
func complain(expected string, status int, body []byte) string {
	condition := bodyCondition(expected)
	if condition == nil {
		return "the recorded expect_body " + expected + " cannot be read"
	}
	truth, reason := condition.Eval(expression.NewAnswerEnv(status, bodyValue(body)))
	switch {
	case truth == expression.True:
		return ""
	case reason != "":
		return "the answer is not as expected: " + condition.Text + " is unknown, " + reason
	default:
		return "the answer is not as expected: " + condition.Text + " is false"
	}
}

// bodyValue is the body as conditions see it: JSON, or else text.
func bodyValue(body []byte) any {
	if value, err := event.DecodeJSON(body); err == nil {
		return value
	}
	if !utf8.Valid(body) {
		return nil
	}
	return string(body)
}
