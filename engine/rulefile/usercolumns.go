package rulefile

import (
	"maps"
	"slices"

	"heed/engine/document"
	"heed/engine/expression"
	"heed/engine/suggest"
)

// readUserColumns reads user of a table: the columns that describe a user.
func (b *build) readUserColumns(table string, node *document.Node) []document.Pair {
	if node == nil {
		return nil
	}
	var sound []document.Pair
	for _, pair := range node.Fields(b.report, "user of the table "+table).Pairs() {
		if field := pair.Key.Text(); slices.Contains(tellable, field) {
			sound = append(sound, pair)
		} else {
			b.report.Errorf(pair.Key.Place(), "unknown-field", "a table cannot say what user.%s is", field).
				Suggest("%s", suggest.DidYouMean(field, tellable))
		}
	}
	return sound
}

// tellUsers records what the rows of a table say about users.
func (b *build) tellUsers(table string, l *lookup, user []document.Pair) {
	columns := map[string]string{}
	for _, pair := range user {
		if column := pair.Value.Text(); slices.Contains(l.columns, column) {
			columns[pair.Key.Text()] = column
		} else {
			b.report.Errorf(pair.Value.Place(), "unknown-column", "the table %s has no column %s", table, column).
				Suggest("%s", suggest.DidYouMean(column, l.columns))
		}
	}
	if len(columns) == 0 {
		return
	}
	l.users = make(map[string]expression.Cells, len(l.rows))
	for id, cells := range l.rows {
		r, said := row{l.columns, cells}, expression.Cells{}
		for field, column := range columns {
			if value := r.Cell(column); value != nil {
				said[field] = value
			}
		}
		if len(said) > 0 {
			l.users[id] = said
		}
	}
}

// tellable are the fields of a user that a table can supply: those that are text.
var tellable = slices.DeleteFunc(slices.Clone(expression.UserFields),
	func(name string) bool { return name == "active" })

// user returns what the tables say about a user, or nil. If two tables supply the same
// field, the table whose name sorts first wins.
func (l lookups) user(id string) any {
	said := expression.Cells{}
	for _, name := range slices.Sorted(maps.Keys(l)) {
		for field, value := range l[name].users[id] {
			if said[field] == nil {
				said[field] = value
			}
		}
	}
	if len(said) == 0 {
		return nil
	}
	return said
}

// tellUsers reports whether any table describes users.
func (l lookups) tellUsers() bool {
	for _, of := range l {
		if len(of.users) > 0 {
			return true
		}
	}
	return false
}
