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
var dashedField = regexp.MustCompile(`\b(data(?:\.\w+)*)\.(\w+(?:-[A-Za-z_]\w*)+)`)

// checkDashes finds fields with a dash in their names.
func (s *Scope) checkDashes(text string, tree ast.Node) []Problem {
	if !strings.Contains(text, "-") {
		return nil
	}
	var faults []Problem
	variables, names := namesIn(tree)
	known := slices.Concat(s.names(), functionNames, variables)
	code := outsideStrings([]rune(text))
	for _, m := range dashedField.FindAllStringSubmatchIndex(code, -1) {
		object, name := code[m[2]:m[3]], code[m[4]:m[5]]
		parts := strings.Split(name, "-")
		isField := slices.Contains(s.fieldNames(), name)
		open := s.loose || object != "data" // any field may be named
		if slices.Contains(known, parts[1]) || !open && slices.Contains(s.fieldNames(), parts[0]) && !isField {
			continue // it is a subtraction
		}
		from := len([]rune(code[:m[4]]))
		if names[from+len([]rune(parts[0]))+1] != parts[1] {
			continue // it is in a comment
		}
		f := Problem{From: from, To: from + len([]rune(name)), Code: "unknown-field"}
		switch closest := suggest.Closest(name, s.fieldNames()); {
		case open || isField:
			f.Message = object + "." + name + " is read as a subtraction"
			f.Hint = "write " + object + `["` + name + `"] if the field is called so; a subtraction has a value on each side: data.a - data.b`
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

// namesIn are the variables that a tree declares with let, and the names that it
// holds, by where they stand.
func namesIn(tree ast.Node) (variables []string, names map[int]string) {
	names = map[int]string{}
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		switch n := n.(type) {
		case *ast.VariableDeclaratorNode:
			variables = append(variables, n.Name)
		case *ast.IdentifierNode:
			names[n.Location().From] = n.Value
		}
		for _, child := range children(n) {
			walk(child)
		}
	}
	walk(tree)
	return variables, names
}
