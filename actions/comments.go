package actions

import (
	"heed/engine/document"
	"heed/engine/expression"
)

// ReportComments reports the comments of an expression that take more than the
// line on which they start: YAML joins the lines of a text that is folded, in
// quotes or plain, so that // takes all lines below it too. It says whether there
// are any.
func ReportComments(report *document.Report, node *document.Node, comments []expression.Comment) (found bool) {
	for _, c := range comments {
		start, end := node.Within(c.From, c.From+2), node.Within(c.To-1, c.To)
		if start.Line == end.Line {
			continue
		}
		report.LaterErrorf(start, "comment-over-lines",
			"the comment takes the lines below it too, since YAML joins them to one").
			Suggest("write | behind the key and the text below it, which keeps lines apart, or put the comment above " +
				"the key, with # in front")
		found = true
	}
	return found
}
