package expression

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
)

// suspicions warns of comparisons that are sound but surely not meant: a
// wildcard where there are none, a text that the other side can never be, a
// time that must be exactly midnight.
func suspicions(text string, tree ast.Node) []Fault {
	var faults []Fault
	runes := []rune(text)
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		if b, ok := n.(*ast.BinaryNode); ok {
			for _, look := range doubts {
				if message, hint := look(b); message != "" {
					from := b.Location().From
					faults = append(faults, Fault{From: from, To: wordEnd(runes, from), Code: "suspicious", Message: message, Hint: hint, Warning: true})
					break
				}
			}
		}
		for _, child := range children(n) {
			walk(child)
		}
	}
	walk(tree)
	if m := thousands.FindStringIndex(outsideStrings(runes)); m != nil {
		from := len([]rune(text[:m[0]]))
		faults = append(faults, Fault{
			From: from, To: from + m[1] - m[0], Code: "suspicious", Warning: true,
			Message: "this is " + strings.TrimRight(strings.TrimRight(text[m[0]:m[1]], "0"), ".") + ": the point is a decimal one",
			Hint:    "write a thousand as 1000 or 1_000",
		})
	}
	return faults
}

// thousands is a number in groups of three, as in German.
var thousands = regexp.MustCompile(`\b[1-9]\d{0,2}\.000\b`)

var doubts = []func(*ast.BinaryNode) (message, hint string){idleSubstitute, spaceAtTheEnd, emptyChoice, wildcard, neverThisText, onlyMidnight, sameSides, percentScale}

func emptyChoice(b *ast.BinaryNode) (string, string) {
	switch right := b.Right.(type) {
	case *ast.ArrayNode:
		if b.Operator == "in" && len(right.Nodes) == 0 {
			return "the list is empty, so nothing is in it", "write the values into the brackets"
		}
	case *ast.BinaryNode:
		from, ok1 := literal(right.Left)
		to, ok2 := literal(right.Right)
		if order, comparable := compareNumbers(from, to); b.Operator == "in" && right.Operator == ".." && ok1 && ok2 && comparable && order > 0 {
			return fmt.Sprintf("the range %v..%v is empty", from, to), fmt.Sprintf("the smaller number comes first: %v..%v", to, from)
		}
	}
	if s, ok := b.Right.(*ast.StringNode); ok && s.Value == "" && (b.Operator == "contains" || b.Operator == "startsWith" || b.Operator == "endsWith" || b.Operator == "matches") {
		return "every text " + b.Operator + ` ""`, "write the text that is looked for"
	}
	return "", ""
}

func wildcard(b *ast.BinaryNode) (string, string) {
	for _, s := range textsOf(b.Right) {
		bare := strings.Trim(s, "*%")
		switch {
		case b.Operator == "matches" && (strings.HasPrefix(s, "%") || strings.HasSuffix(s, "%")):
			return "% stands for itself here", fmt.Sprintf("leave it out: a pattern may match anywhere: matches %q", bare)
		case b.Operator == "matches" && strings.HasPrefix(s, "/") && strings.LastIndexByte(s, '/') > 0:
			end := strings.LastIndexByte(s, '/')
			pattern := s[1:end]
			if strings.Contains(s[end:], "i") {
				pattern = "(?i)" + pattern
			}
			return "the slashes are taken for part of the pattern", fmt.Sprintf("write matches %q", pattern)
		case b.Operator == "in" && strings.Contains(s, ", "):
			return "this is one text with a comma in it", `each text of a list has quotes of its own: ["practice", "survey"]`
		case b.Operator != "matches" && bare != s && bare != "" && (b.Operator != "==" && b.Operator != "!=" && b.Operator != "in" || strings.Contains(s, "*")):
			return "there are no wildcards: * and % stand for themselves", fmt.Sprintf("write contains %q, startsWith or endsWith, or matches with a pattern", bare)
		}
	}
	return "", ""
}

func idleSubstitute(b *ast.BinaryNode) (string, string) {
	if value, ok := literal(b.Left); ok && b.Operator == "??" {
		return Text(value) + " is always there, so what stands behind ?? is never used", "put the substitute behind the field, in brackets: (data.score ?? 0) < 70"
	}
	return "", ""
}

func spaceAtTheEnd(b *ast.BinaryNode) (string, string) {
	for _, s := range textsOf(b.Right) {
		if trimmed := strings.TrimSpace(s); (b.Operator == "==" || b.Operator == "in") && trimmed != s && trimmed != "" {
			return "the text " + quoted(s) + " has a space at its end", "write " + quoted(trimmed)
		}
	}
	return "", ""
}

