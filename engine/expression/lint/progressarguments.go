package lint

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/expression/syntax"
)

// progressArguments finds a progress that nobody has: the arguments the wrong way
// round, or a module's title for its id.
var progressArguments = Check{Code: "suspicious", In: anywhere, Run: func(p *Pass, n ast.Node) {
	name, arguments := syntax.Call(n)
	if name != "progress" {
		return
	}
	user, module := syntax.Field(arguments[0]), syntax.Field(arguments[1])
	about, isTitle := strings.CutSuffix(module, "Name")
	switch {
	case module == "userId" && user != "userId":
		p.report(arguments[0], "progress takes the user first, then the module",
			"write progress(data.userId, "+syntax.Text(arguments[0])+")")
	case isTitle && isStandard(p.Tree.Scope, module):
		hint := `write the module's id, such as progress(data.userId, "m-77")`
		if slices.Contains(p.Tree.Scope.FieldNames(), about+"Id") {
			hint = "write data." + about + "Id"
		}
		p.report(arguments[1], "data."+module+" is a title, and progress knows modules by their ids", hint)
	}
}}

// isStandard says whether a field is one of MindTickle's own, whose contents are
// known.
func isStandard(s *expression.Scope, field string) bool {
	return slices.ContainsFunc(s.Types(), func(t *event.Type) bool {
		known := event.Standard().Lookup(t.Name)
		return known != nil && slices.Contains(known.FieldNames(), field)
	})
}
