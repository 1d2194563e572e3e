package expression

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/types"

	"heed/engine/expression/syntax"
	"heed/engine/suggest"
)

// userType is what is known of a user.
var userType = types.Map{"email": types.String, "role": types.String, "teamId": types.String, "active": types.Bool}

// UserFields are the names of what is known of a user.
var UserFields = []string{"email", "role", "teamId", "active"}

// Rankings are what users can be ranked by.
var Rankings = []string{"progress", "time", "score", "completions"}

// lookupChecker finds wrong lookups beyond the event: a table or a column that
// there is not, a person where a value belongs.
type lookupChecker struct {
	*Scope
	text     []rune
	problems []Problem
}

func (s *Scope) checkLookups(text []rune, tree ast.Node) []Problem {
	c := &lookupChecker{Scope: s, text: text}
	c.walk(tree, false)
	return c.problems
}

func (c *lookupChecker) report(n ast.Node, p Problem) {
	c.problems = append(c.problems, p.at(c.text, n))
}

// walk checks a tree; inRecord says that a value of the record is taken, or that
// only its presence is asked for.
func (c *lookupChecker) walk(n ast.Node, inRecord bool) {
	name := syntax.Lookup(n)
	if chain, ok := n.(*ast.ChainNode); ok && name != "" {
		n = chain.Node
	}
	if name == "user" {
		c.checkUser(n, inRecord)
	} else if name != "" {
		c.checkCall(n.(*ast.CallNode), name, inRecord)
	}
	member, isMember := n.(*ast.MemberNode)
	if isMember && syntax.IsRecord(member.Node) {
		c.checkCell(member)
	}
	for _, child := range syntax.Children(n) {
		c.walk(child, isMember && child == member.Node || asksForNil(n))
	}
}

// asksForNil says whether a node asks if there is something at all.
func asksForNil(n ast.Node) bool {
	b, ok := n.(*ast.BinaryNode)
	return ok && (b.Operator == "==" || b.Operator == "!=") && (syntax.IsNil(b.Left) || syntax.IsNil(b.Right))
}

func (c *lookupChecker) checkUser(n ast.Node, inRecord bool) {
	c.noteQuery(Query{About: AboutUser})
	switch {
	case !c.loose && !slices.Contains(c.FieldNames(), "userId"):
		c.report(n, Problem{
			Code: "no-user", Message: c.Events() + " has no userId, so there is no user",
			Hint: "it has " + strings.Join(c.FieldNames(), ", "),
		})
	case !inRecord:
		c.report(n, Problem{
			Code: "bare-record", Message: "user is a person, not a value",
			Hint: "write user.email, user.role, user.teamId or user.active; " +
				"data.userId for the id; user != nil to ask whether the person is known",
		})
	}
}

func (c *lookupChecker) checkCall(call *ast.CallNode, name string, inRecord bool) {
	if len(call.Arguments) != 2 {
		return // the type check says so
	}
	of, isText := call.Arguments[0].(*ast.StringNode)
	by, isFixed := call.Arguments[1].(*ast.StringNode)
	switch {
	case name == "progress":
		c.noteQuery(Query{About: AboutProgress})
	case name == "rank" && (!isFixed || !slices.Contains(Rankings, by.Value)):
		hint := `write rank(data.userId, "score")`
		if isFixed && suggest.Closest(by.Value, Rankings) != "" {
			hint = suggest.DidYouMean(by.Value, Rankings)
		}
		c.report(call.Arguments[1], Problem{
			Code: "unknown-ranking", Message: "users are ranked by " + strings.Join(Rankings, ", "),
			Hint: hint,
		})
	case name == "rank":
		c.noteQuery(Query{About: AboutRank, Key: by.Value})
	case !isText:
		c.report(call.Arguments[0], Problem{
			Code: "unknown-table", Message: "the name of the table is written in quotes",
			Hint: "write " + c.example(c.anyTable()),
		})
	default:
		c.noteQuery(Query{About: AboutLookup, Of: of.Value})
		c.checkTable(call, of, inRecord)
	}
}

