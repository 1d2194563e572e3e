package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"heed/engine/record"
)

// What the pages of the console ask. Each query has a bound.

// EventsByHour counts the accepted events of each hour since a time, the earliest
// first; hours without any are left out.
func (db *DB) EventsByHour(ctx context.Context, since time.Time) (hours []record.HourCount, err error) {
	defer wrap(&err, "count events by hour")
	rows, err := db.readDB.QueryContext(ctx,
		"SELECT hour, sum(n) FROM tallies WHERE rule = '' AND hour >= ? GROUP BY hour ORDER BY hour",
		hourOf(micros(since)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var hour int64
		var h record.HourCount
		if err := rows.Scan(&hour, &h.N); err != nil {
			return nil, err
		}
		h.Hour = timeOf(hour * hourMicros)
		hours = append(hours, h)
	}
	return hours, rows.Err()
}

// DeadDeliveries returns dead deliveries, those of the newest events first, after
// those of the page that gave the cursor, and the cursor of the next page.
func (db *DB) DeadDeliveries(
	ctx context.Context, action, cursor string, limit int,
) (dead []record.DeadDelivery, next string, err error) {
	defer wrap(&err, "read what was given up")
	q := query{text: `SELECT d.n, d.id, e.id, d.rule, d.action, d.kind, d.created_at, d.last_error, d.request IS NOT NULL
		FROM deliveries d JOIN events e ON e.seq = d.n / 65536`}
	q.where("d.state IN ('dead', 'held', 'discarded') AND d.state = 'dead'") // in the words of the index
	if action != "" {
		q.where("d.action = ?", action)
	}
	if cursor != "" {
		before, err := parseCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		q.where("d.n < ?", before)
	}
	q = q.limit("d.n DESC", limit+1)
	rows, err := db.readDB.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	var last int64
	for rows.Next() {
		var d record.DeadDelivery
		var n, createdAt int64
		err := rows.Scan(&n, &d.ID, &d.EventID, &d.Rule, &d.Action, &d.Kind, &createdAt, &d.LastError, &d.Renderable)
		if err != nil {
			return nil, "", err
		}
		if len(dead) == limit {
			return dead, formatCursor(last), nil
		}
		d.CreatedAt = timeOf(createdAt)
		dead, last = append(dead, d), n
	}
	return dead, "", rows.Err()
}

// CountChanging counts the deliveries that Retry, or else Discard, would change of
// those that a filter chooses, up to a number. What is being sent counts, too.
func (db *DB) CountChanging(ctx context.Context, f record.DeliveryFilter, retry bool, most int) (n int, err error) {
	defer wrap(&err, "count deliveries")
	where, args := chosen(f)
	switch {
	case f.State == record.Dead || f.State == record.Held || f.State == record.Discarded:
		where += " AND state IN ('dead', 'held', 'discarded')" // in the words of the index
	case waits(f.State):
		where += " AND due_at IS NOT NULL"
	}
	switch {
	case !retry:
		where += " AND state NOT IN ('done', 'discarded')"
	case f.State == record.Done:
		where += " AND request IS NOT NULL"
	default:
		where += " AND state NOT IN ('pending', 'done') AND request IS NOT NULL"
	}
	bound := make([]any, 0, len(args)+1)
	for _, arg := range args {
		bound = append(bound, arg)
	}
	err = db.readDB.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM deliveries"+where+" LIMIT ?) AS found",
		append(bound, most)...).Scan(&n)
	return n, err
}

// lookedAt is the last delivery that is looked at for a page of those of a rule or an
// action, which no index finds; 0 if all may be.
func (db *DB) lookedAt(ctx context.Context, f record.DeliveryFilter) (n int64, err error) {
	if f.Look == 0 || f.Rule == "" && f.Action == "" || f.State != "" && f.State != record.Done {
		return 0, nil
	}
	q := query{text: "SELECT n FROM deliveries"}
	if f.Before != "" {
		before, err := parseCursor(f.Before)
		if err != nil {
			return 0, err
		}
		q.where("n < ?", before)
	}
	q = q.limit("n DESC", 1)
	err = db.readDB.QueryRowContext(ctx, q.text+" OFFSET ?", append(q.args, f.Look)...).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil // there are fewer
	}
	return n, err
}

func parseCursor(cursor string) (int64, error) {
	n, err := strconv.ParseInt(cursor, 36, 64)
	if err != nil {
		return 0, &CursorError{Cursor: cursor}
	}
	return n, nil
}

func formatCursor(n int64) string { return strconv.FormatInt(n, 36) }
