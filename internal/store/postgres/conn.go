package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// roundTrip bounds how long the server may take to answer: a connection that is
// cut without a word would otherwise hang for many minutes.
const roundTrip = 15 * time.Second

// Conn is a connection for transactions. What is sent travels together with the
// next statement that asks for something, so a transaction takes few round trips.
// It connects again after it was lost. Only one goroutine may use it.
type Conn struct {
	server   *Server
	conn     *pgx.Conn
	sent     *pgx.Batch
	numbered map[string]string // statements, as they are numbered
}

// Send runs one statement of which nothing is asked, at the latest with the next
// one, which then returns its error.
func (c *Conn) Send(query string, args ...driver.Value) error {
	text, ok := c.numbered[query]
	if !ok {
		text = number(query)
		c.numbered[query] = text
	}
	params := make([]any, len(args))
	for i, v := range args {
		params[i] = escaped(v)
	}
	if c.sent == nil {
		c.sent = &pgx.Batch{}
	}
	c.sent.Queue(text, params...)
	return nil
}

// SendRows is Send with the values of several rows, one after the other.
func (c *Conn) SendRows(query string, rows [][]driver.Value) error {
	return c.Send(query, slices.Concat(rows...)...)
}

// Flush runs what was sent.
func (c *Conn) Flush() error {
	if c.sent == nil {
		return nil
	}
	return c.run(func(results pgx.BatchResults) error {
		_, err := results.Exec()
		return err
	})
}

// Exec runs one statement and returns how many rows it changed.
func (c *Conn) Exec(query string, args ...driver.Value) (changed int64, err error) {
	if err := c.Send(query, args...); err != nil {
		return 0, err
	}
	err = c.run(func(results pgx.BatchResults) error {
		tag, err := results.Exec()
		changed = tag.RowsAffected()
		return err
	})
	return changed, err
}

// Query runs one statement and calls row with each of its rows. The slice is only
// valid during the call.
func (c *Conn) Query(row func(cols []driver.Value) error, query string, args ...driver.Value) error {
	if err := c.Send(query, args...); err != nil {
		return err
	}
	var faulty error // of row: the answer must be read to its end
	err := c.run(func(results pgx.BatchResults) error {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		defer rows.Close()
		var cols []driver.Value
		for rows.Next() && faulty == nil {
			values, err := rows.Values()
			if err != nil {
				return err
			}
			cols = cols[:0]
			for _, v := range values {
				v, err := plain(v)
				if err != nil {
					return err
				}
				cols = append(cols, v)
			}
			faulty = row(cols)
		}
		rows.Close()
		return rows.Err()
	})
	return errors.Join(err, faulty)
}

// run sends the statements and reads the answers, the last one with last.
func (c *Conn) run(last func(pgx.BatchResults) error) (err error) {
	sent := c.sent
	c.sent = nil
	ctx, stop := context.WithTimeout(context.Background(), roundTrip)
	defer stop()
	if c.conn == nil || c.conn.IsClosed() {
		if c.conn, err = c.server.connect(ctx); err != nil {
			return &LostError{err}
		}
	}
	defer func() {
		if err != nil && c.conn.IsClosed() {
			err = &LostError{err}
		}
	}()
	results := c.conn.SendBatch(ctx, sent)
	for range sent.Len() - 1 {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // it says the same
			return err
		}
	}
	err = last(results)
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Discard forgets what was sent and not run.
func (c *Conn) Discard() { c.sent = nil }

// IsLost says that there is no connection, so no transaction either.
func (c *Conn) IsLost() bool { return c.conn == nil || c.conn.IsClosed() }

// Close closes the connection.
func (c *Conn) Close() error {
	if c.conn == nil {
		return nil
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	return c.conn.Close(ctx)
}

// plain is a value as the store reads it: int64, string, []byte, float64 or nil.
func plain(v any) (driver.Value, error) {
	switch v := v.(type) {
	case nil, int64, []byte, float64:
		return v, nil
	case string:
		return unescape(v), nil
	case int32:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case pgtype.Numeric:
		n, err := v.Int64Value()
		return n.Int64, err
	default:
		return nil, fmt.Errorf("the server gave a %T, which heed does not read", v)
	}
}
