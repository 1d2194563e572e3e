package lint

import (
	"fmt"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression"
	"heed/engine/expression/syntax"
)

// noZone finds functions that take a time apart without naming a time zone: an
// hour or a day is decided by the zone, and the time's own is UTC for now and for
// most sources. What format gives matters only where it decides.
var noZone = Check{Code: "no-zone", In: anywhere, Run: func(p *Pass, n ast.Node) {
	name, arguments := syntax.Call(n)
	at, takesZone := expression.ZoneArgument[name]
	if !takesZone || len(arguments) != at || name == "format" && p.Use != Condition {
		return
	}
	given := syntax.Text(arguments[0])
	if at == 2 {
		given += ", " + arguments[1].String()
	}
	p.report(n.(*ast.CallNode).Callee,
		name+" without a time zone takes the zone in which the time was sent, and UTC for now",
		fmt.Sprintf(`name the zone: %s(%s, "Asia/Kolkata"), or "UTC" if that is meant`, name, given))
}}
