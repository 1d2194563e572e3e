package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
)

// conn is the writer's connection. It speaks to the driver without
// database/sql between: for statements with hundreds of values the latter's
// conversions cost as much as the inserts, and the writer is what all wait for.
// Only the writer goroutine uses it.
type conn struct {
	dc      driver.ConnPrepareContext
	stmts   map[string]driver.Stmt
	inserts map[insertKey]driver.Stmt
	args    []driver.NamedValue
}

type insertKey struct {
	into string
	rows int
}

func newConn(driverConn any) (*conn, error) {
	dc, ok := driverConn.(driver.ConnPrepareContext)
	if !ok {
		return nil, fmt.Errorf("the SQLite driver's %T cannot prepare statements", driverConn)
	}
	return &conn{dc: dc, stmts: map[string]driver.Stmt{}, inserts: map[insertKey]driver.Stmt{}}, nil
}

// value is what the driver binds: int64, string, []byte or nil. A nil or empty
// []byte is bound as NULL.
type value = driver.Value

// exec runs one statement and returns how many rows it changed.
func (c *conn) exec(query string, args ...value) (int64, error) {
	s, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	res, err := s.(driver.StmtExecContext).ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// query runs one statement and calls row with each of its rows. The slice is
// only valid during the call, the values stay.
func (c *conn) query(row func(cols []value) error, query string, args ...value) (err error) {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), c.bind(args))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	cols := make([]value, len(rows.Columns()))
	for {
		switch err := rows.Next(cols); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := row(cols); err != nil {
			return err
		}
	}
}

// insertSizes are the numbers of rows for which statements are kept. A row
// costs half as much in a statement of 64 as alone; beyond that little is won.
var insertSizes = []int{64, 32, 16, 8, 4, 2, 1}

// insert adds rows with as few statements as insertSizes allow. into is the
// statement up to VALUES.
func (c *conn) insert(into string, rows [][]value) error {
	for _, size := range insertSizes {
		for ; len(rows) >= size; rows = rows[size:] {
			if err := c.insertExactly(into, rows[:size]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *conn) insertExactly(into string, rows [][]value) error {
	s, err := c.prepareRows(into, len(rows), len(rows[0]))
	if err != nil {
		return err
	}
	c.args = c.args[:0]
	for _, row := range rows {
		c.addArgs(row)
	}
	_, err = s.(driver.StmtExecContext).ExecContext(context.Background(), c.args)
	clear(c.args) // or the bodies among them would stay in memory
	return err
}

func (c *conn) prepareRows(into string, rows, cols int) (driver.Stmt, error) {
	k := insertKey{into, rows}
	if s, ok := c.inserts[k]; ok {
		return s, nil
	}
	row := "(" + strings.Repeat("?,", cols-1) + "?)"
	s, err := c.dc.PrepareContext(context.Background(), into+" VALUES "+strings.Repeat(row+",", rows-1)+row)
	if err != nil {
		return nil, err
	}
	c.inserts[k] = s
	return s, nil
}

// prepare returns the statement for a query that is written in the code: there
// are few, and each is kept.
func (c *conn) prepare(query string) (driver.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.dc.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

func (c *conn) bind(args []value) []driver.NamedValue {
	c.args = c.args[:0]
	c.addArgs(args)
	return c.args
}

func (c *conn) addArgs(vals []value) {
	for _, v := range vals {
		c.args = append(c.args, driver.NamedValue{Ordinal: len(c.args) + 1, Value: v})
	}
}

// close ends the statements; whoever lent the connection closes it.
func (c *conn) close() {
	for _, s := range c.stmts {
		s.Close()
	}
	for _, s := range c.inserts {
		s.Close()
	}
}
