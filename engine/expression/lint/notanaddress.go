package lint

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

// notAnAddress finds an expression that never gives an e-mail address.
var notAnAddress = Check{Code: "suspicious", In: Address, Run: func(p *Pass, n ast.Node) {
	if n != p.Tree.Root {
		return
	}
	what := syntax.Text(n)
	name := what[strings.LastIndexByte(what, '.')+1:]
	isKnown := strings.HasPrefix(what, "user.") || isStandard(p.Tree.Scope, syntax.Field(n))
	if !syntax.IsPath(n) || !isKnown {
		name = ""
	}
	hint := "write user.email"
	if slices.Contains(p.Tree.Scope.FieldNames(), "email") {
		hint = "write data.email"
	}
	text, isText := n.(*ast.StringNode)
	from, to := p.trimmed()
	switch {
	case isText && !strings.Contains(text.Value, "@"):
		p.reportAt(from, to, strconv.Quote(text.Value)+" is not an e-mail address",
			`write one, such as "nora@example.com"`)
	case isText:
	case strings.HasSuffix(name, "Id"):
		p.reportAt(from, to, what+" is an id, not an e-mail address", hint)
	case strings.HasSuffix(name, "Name"):
		p.reportAt(from, to, what+" is a title, not an e-mail address", hint)
	case what == "user.name":
		p.reportAt(from, to, what+" is a name, not an e-mail address", hint)
	case name == "role":
		p.reportAt(from, to, what+" is a role, not an e-mail address", hint)
	}
}}
