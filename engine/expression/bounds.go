package expression

import (
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// Functions of the library that are left out: they can run away, hide what is
// read, or bring in a clock of their own.
var forbidden = map[string]string{
	"reduce":  "use sum, count, any or all",
	"repeat":  "write the text out",
	"get":     "write data.field or data[\"field\"]",
	"groupBy": "use filter and count",
	"now":     "now is a value: write it without brackets",
}

// maxExpressionDepth bounds how deep an expression's tree is. A chain of ands
// is a tree as deep as it is long.
const maxExpressionDepth = 150

// checkBounds refuses, when the rule is loaded, what could run away when an
// event comes: loops within loops and functions that multiply what they get.
func checkBounds(text string, tree ast.Node) []Fault {
	var faults []Fault
	tooDeep := false
	report := func(n ast.Node, code, message, hint string) {
		from := n.Location().From
		faults = append(faults, Fault{From: from, To: wordEnd([]rune(text), from), Code: code, Message: message, Hint: hint})
	}
	var walk func(n ast.Node, inLoop bool, depth int)
	walk = func(n ast.Node, inLoop bool, depth int) {
		if depth > maxExpressionDepth {
			if !tooDeep {
				report(n, "too-deep", "the expression nests too deep, or has too many parts in a row", "split the rule into several")
			}
			tooDeep = true
			return
		}
		switch n := n.(type) {
		case *ast.BuiltinNode:
			if hint, ok := forbidden[n.Name]; ok {
				report(n, "forbidden-function", n.Name+" cannot be used in rules", hint)
			}
			if isPredicate(n) && inLoop {
				report(n, "nested-loop", n.Name+" stands inside another loop over a list", "one loop at a time: a rule must stay fast on any event")
			}
		case *ast.CallNode:
			if name, ok := n.Callee.(*ast.IdentifierNode); ok && name.Value == "now" {
				report(n, "not-a-function", "now is a value, not a function", "write now without brackets")
			}
		case *ast.IdentifierNode:
			if n.Value == "$env" {
				report(n, "unknown-name", "there is no $env here", "write data.field")
			}
		}
		_, isPredicateBody := n.(*ast.PredicateNode)
		for _, child := range children(n) {
			walk(child, inLoop || isPredicateBody, depth+1)
		}
	}
	walk(tree, false, 0)
	return faults
}

func isPredicate(n *ast.BuiltinNode) bool {
	return slices.ContainsFunc(n.Arguments, func(a ast.Node) bool { _, ok := a.(*ast.PredicateNode); return ok })
}

// checkNames finds names and functions that nobody declared and that the
// library's checker does not look at, as in a slice of something untyped.
func (s *Scope) checkNames(text string, tree ast.Node) []Fault {
	var faults []Fault
	var walk func(n ast.Node, vars []string)
	walk = func(n ast.Node, vars []string) {
		switch n := n.(type) {
		case *ast.IdentifierNode:
			if !slices.Contains(s.names(), n.Value) && !slices.Contains(vars, n.Value) && !slices.Contains(functionNames, n.Value) {
				f := Fault{From: n.Location().From, To: n.Location().From + len([]rune(n.Value))}
				s.unknownName(&f, []string{"", n.Value})
				faults = append(faults, f)
			}
		case *ast.MemberNode:
			if field := dataField(n); field != "" && !s.loose && !slices.Contains(s.fieldNames(), field) {
				f := Fault{From: n.Location().From, To: n.Location().From + len([]rune(field))}
				s.unknownField(&f, []string{"", field})
				faults = append(faults, f)
			}
		case *ast.VariableDeclaratorNode:
			walk(n.Value, vars)
			walk(n.Expr, append(slices.Clone(vars), n.Name))
			return
		}
		for _, child := range children(n) {
			walk(child, vars)
		}
	}
	walk(tree, nil)
	return faults
}

// checkConstants tries out what does not depend on the event: a date, a
// duration, a time zone or a pattern that is written wrong is wrong for every
// event.
func checkConstants(text string, tree ast.Node) []Fault {
	var faults []Fault
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		if code, what := constantKind(n); code != "" {
			env := &Env{}
			env.frame.env = env
			env.begin()
			c := compiler{}
			if u, ok := env.eval(c.compile(n)).(*Unknown); ok && u.kind != missing {
				from := n.Location().From
				faults = append(faults, Fault{From: from, To: wordEnd([]rune(text), from), Code: code, Message: what + ": " + u.Reason, Hint: constantHints[code]})
			}
		}
		for _, child := range children(n) {
			walk(child)
		}
	}
	walk(tree)
	return faults
}

var constantHints = map[string]string{
	"bad-date":     `write date("2026-01-31") or date("2026-01-31T09:00:00Z")`,
	"bad-duration": `write duration("90m"), or days(7)`,
	"bad-zone":     `name a zone as "Asia/Kolkata" or "UTC"`,
	"bad-regexp":   "see the syntax that Go's regexp takes (RE2)",
}

// constantKind says what kind of constant a node is that can be written wrong.
func constantKind(n ast.Node) (code, what string) {
	switch n := n.(type) {
	case *ast.BuiltinNode:
		if _, ok := constants(n.Arguments); !ok {
			return "", ""
		}
		switch n.Name {
		case "date":
			return "bad-date", "this is no date"
		case "duration":
			return "bad-duration", "this is no duration"
		case "timezone":
			return "bad-zone", "this is no time zone"
		}
	case *ast.BinaryNode:
		if _, ok := constants([]ast.Node{n.Right}); ok && n.Operator == "matches" {
			if pattern, isText := n.Right.(*ast.StringNode); isText && !validPattern(pattern.Value) {
				return "bad-regexp", "this is no regular expression"
			}
		}
	}
	return "", ""
}

func validPattern(pattern string) bool {
	_, err := regexp.Compile(pattern)
	return err == nil
}

// children are the direct children of a node.
func children(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		return slices.DeleteFunc([]ast.Node{n.Node, n.From, n.To}, func(c ast.Node) bool { return c == nil })
	case *ast.CallNode:
		return append([]ast.Node{n.Callee}, n.Arguments...)
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.VariableDeclaratorNode:
		return []ast.Node{n.Value, n.Expr}
	case *ast.SequenceNode:
		return n.Nodes
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	default:
		return nil
	}
}

// paths are the values that a tree reads, each once: data.score, now, id.
func paths(tree ast.Node) []ast.Node {
	var found []ast.Node
	seen := map[string]bool{}
	var walk func(n ast.Node)
	walk = func(n ast.Node) {
		if isPath(n) {
			if text := n.String(); !seen[text] && text != "data" {
				seen[text] = true
				found = append(found, n)
			}
			return
		}
		if let, ok := n.(*ast.VariableDeclaratorNode); ok {
			seen[let.Name] = true
		}
		for _, child := range children(n) {
			walk(child)
		}
	}
	walk(tree)
	return found
}

// isPath says whether a node is a name or a chain of constant members of one.
func isPath(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return !slices.Contains(functionNames, n.Value)
	case *ast.ChainNode:
		return isPath(n.Node)
	case *ast.MemberNode:
		switch n.Property.(type) {
		case *ast.StringNode, *ast.IntegerNode:
			return !n.Method && isPath(n.Node)
		}
	}
	return false
}

// pathText writes a path as people do: data.score.
func pathText(n ast.Node) string { return strings.ReplaceAll(n.String(), "?.", ".") }
