package store

import (
	"database/sql/driver"
	"strings"
)

// value is what a statement is given and gives: int64, string, []byte or nil. A
// nil or empty []byte is NULL.
type value = driver.Value

// conn is the connection on which the writer's transactions run. Only the
// writer's goroutine uses it.
type conn interface {
	// Exec runs one statement and returns how many rows it changed.
	Exec(query string, args ...value) (int64, error)
	// Query runs one statement and calls row with each of its rows. The slice is
	// only valid during the call, the values stay.
	Query(row func(cols []value) error, query string, args ...value) error
	// Send runs one statement of which nothing is asked. It may run with the next
	// one, which then returns its error; the arguments are not changed after the call.
	Send(query string, args ...value) error
	// SendRows is Send with the values of several rows, one after the other.
	SendRows(query string, rows [][]value) error
	// Flush runs what was sent.
	Flush() error
}

// insertSizes are the numbers of rows for which there are statements. A row
// costs half as much in a statement of 64 as alone; beyond that little is won.
var insertSizes = []int{64, 32, 16, 8, 4, 2, 1}

// insertion adds rows to a table, by a statement for each of insertSizes.
type insertion struct{ texts map[int]string }

// insertInto adds rows with these columns. A row that is there already is an error.
func insertInto(table, columns string) insertion { return insertionOf("INTO "+table, columns, "") }

// replaceInto adds rows, or replaces those that have the same key.
func replaceInto(table, key, columns string) insertion {
	var set []string
	for column := range strings.SplitSeq(columns, ", ") {
		set = append(set, column+" = excluded."+column)
	}
	return insertionOf("INTO "+table, key+", "+columns, " ON CONFLICT ("+key+") DO UPDATE SET "+strings.Join(set, ", "))
}

func insertionOf(into, columns, conflict string) insertion {
	row := "(" + strings.Repeat("?,", strings.Count(columns, ",")) + "?)"
	texts := map[int]string{}
	for _, size := range insertSizes {
		texts[size] = "INSERT " + into + " (" + columns + ") VALUES " +
			strings.Repeat(row+",", size-1) + row + conflict
	}
	return insertion{texts}
}

// insert adds the rows with as few statements as insertSizes allow.
func (in insertion) insert(c conn, rows [][]value) error {
	for _, size := range insertSizes {
		for ; len(rows) >= size; rows = rows[size:] {
			if err := c.SendRows(in.texts[size], rows[:size]); err != nil {
				return err
			}
		}
	}
	return nil
}
