package postgres

import (
	"context"
	"database/sql/driver"

	"github.com/jackc/pgx/v5/stdlib"
)

// connector wraps the connections of the driver.
type connector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &reading{conn.(*stdlib.Conn)}, nil
}

// reading is a connection that takes statements with question marks, and escapes
// texts.
type reading struct{ *stdlib.Conn }

// QueryContext implements driver.QueryerContext.
func (c *reading) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	found, err := c.Conn.QueryContext(ctx, number(query), escapedArgs(args))
	if err != nil {
		return nil, err
	}
	return &rows{found}, nil
}

// ExecContext implements driver.ExecerContext.
func (c *reading) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.ExecContext(ctx, number(query), escapedArgs(args))
}

// PrepareContext implements driver.ConnPrepareContext. The driver keeps statements
// by itself.
func (c *reading) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &statement{c, query}, nil
}

func escapedArgs(args []driver.NamedValue) []driver.NamedValue {
	for i := range args {
		args[i].Value = escaped(args[i].Value)
	}
	return args
}

// statement is a query that is run again.
type statement struct {
	conn  *reading
	query string
}

// Close implements driver.Stmt.
func (s *statement) Close() error { return nil }

// NumInput implements driver.Stmt: the server counts.
func (s *statement) NumInput() int { return -1 }

// QueryContext implements driver.StmtQueryContext.
func (s *statement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

// Exec and Query implement driver.Stmt; database/sql calls QueryContext.
func (s *statement) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (s *statement) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }

// rows are found rows.
type rows struct{ driver.Rows }

// Next implements driver.Rows.
func (r *rows) Next(into []driver.Value) error {
	if err := r.Rows.Next(into); err != nil {
		return err
	}
	for i, v := range into {
		if text, ok := v.(string); ok {
			into[i] = unescape(text)
		}
	}
	return nil
}
