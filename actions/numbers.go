package actions

import "heed/engine/document"

// warnOfNumber warns of a value in JSON that was probably meant as a text: an
// id with zeros in front, a version, a telephone number.
func warnOfNumber(report *document.Report, node *document.Node) {
	if as, ok := node.Rewritten(); ok {
		report.Warnf(node.Place(), "unquoted-number", "without quotes %s is a number, and is sent as %s", node.Text(),
			as).
			Suggest("write %q for the text, or %s for the number", node.Text(), as)
	}
}
