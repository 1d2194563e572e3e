package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// sqliteConn is the writer's connection to SQLite. It speaks to the driver without
// database/sql between: for statements with hundreds of values the latter's
// conversions cost as much as the inserts, and the writer is what all wait for.
type sqliteConn struct {
	dc    driver.ConnPrepareContext
	stmts map[string]driver.Stmt
	args  []driver.NamedValue
}

func newSQLiteConn(driverConn any) (*sqliteConn, error) {
	dc, ok := driverConn.(driver.ConnPrepareContext)
	if !ok {
		return nil, fmt.Errorf("the SQLite driver's %T cannot prepare statements", driverConn)
	}
	return &sqliteConn{dc: dc, stmts: map[string]driver.Stmt{}}, nil
}

// Exec implements conn.
func (c *sqliteConn) Exec(query string, args ...value) (int64, error) {
	return c.exec(query, c.bind(args))
}

func (c *sqliteConn) exec(query string, args []driver.NamedValue) (int64, error) {
	s, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	res, err := s.(driver.StmtExecContext).ExecContext(context.Background(), args)
	clear(c.args) // or the bodies among them would stay in memory
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Send implements conn: it runs the statement at once.
func (c *sqliteConn) Send(query string, args ...value) error {
	_, err := c.Exec(query, args...)
	return err
}

// SendRows implements conn: it runs the statement at once.
func (c *sqliteConn) SendRows(query string, rows [][]value) error {
	_, err := c.exec(query, c.bind(rows...))
	return err
}

// Flush implements conn.
func (c *sqliteConn) Flush() error { return nil }

// Query implements conn.
func (c *sqliteConn) Query(row func(cols []value) error, query string, args ...value) (err error) {
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

// prepare returns the statement for a query that is written in the code: there
// are few, and each is kept.
func (c *sqliteConn) prepare(query string) (driver.Stmt, error) {
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

func (c *sqliteConn) bind(rows ...[]value) []driver.NamedValue {
	c.args = c.args[:0]
	for _, row := range rows {
		for _, v := range row {
			c.args = append(c.args, driver.NamedValue{Ordinal: len(c.args) + 1, Value: v})
		}
	}
	return c.args
}

// close ends the statements; whoever lent the connection closes it.
func (c *sqliteConn) close() {
	for _, s := range c.stmts {
		s.Close()
	}
}