// textsOf are the texts that a side of a comparison consists of.
func textsOf(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.StringNode:
		return []string{n.Value}
	case *ast.ArrayNode:
		var all []string
		for _, element := range n.Nodes {
			if s, ok := element.(*ast.StringNode); ok {
				all = append(all, s.Value)
			}
		}
		return all
	}
	return nil
}

// neverThisText finds texts that a function of the other side never gives:
// upper("x") is never "x".
func neverThisText(b *ast.BinaryNode) (string, string) {
	function, args := calledFunction(b.Left)
	for _, s := range textsOf(b.Right) {
		switch {
		case function == "upper" && s != strings.ToUpper(s) && b.Operator != "matches":
			return "upper gives capital letters only, so it is never " + quoted(s), "write " + quoted(strings.ToUpper(s))
		case function == "lower" && s != strings.ToLower(s) && b.Operator != "matches":
			return "lower gives small letters only, so it is never " + quoted(s), "write " + quoted(strings.ToLower(s))
		case function == "weekday" && !isWeekday(s) && b.Operator != "matches" && b.Operator != "contains":
			return "weekday gives Monday to Sunday, never " + quoted(s), `write the whole name in English, such as "Monday"`
		case function == "format" && len(args) > 1:
			if layout, ok := args[1].(*ast.StringNode); ok && !fitsLayout(layout.Value, s) && b.Operator != "matches" && b.Operator != "contains" {
				return fmt.Sprintf("the layout %s never gives %s", quoted(layout.Value), quoted(s)), "it gives texts such as " + quoted(time.Date(2026, 3, 7, 9, 5, 0, 0, time.UTC).Format(layout.Value))
			}
		}
	}
	return "", ""
}

func isWeekday(s string) bool {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if s == day.String() {
			return true
		}
	}
	return false
}

// fitsLayout says whether a layout can give the text.
func fitsLayout(layout, s string) bool {
	t, err := time.Parse(layout, s)
	return err == nil && t.Format(layout) == s
}

// calledFunction is the name and the arguments of a call.
func calledFunction(n ast.Node) (string, []ast.Node) {
	switch n := n.(type) {
	case *ast.BuiltinNode:
		return n.Name, n.Arguments
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok {
			return name.Value, n.Arguments
		}
	}
	return "", nil
}

// onlyMidnight finds a time that is compared for equality.
func onlyMidnight(b *ast.BinaryNode) (string, string) {
	if b.Operator != "==" && b.Operator != "!=" {
		return "", ""
	}
	const hint = `compare days as texts: format(data.completedAt, "2006-01-02") == "2026-03-02"; or ask for a time since: data.completedAt > now - days(1)`
	for _, sides := range [][2]ast.Node{{b.Left, b.Right}, {b.Right, b.Left}} {
		if kindOfNode(sides[0]) != "a time" {
			continue
		}
		if name, ok := sides[1].(*ast.IdentifierNode); ok && name.Value == "now" {
			return "a time is never exactly now", hint
		}
		if function, args := calledFunction(sides[1]); function == "date" && len(args) == 1 {
			if s, ok := args[0].(*ast.StringNode); ok && len(s.Value) == len(time.DateOnly) {
				return "the date stands for midnight only", hint
			}
		}
	}
	return "", ""
}

func sameSides(b *ast.BinaryNode) (string, string) {
	switch b.Operator {
	case "==", "!=", "<", "<=", ">", ">=":
		if _, isLiteral := literal(b.Left); !isLiteral && b.Left.String() == b.Right.String() {
			return "both sides are the same", "compare with another field or value; to ask whether there is a value, write != nil"
		}
	}
	return "", ""
}

// percentScale finds a percentage that is compared with a share.
func percentScale(b *ast.BinaryNode) (string, string) {
	value, ok := literal(b.Right)
	number, isNumber := number(value)
	function, _ := calledFunction(b.Left)
	isPercentage := function == "percent" || strings.HasSuffix(dataField(b.Left), "Pct")
	switch b.Operator {
	case "<", "<=", ">", ">=", "==":
		if ok && isNumber && isPercentage && number > 0 && number < 1 {
			return "a percentage runs from 0 to 100", fmt.Sprintf("write %v", wholeFloat(number*100))
		}
	}
	return "", ""
}
