package expression

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/event"
)

// vain warns of questions that nobody can answer as they are asked: a user
// where the module belongs, a column's name as a key, a cell that should be
// empty where empty ones are missing.
func (s *Scope) vain(text string, tree ast.Node) []Problem {
	var faults []Problem
	runes := []rune(text)
	report := func(at ast.Node, message, hint string) {
		from, to := at.Location().From, wordEnd(runes, at.Location().From)
		if _, isText := at.(*ast.StringNode); isText {
			to = textEnd(runes, from)
		}
		faults = append(faults, Problem{From: from, To: to, Code: "suspicious", Message: message, Hint: hint, Warning: true})
	}
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		switch n := n.(type) {
		case *ast.BinaryNode:
			for _, sides := range [][2]ast.Node{{n.Left, n.Right}, {n.Right, n.Left}} {
				if empty, isText := sides[1].(*ast.StringNode); isText && empty.Value == "" && n.Operator == "==" && cellOf(sides[0]) != "" {
					report(n, "an empty cell is missing here, so it is never \"\"", "write "+pathText(sides[0])+" == nil")
				}
			}
		case *ast.CallNode:
			if name := asks(n); name != "" && len(n.Arguments) == 2 {
				s.vainCall(name, n.Arguments, report)
			}
		}
		for _, child := range children(n) {
			walk(child)
		}
	}
	walk(tree)
	return faults
}

// textEnd is where a quoted text ends that starts at a place, as far as that can
// be seen.
func textEnd(text []rune, from int) int {
	if from < len(text) && strings.ContainsRune("\"'`", text[from]) {
		if end := slices.Index(text[from+1:], text[from]); end >= 0 {
			return from + end + 2
		}
	}
	return wordEnd(text, from)
}

// cellOf is the name of the cell if a node is one, of a table or of the user.
func cellOf(n ast.Node) string {
	if chain, ok := n.(*ast.ChainNode); ok {
		return cellOf(chain.Node)
	}
	member, ok := n.(*ast.MemberNode)
	if !ok || !isRecord(member.Node) {
		return ""
	}
	name, _ := member.Property.(*ast.StringNode)
	if name == nil {
		return ""
	}
	return name.Value
}

func (s *Scope) vainCall(name string, args []ast.Node, report func(at ast.Node, message, hint string)) {
	switch first, second := dataField(args[0]), dataField(args[1]); name {
	case "progress":
		switch module := strings.TrimSuffix(second, "Name"); {
		case second == "userId" && first != "userId":
			report(args[0], "progress takes the user first, then the module", "write progress(data.userId, "+pathText(args[0])+")")
		case module != second && s.isStandard(second):
			hint := `write the module's id, such as progress(data.userId, "m-77")`
			if slices.Contains(s.fieldNames(), module+"Id") {
				hint = "write data." + module + "Id"
			}
			report(args[1], "data."+second+" is a title, and progress knows modules by their ids", hint)
		}
	case "lookup":
		table, isTable := args[0].(*ast.StringNode)
		key, isText := args[1].(*ast.StringNode)
		if isTable && isText && key.Value != "" && key.Value == s.tables[table.Value].Key {
			hint := "write the value of that column, such as data.userId"
			if slices.Contains(s.fieldNames(), key.Value) {
				hint = "write data." + key.Value + ", without quotes"
			}
			report(key, quoted(key.Value)+" is the name of the column, not a row's key", hint)
		}
	}
}

// isStandard says whether a field is one of MindTickle's own, of which it is
// known what it holds.
func (s *Scope) isStandard(field string) bool {
	return slices.ContainsFunc(s.types, func(t *event.Type) bool {
		known := event.Standard().Lookup(t.Name)
		if known == nil {
			return false
		}
		_, has := known.Field(field)
		return has
	})
}

// noAddress says why a value is never an e-mail address.
func (s *Scope) noAddress(tree ast.Node) (message, hint string) {
	hint = "write user.email"
	if slices.Contains(s.fieldNames(), "email") {
		hint = "write data.email"
	}
	field, what := dataField(tree), "data."+dataField(tree)
	if chain, ok := tree.(*ast.ChainNode); ok {
		tree = chain.Node
	}
	if member, ok := tree.(*ast.MemberNode); ok && asks(member.Node) == "user" {
		field, what = cellOf(tree), pathText(tree)
	} else if field != "" && !s.isStandard(field) {
		return "", ""
	}
	text, isText := tree.(*ast.StringNode)
	switch {
	case isText && !strings.Contains(text.Value, "@"):
		return quoted(text.Value) + " is no e-mail address", `write one, such as "nora@example.com"`
	case strings.HasSuffix(field, "Id"):
		return what + " is an id, no e-mail address", hint
	case strings.HasSuffix(field, "Name"):
		return what + " is a title, no e-mail address", hint
	case field == "role":
		return what + " is a role, no e-mail address", hint
	}
	return "", ""
}

// AddressTemplate is Template for a text that gives an e-mail address.
func (s *Scope) AddressTemplate(text string) (*Template, []Problem) {
	t, faults := s.template(text, false)
	parts, _ := splitTemplate([]rune(strings.TrimSpace(text)))
	if len(faults) > 0 || len(parts) != 1 || !parts[0].isHole {
		return t, faults
	}
	if f, wrong := s.warnOfAddress(parts[0].text); wrong {
		faults = append(faults, f.shift(parts[0].at+len([]rune(text))-len([]rune(strings.TrimLeft(text, " \t\n")))))
	}
	return t, faults
}

// warnOfAddress warns of an expression that never gives an e-mail address.
func (s *Scope) warnOfAddress(text string) (Problem, bool) {
	tree, _, faults := s.check(text)
	if len(faults) > 0 {
		return Problem{}, false
	}
	message, hint := s.noAddress(tree)
	trimmed := strings.TrimSpace(text)
	from := len([]rune(text[:strings.Index(text, trimmed)]))
	f := Problem{From: from, To: from + len([]rune(trimmed)), Code: "suspicious", Message: message, Hint: hint, Warning: true}
	return f, message != ""
}
