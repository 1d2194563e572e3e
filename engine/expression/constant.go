package expression

import (
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// checkConstants tries out what does not depend on the event: a date, a
// duration, a time zone, a layout or a pattern that is written wrong is wrong
// for every event.
func checkConstants(text string, tree ast.Node) []Problem {
	var faults []Problem
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		if f, wrong := wrongConstant(n); wrong {
			f.To = wordEnd([]rune(text), f.From)
			faults = append(faults, f)
		}
		for _, child := range children(n) {
			walk(child)
		}
	}
	walk(tree)
	return faults
}

// constantFunctions are the functions whose constant arguments are tried out.
var constantFunctions = map[string]Problem{
	"date":     {Code: "bad-date", Message: "this is no date", Hint: `write date("2026-01-31") or date("2026-01-31T09:00:00Z")`},
	"duration": {Code: "bad-duration", Message: "this is no duration", Hint: `write duration("90m"), or days(7)`},
	"timezone": badZone,
}

var (
	badZone   = Problem{Code: "bad-zone", Message: "this is no time zone", Hint: `name a zone as in "Asia/Kolkata" or "UTC"`}
	badRegexp = Problem{Code: "bad-regexp", Message: "this is no regular expression", Hint: "see the syntax that Go's regexp takes (RE2)"}
	badLayout = Problem{Code: "bad-layout", Message: "the layout would show letters, not the time", Hint: `write it as the moment 2 January 2006, 15:04:05 would look: "2006-01-02", "2 Jan 15:04"`}
)

// wrongConstant says what is wrong with a node that holds a constant.
func wrongConstant(n ast.Node) (Problem, bool) {
	switch n := n.(type) {
	case *ast.BuiltinNode:
		f, known := constantFunctions[n.Name]
		if _, ok := constants(n.Arguments); !ok || !known {
			return Problem{}, false
		}
		if u, ok := evalConstant(n).(*Unknown); ok && u.kind != missing {
			f = f.because(n, u.Reason())
			if names := textsOf(&ast.ArrayNode{Nodes: n.Arguments}); n.Name == "timezone" && len(names) == 1 {
				f.Hint = zoneHint(names[0])
			}
			return f, true
		}
	case *ast.BinaryNode:
		if pattern, isText := n.Right.(*ast.StringNode); isText && n.Operator == "matches" {
			if strings.ContainsAny(pattern.Value, "\b\a\f\v") {
				f := badRegexp.because(n, "in a text \\b is a control character")
				f.Hint = "write two backslashes, \\\\b, or put the pattern in backticks"
				return f, true
			}
			if _, err := regexp.Compile(pattern.Value); err != nil {
				f := badRegexp.because(n, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
				if strings.HasPrefix(pattern.Value, "*") {
					f.Hint = "there are no wildcards in front: write contains " + quoted(strings.Trim(pattern.Value, "*"))
				}
				return f, true
			}
		}
	case *ast.CallNode:
		name, _ := calledFunction(n)
		if f, wrong := wrongZone(name, n.Arguments); wrong {
			return f, true
		}
		if name == "format" {
			return wrongLayout(n.Arguments)
		}
	}
	return Problem{}, false
}

func (f Problem) because(n ast.Node, reason string) Problem {
	f.From = n.Location().From
	f.Message += ": " + reason
	return f
}

// foreignLayout is how other languages write a layout.
var foreignLayout = regexp.MustCompile(`\b(?:YYYY|yyyy|YY|yy|MMMM?|DD|dd|HH|hh|mm|ss)\b|%[aAbBdeHIjmMpSyY]`)

// fixedPart is a year or a clock time in a layout that is not of the moment by
// which layouts are written.
func fixedPart(layout string) string {
	for _, part := range yearOrClock.FindAllString(layout, -1) {
		if !ofTheMoment.MatchString(part) {
			return part
		}
	}
	return ""
}

var (
	yearOrClock = regexp.MustCompile(`\b(?:19|20)\d\d\b|[-+Z]?\b\d\d:\d\d\b`)
	// ofTheMoment are the year, two numbers of 2 January 2006, 15:04:05, and an
	// offset.
	ofTheMoment = regexp.MustCompile(`^(?:2006|[-+]?(?:0[1-6]|15):0[1-6]|[-Z]07:00)$`)
)

// wrongLayout looks at the layout of format(time, layout, zone).
func wrongLayout(args []ast.Node) (Problem, bool) {
	if len(args) > 1 {
		if layout, ok := args[1].(*ast.StringNode); ok {
			if foreign := foreignLayout.FindString(layout.Value); foreign != "" {
				return badLayout.because(layout, quoted(foreign)), true
			}
			if fixed := fixedPart(layout.Value); fixed != "" {
				f := badLayout
				f.Message = "the layout's " + fixed + " would not show the time"
				f.From = layout.Location().From
				return f, true
			}
		}
	}
	return Problem{}, false
}

// evalConstant evaluates what reads nothing of an event.
func evalConstant(n ast.Node) any {
	env := &Env{}
	env.frame.env = env
	env.begin()
	c := compiler{}
	return env.eval(c.compile(n))
}
