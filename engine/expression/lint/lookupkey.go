package lint

import (
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

// lookupKey finds the name of the key's column where the key belongs.
var lookupKey = Check{Code: "suspicious", In: anywhere, Run: func(p *Pass, n ast.Node) {
	name, arguments := syntax.Call(n)
	texts := syntax.Strings(arguments...)
	if name != "lookup" || len(texts) != 2 || texts[1] == "" || texts[1] != p.Tree.Scope.Table(texts[0]).Key {
		return
	}
	hint := "write the value of that column, such as data.userId"
	if slices.Contains(p.Tree.Scope.FieldNames(), texts[1]) {
		hint = "write data." + texts[1] + ", without quotes"
	}
	p.report(arguments[1], strconv.Quote(texts[1])+" is the name of the column, not a row's key", hint)
}}
