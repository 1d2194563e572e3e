package expression

import (
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

// checkConstants evaluates the parts that do not depend on the event: an invalid date,
// duration, time zone, layout or pattern is invalid for every event.
func checkConstants(text string, tree ast.Node) []Problem {
	var problems []Problem
	syntax.Walk(tree, func(n ast.Node) {
		if at, p := wrongConstant(n); p.Code != "" {
			p.From = at.Location().From
			p.To = syntax.WordEnd([]rune(text), p.From)
			problems = append(problems, p)
		}
	})
	return problems
}

// constantFunctions are the functions that are called at load time if their arguments are
// constant.
var constantFunctions = map[string]Problem{
	"date": {
		Code: "bad-date", Message: "invalid date", Hint: `write date("2026-01-31") or date("2026-01-31T09:00:00Z")`,
	},
	"duration": {Code: "bad-duration", Message: "invalid duration", Hint: `write duration("90m"), or days(7)`},
	"timezone": badZone,
}

var (
	badZone = Problem{
		Code: "bad-zone", Message: "unknown time zone",
		Hint: "write a region and a city, as in Europe/Berlin, America/New_York or Asia/Kolkata, or UTC",
	}
	badRegexp = Problem{
		Code: "bad-regexp", Message: "invalid regular expression", Hint: "see the syntax that Go's regexp takes (RE2)",
	}
	badLayout = Problem{
		Code: "bad-layout", Message: "the layout would show letters, not the time",
		Hint: `write it as the moment 2 January 2006, 15:04:05 would look: "2006-01-02", "2 Jan 15:04"`,
	}
)

func (p Problem) because(reason string) Problem {
	p.Message += ": " + reason
	return p
}

// wrongConstant reports what is wrong with a node that holds a constant, and at which
// node.
func wrongConstant(n ast.Node) (at ast.Node, p Problem) {
	switch n := n.(type) {
	case *ast.BuiltinNode:
		p, known := constantFunctions[n.Name]
		if _, ok := syntax.Literals(n.Arguments); !ok || !known {
			return nil, Problem{}
		}
		if u, ok := evalConstant(n).(*Unknown); ok && u.kind != missing {
			return n, p.because(u.Reason())
		}
	case *ast.BinaryNode:
		if pattern, isText := n.Right.(*ast.StringNode); isText && n.Operator == "matches" {
			return n, wrongPattern(pattern.Value)
		}
	case *ast.CallNode:
		name, arguments := syntax.Call(n)
		i, takesZone := ZoneArgument[name]
		if !takesZone {
			break
		}
		if len(arguments) > i {
			name, isText := arguments[i].(*ast.StringNode)
			if zone, _ := Zone(strings.Join(syntax.Strings(arguments[i]), "")); isText && zone == nil {
				return name, badZone.because(quoted(name.Value))
			}
		}
		if layout := syntax.Strings(arguments[1:i]...); len(layout) > 0 {
			return arguments[1], wrongLayout(layout[0])
		}
	}
	return nil, Problem{}
}

func wrongPattern(pattern string) Problem {
	_, err := regexp.Compile(pattern)
	switch {
	case strings.ContainsAny(pattern, "\b\a\f\v"):
		p := badRegexp.because(`in a text \b is a control character`)
		p.Hint = `write two backslashes, \\b, or put the pattern in backticks`
		return p
	case err == nil:
		return Problem{}
	case strings.HasPrefix(pattern, "*"):
		p := badRegexp.because(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		p.Hint = "there are no wildcards: write contains " + quoted(strings.Trim(pattern, "*"))
		return p
	default:
		return badRegexp.because(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
}

var (
	// foreignLayout matches a layout as other languages write it.
	foreignLayout = regexp.MustCompile(`\b(?:YYYY|yyyy|YY|yy|MMMM?|DD|dd|HH|hh|mm|ss)\b|%[aAbBdeHIjmMpSyY]`)
	// yearOrClock matches a year or a clock time. ofTheMoment matches the year, two
	// numbers of 2 January 2006, 15:04:05, and an offset.
	yearOrClock = regexp.MustCompile(`\b(?:19|20)\d\d\b|[-+Z]?\b\d\d:\d\d\b`)
	ofTheMoment = regexp.MustCompile(`^(?:2006|[-+]?(?:0[1-6]|15):0[1-6]|[-Z]07:00)$`)
)

func wrongLayout(layout string) Problem {
	if foreign := foreignLayout.FindString(layout); foreign != "" {
		return badLayout.because(quoted(foreign))
	}
	for _, part := range yearOrClock.FindAllString(layout, -1) {
		if !ofTheMoment.MatchString(part) {
			p := badLayout
			p.Message = "the layout's " + part + " would not show the time"
			return p
		}
	}
	return Problem{}
}

// evalConstant evaluates an expression that reads nothing from the event.
func evalConstant(n ast.Node) any {
	env := &Env{}
	env.frame.env = env
	env.begin()
	c := compiler{}
	return env.eval(c.compile(n))
}
