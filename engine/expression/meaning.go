package expression

import (
	"reflect"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// checkMeaning finds what the grammar and the types allow, but nobody means: a
// semicolon that throws a condition away, a substitute of another kind than the
// value, a method of the library that half works.
func checkMeaning(text string, tree ast.Node) []Problem {
	var faults []Problem
	runes := []rune(text)
	report := func(n ast.Node, f Problem) {
		f.From = n.Location().From
		f.To = wordEnd(runes, f.From)
		faults = append(faults, f)
	}
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		switch n := n.(type) {
		case *ast.SequenceNode:
			at := strings.IndexByte(outsideStrings(runes), ';')
			from := len([]rune(outsideStrings(runes)[:max(at, 0)]))
			faults = append(faults, Problem{
				From: from, To: from + 1, Code: "syntax", Message: "a semicolon throws away what stands in front of it",
				Hint: "join conditions with and: data.score < 70 and data.passed",
			})
		case *ast.BinaryNode:
			for _, side := range []ast.Node{n.Left, n.Right} {
				if kind, other, differ := substitute(side); differ && n.Operator != "??" {
					report(side, Problem{Code: "type-mismatch", Message: "the substitute is " + other + ", but the value is " + kind, Hint: "write a substitute of the same kind: data.score ?? 0, data.quizType ?? \"none\""})
				}
			}
		case *ast.CallNode:
			if member, ok := n.Callee.(*ast.MemberNode); ok {
				report(member, Problem{
					Code: "forbidden-function", Message: "there is no " + methodName(member) + "() behind a value here",
					Hint: methodHint(member, n.Arguments),
				})
				return
			}
		}
		for _, child := range children(n) {
			walk(child)
		}
	}
	walk(tree)
	return faults
}

// checkSubstitutes finds a substitute that stands behind a whole comparison.
func checkSubstitutes(text string, tree ast.Node) []Problem {
	var faults []Problem
	for _, side := range operands(tree) {
		if kind, other, differ := substitute(side.node); differ {
			from := side.node.Location().From
			faults = append(faults, Problem{
				From: from, To: wordEnd([]rune(text), from), Code: "type-mismatch",
				Message: "the substitute is " + other + ", but the value is " + kind,
				Hint:    "a substitute stands right behind the value, in brackets: (data.score ?? 0) < 70",
			})
		}
	}
	return faults
}

// substitute says of which kinds the sides of a ?? are, if they differ. Where it
// is shown that is fine; where it is compared, one of them cannot be.
func substitute(side ast.Node) (kind, other string, differ bool) {
	n, ok := side.(*ast.BinaryNode)
	if !ok || n.Operator != "??" {
		return "", "", false
	}
	kind, other = kindOfNode(n.Left), kindOfNode(n.Right)
	return kind, other, kind != "" && other != "" && kind != other && kind != "nil" && other != "nil"
}

// kindOfNode is what the checker knows of a node's kind, in words; empty if it
// may be anything. A ?? is of the kind of its sides, if they agree.
func kindOfNode(n ast.Node) string {
	if b, ok := n.(*ast.BinaryNode); ok && b.Operator == "??" {
		if left, right := kindOfNode(b.Left), kindOfNode(b.Right); left == right {
			return left
		}
		return ""
	}
	t := n.Type()
	if t == nil || t.Kind() == reflect.Interface {
		return ""
	}
	return word(t.String())
}

// timeMethods are what people look for behind a time, and what there is. %s
// stands for the time, %a for what is in the brackets.
var timeMethods = map[string]string{
	"Hour": `hour(%s, "Asia/Kolkata")`, "Weekday": `weekday(%s, "Asia/Kolkata"), which gives "Monday"`,
	"Format": `format(%s, "2006-01-02", "Asia/Kolkata")`, "AddDate": "%s + days(n)", "Add": "%s + %a", "Sub": "%s - %a",
	"Before": "%s < %a", "After": "%s > %a", "Equal": "%s == %a",
	"Year": `format(%s, "2006", "Asia/Kolkata")`, "Month": `format(%s, "January", "Asia/Kolkata")`, "Day": `format(%s, "2", "Asia/Kolkata")`,
}

func methodName(member *ast.MemberNode) string { return strings.Trim(pathText(member.Property), `"`) }

func methodHint(member *ast.MemberNode, arguments []ast.Node) string {
	if hint, ok := timeMethods[methodName(member)]; ok {
		argument := "…"
		if len(arguments) == 1 {
			argument = pathText(arguments[0])
		}
		return "write " + strings.NewReplacer("%s", pathText(member.Node), "%a", argument).Replace(hint)
	}
	return `functions stand in front of what they work on: lower(data.quizName), format(now, "15:04", "UTC")`
}
