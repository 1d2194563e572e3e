package expression

import (
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/suggest"
)

// dashedField is a field whose name has dashes, written behind a point: that is
// read as a subtraction.
var dashedField = regexp.MustCompile(`\bdata\.(\w+(?:-[A-Za-z_]\w*)+)`)

// checkDashes finds fields with a dash in their names.
func (s *Scope) checkDashes(text string, tree ast.Node) []Fault {
	var faults []Fault
	known := slices.Concat(s.names(), functionNames, declaredIn(tree))
	code := outsideStrings([]rune(text))
	for _, m := range dashedField.FindAllStringSubmatchIndex(code, -1) {
		name := code[m[2]:m[3]]
		parts := strings.Split(name, "-")
		isField := slices.Contains(s.fieldNames(), name)
		if slices.Contains(known, parts[1]) || slices.Contains(s.fieldNames(), parts[0]) && !isField {
			continue // it is a subtraction
		}
		from := len([]rune(code[:m[2]]))
		f := Fault{From: from, To: from + len([]rune(name)), Code: "unknown-field"}
		switch closest := suggest.Closest(name, s.fieldNames()); {
		case s.loose || isField:
			f.Message = "data." + name + " is read as a subtraction"
			f.Hint = `write data["` + name + `"] if the field is called so; a subtraction has a value on each side: data.a - data.b`
		case closest != "":
			f.Message, f.Hint = s.events()+" has no field "+name, "did you mean data."+closest+"?"
		default:
			f.Message = s.events() + " has no field " + name
			f.Hint = "it has " + strings.Join(s.fieldNames(), ", ")
		}
		faults = append(faults, f)
	}
	return faults
}

// declaredIn are the variables that a tree declares with let.
func declaredIn(tree ast.Node) []string {
	var names []string
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		if let, ok := n.(*ast.VariableDeclaratorNode); ok {
			names = append(names, let.Name)
		}
		for _, child := range children(n) {
			walk(child)
		}
	}
	walk(tree)
	return names
}
