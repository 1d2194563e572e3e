package expression

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/types"

	"heed/engine/suggest"
)

// userType is what is known of a user.
var userType = types.Map{"email": types.String, "role": types.String, "teamId": types.String, "active": types.Bool}

// UserFields are the names of what is known of a user.
var UserFields = []string{"email", "role", "teamId", "active"}

// Rankings are what users can be ranked by.
var Rankings = []string{"progress", "time", "score", "completions"}

// checkFacts finds what is asked wrongly beyond the event: a table that there
// is not, a column that it does not have, a person where a value belongs.
func (s *Scope) checkFacts(text string, tree ast.Node) []Problem {
	var faults []Problem
	runes := []rune(text)
	report := func(n ast.Node, f Problem) {
		f.From = n.Location().From
		f.To = wordEnd(runes, f.From)
		if _, isText := n.(*ast.StringNode); isText && f.From < len(runes) && strings.ContainsRune("\"'`", runes[f.From]) {
			f.To = f.From + 1 + max(1, slices.Index(runes[f.From+1:], runes[f.From])+1)
		}
		faults = append(faults, f)
	}
	var walk func(n ast.Node, inRecord bool)
	walk = func(n ast.Node, inRecord bool) {
		switch asks(n) {
		case "":
		case "user":
			s.checkUser(n, inRecord, report)
		default:
			s.checkCall(n, inRecord, report)
		}
		if chain, ok := n.(*ast.ChainNode); ok && asks(n) != "" {
			n = chain.Node // it was looked at
		}
		member, isMember := n.(*ast.MemberNode)
		if isMember && isRecord(member.Node) {
			s.checkCell(member, report)
		}
		for _, child := range children(n) {
			walk(child, isMember && child == member.Node || asksForNil(n))
		}
	}
	walk(tree, false)
	return faults
}

// asksForNil says whether a node asks if there is something at all.
func asksForNil(n ast.Node) bool {
	b, ok := n.(*ast.BinaryNode)
	return ok && (b.Operator == "==" || b.Operator == "!=") && (isNil(b.Left) || isNil(b.Right))
}

func (s *Scope) checkUser(n ast.Node, inRecord bool, report func(ast.Node, Problem)) {
	s.noteQuery(Query{About: AboutUser})
	switch {
	case !s.loose && !slices.Contains(s.fieldNames(), "userId"):
		report(n, Problem{Code: "no-user", Message: s.events() + " has no userId, so there is no user", Hint: "it has " + strings.Join(s.fieldNames(), ", ")})
	case !inRecord:
		report(n, Problem{Code: "bare-record", Message: "user is a person, not a value", Hint: "write user.email, user.role, user.teamId or user.active; data.userId for the id; user != nil to ask whether the person is known"})
	}
}

func (s *Scope) checkCall(n ast.Node, inRecord bool, report func(ast.Node, Problem)) {
	if chain, ok := n.(*ast.ChainNode); ok {
		n = chain.Node
	}
	call := n.(*ast.CallNode)
	name := asks(call)
	if len(call.Arguments) != 2 {
		if table, ok := firstText(call.Arguments); ok && name == "lookup" && len(call.Arguments) == 1 {
			report(call, Problem{Code: "type-mismatch", Message: "lookup lacks the key of the row", Hint: "write " + s.example(table)})
		}
		return // the type check says so
	}
	switch name {
	case "progress":
		s.noteQuery(Query{About: AboutProgress})
	case "lookup":
		tables := slices.Sorted(maps.Keys(s.tables))
		table, isText := call.Arguments[0].(*ast.StringNode)
		if isText {
			s.noteQuery(Query{About: AboutLookup, Of: table.Value})
		}
		switch {
		case !isText:
			report(call.Arguments[0], Problem{Code: "unknown-table", Message: "the name of the table stands in quotes", Hint: "write " + s.lookupOf(call.Arguments)})
		case len(tables) == 0:
			report(table, Problem{Code: "unknown-table", Message: "there are no tables to look things up in", Hint: "declare it at the top of the file: lookups: {" + table.Value + ": {file: " + table.Value + ".csv, key: userId}}"})
		case !slices.Contains(tables, table.Value):
			report(table, Problem{Code: "unknown-table", Message: "there is no table called " + table.Value, Hint: suggest.DidYouMean(table.Value, tables)})
		case !inRecord:
			report(call, Problem{Code: "bare-record", Message: "lookup gives a row, not a value", Hint: "write the column behind it: " + s.example(table.Value)})
		}
	case "rank":
		by, isText := call.Arguments[1].(*ast.StringNode)
		if isText {
			s.noteQuery(Query{About: AboutRank, Key: by.Value})
		}
		if !isText || !slices.Contains(Rankings, by.Value) {
			f := Problem{Code: "unknown-ranking", Message: "users are ranked by " + strings.Join(Rankings, ", "), Hint: `write rank(data.userId, "score")`}
			if isText && suggest.Closest(by.Value, Rankings) != "" {
				f.Hint = suggest.DidYouMean(by.Value, Rankings)
			}
			report(call.Arguments[1], f)
		}
	}
}

