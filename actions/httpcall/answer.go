package httpcall

import (
	"sync"

	"heed/actions"
	"heed/engine/expression"
	"heed/engine/expression/lint"
)

// readExpectBody takes expect_body: a condition on status and body that a good
// answer fulfils.
func readExpectBody(p *actions.Params) string {
	node := p.Take("expect_body")
	if node == nil || !actions.CheckText(p.Fields, "expect_body", node) {
		return ""
	}
	tree, problems := expression.ResponseScope().CheckCondition(node.Text())
	if tree != nil {
		problems = lint.Tree(tree, lint.Condition)
	}
	actions.ReportProblems(p.Report(), node, ofResponses(problems))
	return node.Text()
}

// ofResponses says what there is instead of names that a response does not have.
func ofResponses(problems []expression.Problem) []expression.Problem {
	var list []expression.Problem
	for _, p := range problems {
		switch p.Code {
		case "unknown-field": // of the event, whose name has a problem already
			continue
		case "unknown-name":
			p.Message = "expect_body sees nothing but the status and the body of the answer"
			p.Hint = "write a condition on them, such as body.ok == true"
		}
		list = append(list, p)
	}
	return list
}

// bodyConditions holds compiled expect_body conditions by their text. There are
// as many as rules have, and a recorded request has only the text.
var bodyConditions sync.Map

func bodyCondition(text string) *expression.Condition {
	if have, ok := bodyConditions.Load(text); ok {
		return have.(*expression.Condition)
	}
	condition, _ := expression.ResponseScope().Condition(text) // nil for a text that was never checked
	bodyConditions.Store(text, condition)
	return condition
}

// complain says how an answer falls short of an expect_body.
func complain(expected string, status int, body []byte) string {
	condition := bodyCondition(expected)
	if condition == nil {
		return "the recorded expect_body " + expected + " cannot be read"
	}
	truth, reason := condition.Eval(expression.NewResponseEnv(status, body))
	switch {
	case truth == expression.True:
		return ""
	case reason != "":
		return "the answer is not as expected: " + condition.Text + " is unknown, " + reason
	default:
		return "the answer is not as expected: " + condition.Text + " is false"
	}
}
