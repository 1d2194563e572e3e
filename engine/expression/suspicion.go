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
// time that must be exactly now.
func suspicions(text string, tree ast.Node) []Problem {
	var faults []Problem
	runes := []rune(text)
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		if b, ok := n.(*ast.BinaryNode); ok {
			for _, look := range doubts {
				if message, hint := look(b); message != "" {
					from := b.Location().From
					faults = append(faults, Problem{From: from, To: wordEnd(runes, from), Code: "suspicious", Message: message, Hint: hint, Warning: true})
					break
				}
			}
		}
		for _, child := range children(n) {
			walk(child)
		}
	}
	walk(tree)
	code := outsideStrings(runes)
	if m := thousands.FindStringIndex(code); m != nil {
		from, width := len([]rune(code[:m[0]])), m[1]-m[0]
		number := string(runes[from : from+width])
		faults = append(faults, Problem{
			From: from, To: from + width, Code: "suspicious", Warning: true,
			Message: "this is " + strings.TrimRight(strings.TrimRight(number, "0"), ".") + ": the point is a decimal one",
			Hint:    "write a thousand as 1000 or 1_000",
		})
	}
	return faults
}

// thousands is a number in groups of three, as in German.
var thousands = regexp.MustCompile(`\b[1-9]\d{0,2}\.000\b`)

var doubts = []func(*ast.BinaryNode) (message, hint string){idleSubstitute, spaceAtTheEnd, emptyChoice, wildcard, neverThisText, neverNow, sameSides, percentScale, multipliedQuotient}

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
	texts := textsOf(b.Right)
	for _, s := range texts {
		bare := strings.Trim(s, "*%")
		compares := b.Operator == "==" || b.Operator == "!=" || b.Operator == "in"
		switch slashes := slashedPattern.FindStringSubmatch(s); {
		case b.Operator == "matches" && slashes != nil:
			pattern := slashes[1]
			if strings.Contains(slashes[2], "i") {
				pattern = "(?i)" + pattern
			}
			return "the slashes are taken for part of the pattern", fmt.Sprintf("write matches %q", pattern)
		case b.Operator == "matches" && regexp.QuoteMeta(s) == s && percentWildcard.MatchString(s):
			return "% stands for itself here", fmt.Sprintf("leave it out: a pattern may match anywhere: matches %q", bare)
		case b.Operator == "in" && strings.Contains(s, ", ") && len(texts) == 1:
			return "this is one text with a comma in it", `each text of a list has quotes of its own: ["practice", "survey"]`
		case b.Operator != "matches" && bare != "" && (starWildcard.MatchString(s) || !compares && percentWildcard.MatchString(s)):
			return "there are no wildcards: * and % stand for themselves", fmt.Sprintf("write contains %q, startsWith or endsWith, or matches with a pattern", bare)
		}
	}
	return "", ""
}

var (
	// slashedPattern is a pattern as JavaScript writes it, with its flags.
	slashedPattern = regexp.MustCompile(`^/(.+)/([dgimsuvy]*)$`)
	starWildcard   = regexp.MustCompile(`^\*|\*$`)
	// percentWildcard is a % as SQL has it; behind a number it is a percentage.
	percentWildcard = regexp.MustCompile(`^%.*%$|^%\pL|\pL%$`)
)

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
	var whole, part bool // what is compared: the text that the function gives, or a part of it
	switch b.Operator {
	case "==", "!=", "in":
		whole, part = true, true
	case "contains", "startsWith", "endsWith":
		part = true
	}
	for _, s := range textsOf(b.Right) {
		switch {
		case function == "upper" && part && s != strings.ToUpper(s):
			return "upper gives capital letters only, so it is never " + quoted(s), "write " + quoted(strings.ToUpper(s))
		case function == "lower" && part && s != strings.ToLower(s):
			return "lower gives small letters only, so it is never " + quoted(s), "write " + quoted(strings.ToLower(s))
		case function == "weekday" && whole && !isWeekday(s):
			return "weekday gives Monday to Sunday, never " + quoted(s), `write the whole name in English, such as "Monday"`
		case function == "format" && len(args) > 1:
			layout, ok := args[1].(*ast.StringNode)
			if ok && (whole && !fitsLayout(layout.Value, s) || strings.HasPrefix(layout.Value, "15:04") && unpaddedClock.MatchString(s)) {
				return fmt.Sprintf("the layout %s never gives %s", quoted(layout.Value), quoted(s)), "it gives texts such as " + quoted(time.Date(2026, 3, 7, 9, 5, 0, 0, time.UTC).Format(layout.Value))
			}
		}
	}
	return "", ""
}

// unpaddedClock is a time of day that, as a text, comes behind all of the day.
var unpaddedClock = regexp.MustCompile(`^\d:\d\d`)

func isWeekday(s string) bool {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if s == day.String() {
			return true
		}
	}
	return false
}

// fitsLayout says whether a layout can give the text. A layout without a year
// or a day leaves open which weekday it is: some year, some day has each.
func fitsLayout(layout, s string) bool {
	t, err := time.Parse(layout, s)
	if err != nil {
		return false
	}
	for _, years := range []int{0, 2000} { // as parsed, which is the year 0 if none is written
		for year := range 28 {
			for day := range 7 {
				if t.AddDate(years+year, 0, day).Format(layout) == s {
					return true
				}
			}
		}
	}
	return false
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

// neverNow finds a time that is compared with this very moment.
func neverNow(b *ast.BinaryNode) (string, string) {
	if b.Operator != "==" && b.Operator != "!=" {
		return "", ""
	}
	for _, sides := range [][2]ast.Node{{b.Left, b.Right}, {b.Right, b.Left}} {
		if name, ok := sides[1].(*ast.IdentifierNode); ok && name.Value == "now" && kindOfNode(sides[0]) == "a time" {
			return "a time is never exactly now", `compare days as texts: format(data.completedAt, "2006-01-02", "UTC") == format(now, "2006-01-02", "UTC"); or ask for a time since: data.completedAt > now - days(1)`
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
			return "a percentage runs from 0 to 100", fmt.Sprintf("write %v", Number(number*100))
		}
	}
	return "", ""
}
