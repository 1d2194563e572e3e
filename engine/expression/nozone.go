package expression

import (
	"fmt"

	"github.com/expr-lang/expr/ast"
)

// withoutZone warns of functions that take a time apart without naming a time
// zone: an hour or a day is decided by the zone, and the time's own is UTC for
// now and for most sources. What format gives matters only where it decides.
func withoutZone(text string, tree ast.Node, decides bool) []Problem {
	var faults []Problem
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		name, args := calledFunction(n)
		at, takes := zoneArgument[name]
		if takes && len(args) == at && (decides || name != "format") {
			from := n.Location().From
			if call, ok := n.(*ast.CallNode); ok {
				from = call.Callee.Location().From
			}
			given := pathText(args[0])
			if at == 2 {
				given += ", " + args[1].String()
			}
			faults = append(faults, Problem{
				From: from, To: wordEnd([]rune(text), from), Code: "no-zone", Warning: true,
				Message: name + " without a time zone takes the zone in which the time was sent, and UTC for now",
				Hint:    fmt.Sprintf(`name the zone: %s(%s, "Asia/Kolkata"), or "UTC" if that is meant`, name, given),
			})
		}
		for _, child := range children(n) {
			walk(child)
		}
	}
	walk(tree)
	return faults
}
