package expression

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// nothingInstead is the hint where any expression would be a rule of another
// meaning.
const nothingInstead = "take it out: no expression says the same"

// absent are names of what heed does not have, and why.
var absent = func() map[string]string {
	reasons := map[string]string{}
	for names, reason := range map[string]string{
		"previous prev prior earlier history lag before old recent lastevent previousevent": "a rule sees one event, none that came before it",
		"countif sumif averageif countifs sumifs":                                           "a rule sees one event and counts no others",
		"unless within every after until since":                                             "a rule acts when an event comes, not at a time or in its absence",
	} {
		for _, name := range strings.Fields(names) {
			reasons[name] = reason
		}
	}
	return reasons
}()

// eventsCounted finds functions of lists that are given an event type, as in
// count(quiz.submitted). It is the place of the type.
func (s *Scope) eventsCounted(n ast.Node, vars []string) (at ast.Node, found bool) {
	call, ok := n.(*ast.BuiltinNode)
	if !ok || len(call.Arguments) == 0 {
		return nil, false
	}
	argument := call.Arguments[0]
	if base, _ := chainOf(argument); base != nil && (slices.Contains(vars, base.Value) || slices.Contains(s.names(), base.Value)) {
		return nil, false
	}
	name := strings.Trim(pathText(argument), `"`)
	if name == "events" && isPath(argument) {
		return argument, true
	}
	for _, t := range slices.Concat(s.types, s.other) {
		if t.Name == name && (isPath(argument) || call.Name == "count" || call.Name == "sum") {
			return argument, true
		}
	}
	return nil, false
}
