package expression

import (
	"cmp"
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

// userType is the type of user.
var userType = types.Map{
	"email": types.String, "name": types.String, "role": types.String, "teamId": types.String,
	"manager": types.String, "active": types.Bool,
}

// UserFields are the names of the fields of a user.
var UserFields = []string{"email", "name", "role", "teamId", "manager", "active"}

// Rankings are the criteria by which users can be ranked.
var Rankings = []string{"progress", "time", "score", "completions"}

// reporter adds a problem at a node.
type reporter func(n ast.Node, code, message, hint string)

// checkLookups finds mistakes in lookups beyond the event: an unknown table or column, or
// a person where a value belongs.
func (s *Scope) checkLookups(text []rune, tree ast.Node) (problems []Problem) {
	report := func(n ast.Node, code, message, hint string) {
		problems = append(problems, Problem{Code: code, Message: message, Hint: hint}.at(text, n))
	}
	// inRecord reports whether the parent node takes a value of the record, or only asks
	// whether the record exists.
	var walk func(n ast.Node, inRecord bool)
	walk = func(n ast.Node, inRecord bool) {
		name := syntax.Lookup(n)
		if chain, ok := n.(*ast.ChainNode); ok && name != "" {
			n = chain.Node
		}
		if name == "user" {
			s.checkUser(n, inRecord, report)
		} else if name != "" {
			s.checkCall(n.(*ast.CallNode), name, inRecord, report)
		}
		member, isMember := n.(*ast.MemberNode)
		if isMember && syntax.IsRecord(member.Node) {
			s.checkCell(member, report)
		}
		for _, child := range syntax.Children(n) {
			walk(child, isMember && child == member.Node || asksForNil(n))
		}
	}
	walk(tree, false)
	return problems
}

// asksForNil reports whether a node compares something with nil.
func asksForNil(n ast.Node) bool {
	b, ok := n.(*ast.BinaryNode)
	return ok && (b.Operator == "==" || b.Operator == "!=") && (syntax.IsNil(b.Left) || syntax.IsNil(b.Right))
}

func (s *Scope) checkUser(n ast.Node, inRecord bool, report reporter) {
	s.noteQuery(Query{About: AboutUser})
	switch {
	case !s.loose && !slices.Contains(s.FieldNames(), "userId"):
		report(n, "no-user", s.Events()+" has no userId, so there is no user",
			"it has "+s.someFields())
	case !inRecord:
		report(n, "bare-record", "user is a person, not a value",
			"write user.email, user.name, user.role, user.teamId, user.manager or "+
				"user.active; data.userId for the id; user != nil to ask whether the person is known")
	}
}

func (s *Scope) checkCall(call *ast.CallNode, name string, inRecord bool, report reporter) {
	if len(call.Arguments) != 2 {
		return // reported by the type check
	}
	of, isText := call.Arguments[0].(*ast.StringNode)
	by, isFixed := call.Arguments[1].(*ast.StringNode)
	switch {
	case name == "progress":
		s.noteQuery(Query{About: AboutProgress})
	case name == "rank" && isFixed && slices.Contains(Rankings, by.Value):
		s.noteQuery(Query{About: AboutRank, Key: by.Value})
	case name == "rank":
		hint := `write rank(data.userId, "score")`
		if isFixed && suggest.Closest(by.Value, Rankings) != "" {
			hint = suggest.DidYouMean(by.Value, Rankings)
		}
		report(call.Arguments[1], "unknown-ranking", "users are ranked by "+strings.Join(Rankings, ", "), hint)
	case !isText:
		report(call.Arguments[0], "unknown-table", "the name of the table is written in quotes",
			"write "+s.example(s.anyTable()))
	default:
		s.noteQuery(Query{About: AboutLookup, Of: of.Value})
		s.checkTable(call, of, inRecord, report)
	}
}

func (s *Scope) checkTable(call *ast.CallNode, table *ast.StringNode, inRecord bool, report reporter) {
	tables := slices.Sorted(maps.Keys(s.tables))
	switch name := table.Value; {
	case len(tables) == 0:
		report(table, "unknown-table", "there are no tables to look things up in",
			"declare it at the top of the file: lookups: {"+name+": {file: "+name+".csv, key: userId}}")
	case !slices.Contains(tables, name):
		report(table, "unknown-table", "unknown table "+name, suggest.DidYouMean(name, tables))
	case !inRecord:
		report(call, "bare-record", "lookup gives a row, not a value", "write the column behind it: "+s.example(name))
	}
}

// checkCell finds an unknown column, or an unknown value of a user.
func (s *Scope) checkCell(member *ast.MemberNode, report reporter) {
	cell := strings.Join(syntax.Strings(member.Property), "")
	if syntax.Lookup(member.Node) == "user" {
		if !slices.Contains(UserFields, cell) {
			report(member, "unknown-field", "a user has no "+cmp.Or(cell, "such value"), userHint(cell))
		}
		return
	}
	record := member.Node
	if chain, ok := record.(*ast.ChainNode); ok {
		record = chain.Node
	}
	_, arguments := syntax.Call(record)
	name := strings.Join(syntax.Strings(arguments[:min(1, len(arguments))]...), "")
	switch table := s.tables[name]; {
	case table.Columns == nil:
	case cell == "":
		report(member, "unknown-column", "the column is written as it is", "write "+s.example(name))
	case !slices.Contains(table.Columns, cell):
		hint := "it has " + strings.Join(table.Columns, ", ")
		if closest := suggest.Closest(cell, table.Columns); closest != "" {
			hint = "did you mean " + closest + "?"
		}
		report(member, "unknown-column", "the table "+name+" has no column "+cell+table.in(), hint)
	default:
		s.noteRead(name, cell)
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

// example returns an example of a cell of a table.
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

// plainName matches a column name that can follow a dot.
var plainName = regexp.MustCompile(`^[\pL_]\w*$`)

// anyTable returns the name of some existing table, for an example.
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
