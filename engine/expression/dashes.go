package expression

import (
	"regexp"
	"slices"
	"strings"

	"heed/engine/suggest"
)

// dashedField is a field whose name has dashes, written behind a point: that is
// read as a subtraction.
var dashedField = regexp.MustCompile(`\bdata\.(\w+(?:-[A-Za-z_]\w*)+)`)

// checkDashes finds fields with a dash in their names.
func (s *Scope) checkDashes(text string) []Fault {
	var faults []Fault
	code := outsideStrings([]rune(text))
	for _, m := range dashedField.FindAllStringSubmatchIndex(code, -1) {
		name := code[m[2]:m[3]]
		first := strings.Split(name, "-")[1]
		if slices.Contains(s.names(), first) || slices.Contains(functionNames, first) {
			continue // it is a subtraction
		}
		from := len([]rune(code[:m[2]]))
		f := Fault{From: from, To: from + len([]rune(name)), Code: "unknown-field"}
		switch closest := suggest.Closest(name, s.fieldNames()); {
		case s.loose || slices.Contains(s.fieldNames(), name):
			f.Message = "data." + name + " is read as a subtraction"
			f.Hint = `write data["` + name + `"]`
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