func (c *lookupChecker) checkTable(call *ast.CallNode, table *ast.StringNode, inRecord bool) {
	tables := slices.Sorted(maps.Keys(c.tables))
	switch name := table.Value; {
	case len(tables) == 0:
		c.report(table, Problem{
			Code: "unknown-table", Message: "there are no tables to look things up in",
			Hint: "declare it at the top of the file: lookups: {" + name + ": {file: " + name + ".csv, key: userId}}",
		})
	case !slices.Contains(tables, name):
		c.report(table, Problem{
			Code: "unknown-table", Message: "unknown table " + name,
			Hint: suggest.DidYouMean(name, tables),
		})
	case !inRecord:
		c.report(call, Problem{
			Code: "bare-record", Message: "lookup gives a row, not a value",
			Hint: "write the column behind it: " + c.example(name),
		})
	}
}

// checkCell finds a column or a value of a user that there is not.
func (c *lookupChecker) checkCell(member *ast.MemberNode) {
	cell, isText := member.Property.(*ast.StringNode)
	if syntax.Lookup(member.Node) == "user" {
		switch {
		case !isText:
			c.report(member, Problem{
				Code: "unknown-field", Message: "a user has " + strings.Join(UserFields, ", "),
				Hint: "write user.email",
			})
		case !slices.Contains(UserFields, cell.Value):
			c.report(member, Problem{
				Code: "unknown-field", Message: "a user has no " + cell.Value,
				Hint: userHint(cell.Value),
			})
		}
		return
	}
	record := member.Node
	if chain, ok := record.(*ast.ChainNode); ok {
		record = chain.Node
	}
	_, arguments := syntax.Call(record)
	name := syntax.Strings(arguments[:min(1, len(arguments))]...)
	if len(name) == 0 || c.tables[name[0]].Columns == nil {
		return
	}
	table, columns := c.tables[name[0]], c.tables[name[0]].Columns
	switch {
	case !isText:
		c.report(member, Problem{
			Code: "unknown-column", Message: "the column is written as it is",
			Hint: "write " + c.example(name[0]),
		})
	case !slices.Contains(columns, cell.Value):
		hint := "it has " + strings.Join(columns, ", ")
		if closest := suggest.Closest(cell.Value, columns); closest != "" {
			hint = "did you mean " + closest + "?"
		}
		c.report(member, Problem{
			Code: "unknown-column", Message: "the table " + name[0] + " has no column " + cell.Value + table.in(),
			Hint: hint,
		})
	default:
		c.noteRead(name[0], cell.Value)
	}
}

func userHint(name string) string {
	if usage, isFunction := usages[name]; isFunction {
		return "write " + usage
	}
	if closest := suggest.Closest(name, UserFields); closest != "" {
		return "did you mean user." + closest + "?"
	}
	return "it has " + strings.Join(UserFields, ", ")
}

// example is how a cell of a table is written.
func (s *Scope) example(table string) string {
	column, columns := "email", s.tables[table].Columns
	if len(columns) > 0 && !slices.Contains(columns, column) {
		column = columns[len(columns)-1]
	}
	if !plainName.MatchString(column) {
		return fmt.Sprintf("lookup(%q, data.userId)[%q]", table, column)
	}
	return fmt.Sprintf("lookup(%q, data.userId).%s", table, column)
}

// plainName is a column that can stand behind a point.
var plainName = regexp.MustCompile(`^[\pL_]\w*$`)

// anyTable is the name of a table for an example: one of those that there are.
func (s *Scope) anyTable() string {
	if names := slices.Sorted(maps.Keys(s.tables)); len(names) > 0 {
		return names[0]
	}
	return "managers"
}

func (s *Scope) noteQuery(q Query) {
	if !slices.Contains(s.queries, q) {
		s.queries = append(s.queries, q)
	}
}

func (s *Scope) noteRead(table, column string) {
	if s.cells == nil {
		s.cells = map[string]map[string]bool{}
	}
	if s.cells[table] == nil {
		s.cells[table] = map[string]bool{}
	}
	s.cells[table][column] = true
}