// example is how a cell of a table is written.
func (s *Scope) example(table string) string { return s.cell(table, "data.userId", "") }

// cell is how a cell of a table is written, of any column if none is given.
func (s *Scope) cell(table, key, column string) string {
	if columns := s.tables[table].Columns; column == "" {
		column = "email"
		if len(columns) > 0 && !slices.Contains(columns, column) {
			column = columns[len(columns)-1]
		}
	}
	if !plainName.MatchString(column) {
		return fmt.Sprintf("lookup(%q, %s)[%q]", table, key, column)
	}
	return fmt.Sprintf("lookup(%q, %s).%s", table, key, column)
}

// lookupOf is a lookup with these arguments, the table's name in quotes wherever
// it stands among them.
func (s *Scope) lookupOf(arguments []ast.Node) string {
	table, key := s.anyTable(), "data.userId"
	for _, argument := range arguments {
		name := ""
		switch n := argument.(type) {
		case *ast.StringNode:
			name = n.Value
		case *ast.IdentifierNode:
			name = n.Value
		}
		if _, known := s.tables[name]; known {
			table = name
		} else if isPath(argument) && name == "" {
			key = pathText(argument)
		}
	}
	return s.cell(table, key, "")
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

// checkCell finds a column or a value of a user that there is not.
func (s *Scope) checkCell(member *ast.MemberNode, report func(ast.Node, Problem)) {
	cell, isText := member.Property.(*ast.StringNode)
	record := member.Node
	if chain, ok := record.(*ast.ChainNode); ok {
		record = chain.Node
	}
	if asks(record) == "user" {
		if !isText || !slices.Contains(UserFields, cell.Value) {
			f := Problem{Code: "unknown-field", Message: "of a user is known: " + strings.Join(UserFields, ", "), Hint: "write user.email"}
			if isText {
				f.Message = "a user has no " + cell.Value
				f.Hint = s.userHint(cell.Value)
			}
			report(member, f)
		}
		return
	}
	call, ok := record.(*ast.CallNode)
	if !ok || len(call.Arguments) == 0 {
		return
	}
	table, named := call.Arguments[0].(*ast.StringNode)
	if !named || s.tables[table.Value].Columns == nil {
		return
	}
	columns := s.tables[table.Value].Columns
	switch {
	case !isText:
		report(member, Problem{Code: "unknown-column", Message: "the column is written as it is", Hint: "write " + s.example(table.Value)})
	case !slices.Contains(columns, cell.Value):
		hint := "it has " + strings.Join(columns, ", ")
		if closest := suggest.Closest(cell.Value, columns); closest != "" {
			hint = "did you mean " + closest + "?"
		}
		report(member, Problem{Code: "unknown-column", Message: "the table " + table.Value + " has no column " + cell.Value + s.tables[table.Value].in(), Hint: hint})
	default:
		s.noteRead(table.Value, cell.Value)
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

func (s *Scope) userHint(name string) string {
	switch strings.ToLower(name) {
	case "id", "userid":
		return "write data.userId"
	case "progress", "progresspct":
		return s.usageOf("progress")
	case "rank", "place":
		return s.usageOf("rank")
	case "score", "points":
		if slices.Contains(s.fieldNames(), "score") {
			return "write data.score"
		}
	case "team":
		return "write user.teamId"
	case "mail", "emailaddress":
		return "write user.email"
	case "manager", "manageremail":
		return "who manages whom stands in a table: " + s.example(s.anyTable())
	}
	if closest := suggest.Closest(name, UserFields); closest != "" {
		return "did you mean user." + closest + "?"
	}
	return "it has " + strings.Join(UserFields, ", ")
}
