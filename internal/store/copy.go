package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"heed/engine/record"
)

// table is a table as it is copied from one store to another: the columns of its
// key, which give the order, and the others.
type table struct{ name, key, columns string }

// copied are all tables of a store but marks, and those that one database has for
// itself. Whoever adds a table adds it here.
var copied = []table{
	{"rule_sets", "hash", "activated_at, files"},
	{"id_spaces", "name", ""},
	{"events", "seq", strings.TrimPrefix(eventCols, "seq, ")},
	{"reuses", "event", "original, n, last_at"},
	{"hours", "hour", "first_seq, last_seq"},
	{"keys", "k", "seq, other, received_at"},
	{
		"deliveries", "n", "id, rule, action, kind, state, created_at, due_at, attempts, last_error, request," +
			" generation, spent, destination, order_key, recipients, owner",
	},
	{"attempts", "delivery, n", "started_at, ended_at, outcome, error, response"},
	{"lanes", "name", "open_at, wait, state"},
	{"threads", "key", "ts, used_at"},
	{"people", "id", "email, role, team, email_at, role_at, team_at, active_at, active, imported"},
	{"person_details", "id", "name, name_at, manager, manager_at"},
	{"items", "kind, id", "name, named_at"},
	{"progress", `"user", kind, item`, "progress, seconds, best, last, scored_at, completed_at, first_at, last_at"},
	{"state_scopes", "id", "rule, block, per, since, removed_at, keys, settings"},
	{"state", "scope, key", `"user", data, due_at, expires_at, version`},
	{"mutes", "id", "rule, key, reason, from_at, until_at"},
	{"tallies", "rule, hour, outcome", "n"},
	{"audit", "id", "at, who, role, what, target, n, result"},
	{"files_read", "source, path", "size, mod_at, hash"},
	{"contents_read", "source, hash", ""},
}

// ownMarks are marks that mean something in one database only, or are written when
// all is copied.
const ownMarks = "('keys_merged', 'keys_merging', 'probe', 'copying')"

// A page is what is copied in one transaction.
const (
	copyRows  = 1000
	copyBytes = 8 << 20
)

// CopyProgress says how far a copy is: rows of so many, in a step such as "events"
// or "check events".
type CopyProgress func(step string, done, total int64)

// Copy copies a store that nobody else uses into an empty one, and then compares
// them row by row. A copy that was interrupted is continued by the same call; until
// it is complete, Open refuses the store without Options.Copying.
func Copy(ctx context.Context, from, to *DB, progress CopyProgress) (err error) {
	defer wrap(&err, "copy the store")
	if err := from.mergeKeys(ctx); err != nil {
		return err
	}
	if err := to.beginCopy(ctx); err != nil {
		return err
	}
	for _, t := range copied {
		if err := copyTable(ctx, from, to, t, progress); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	_, last, err := from.Learnt(ctx)
	if err != nil {
		return err
	}
	if err := copyMarks(ctx, from, to); err != nil {
		return err
	}
	for _, t := range copied {
		if err := compareTable(ctx, from, to, t, progress); err != nil {
			return fmt.Errorf("check %s: %w", t.name, err)
		}
	}
	return to.endCopy(ctx, last)
}

// CountEvents counts all stored events.
func (db *DB) CountEvents(ctx context.Context) (n int, err error) {
	defer wrap(&err, "count events")
	err = db.readDB.QueryRowContext(ctx, "SELECT count(*) FROM events").Scan(&n)
	return n, err
}

// copying is the mark of a store into which another is being copied.
const copying = "copying"

// checkCopied refuses a store into which another was copied in part.
func (db *DB) checkCopied(ctx context.Context) error {
	half, err := readColumn[int64](ctx, db, "SELECT value FROM marks WHERE name = ?", copying)
	if err == nil && len(half) > 0 {
		err = errors.New("another store was copied into this one in part: run heed migrate again to its end")
	}
	return err
}

// beginCopy marks the store, which must be empty or marked.
func (db *DB) beginCopy(ctx context.Context) error {
	half, err := readColumn[int64](ctx, db, "SELECT value FROM marks WHERE name = ?", copying)
	if err != nil || len(half) > 0 {
		return err
	}
	for _, t := range copied {
		rows, err := readColumn[int64](ctx, db, "SELECT count(*) FROM (SELECT 1 FROM "+t.name+" LIMIT 1) AS one")
		if err != nil {
			return err
		}
		if rows[0] > 0 {
			return fmt.Errorf("the store to copy to is not empty: it has %s. Name another one", t.name)
		}
	}
	return db.writer.do(ctx, func(g *groupTx) error {
		return g.conn.Send("INSERT INTO marks (name, value) VALUES (?, 1)", copying)
	})
}

// endCopy makes the store one that is complete, with the number of the last event.
func (db *DB) endCopy(ctx context.Context, last int64) error {
	return db.writer.do(ctx, func(g *groupTx) error {
		g.nextSeq = last + 1
		g.writer.version = time.Now().UnixNano()
		if err := db.base.copied(g, last); err != nil {
			return err
		}
		return g.conn.Send("DELETE FROM marks WHERE name = ?", copying)
	})
}

func copyTable(ctx context.Context, from, to *DB, t table, progress CopyProgress) error {
	total, err := readColumn[int64](ctx, from, "SELECT count(*) FROM "+t.name)
	if err != nil {
		return err
	}
	after, done, err := lastCopied(ctx, to, t)
	if err != nil {
		return err
	}
	add := to.copies(t)
	for {
		rows, err := t.page(ctx, from, after)
		if err != nil || len(rows) == 0 {
			return err
		}
		err = to.writer.do(ctx, func(g *groupTx) error {
			found := make([][]value, len(rows))
			for i, row := range rows {
				found[i] = to.copyOf(t, row)
			}
			return add.insert(g.conn, found)
		})
		if err != nil {
			return err
		}
		after = rows[len(rows)-1][:t.keys()]
		done += int64(len(rows))
		progress(t.name, done, total[0])
	}
}

// copies adds copied rows; those that are there already stay.
func (db *DB) copies(t table) insertion {
	columns := t.all()
	if t.name == "events" && db.words.userColumn {
		columns += ", user_id"
	}
	return insertionOf("INTO "+t.name, columns, " ON CONFLICT DO NOTHING")
}

// copyOf is a row as it is added.
func (db *DB) copyOf(t table, row []value) []value {
	if t.name != "events" || !db.words.userColumn {
		return row
	}
	status, _ := row[colStatus].(string)
	body, _ := row[colBody].([]byte)
	return append(slices.Clip(row), orNull(userOf(&record.Event{Status: record.Status(status), Body: body})))
}

// lastCopied is the key after which rows are still to be copied, nil for all, and
// how many are copied already.
func lastCopied(ctx context.Context, to *DB, t table) (after []value, done int64, err error) {
	counts, err := readColumn[int64](ctx, to, "SELECT count(*) FROM "+t.name)
	if err != nil || counts[0] == 0 {
		return nil, 0, err
	}
	rows, err := t.read(ctx, to, "SELECT "+t.key+" FROM "+t.name+" ORDER BY "+t.descending()+" LIMIT 1")
	if err != nil {
		return nil, 0, err
	}
	return rows[0], counts[0], nil
}

// copyMarks copies the marks.
func copyMarks(ctx context.Context, from, to *DB) error {
	t := table{"marks", "name", "value"}
	rows, err := t.read(ctx, from, "SELECT name, value FROM marks WHERE name NOT IN "+ownMarks)
	if err != nil {
		return err
	}
	return to.writer.do(ctx, func(g *groupTx) error {
		return replaceInto("marks", "name", "value").insert(g.conn, rows)
	})
}

// compareTable is an error if the tables do not have the same rows.
func compareTable(ctx context.Context, from, to *DB, t table, progress CopyProgress) error {
	total, err := readColumn[int64](ctx, from, "SELECT count(*) FROM "+t.name)
	if err != nil {
		return err
	}
	copies, err := readColumn[int64](ctx, to, "SELECT count(*) FROM "+t.name)
	if err != nil {
		return err
	}
	if total[0] != copies[0] {
		return fmt.Errorf("there are %d rows, and %d were copied: was one of the stores used meanwhile?", total[0],
			copies[0])
	}
	var after []value
	for done := int64(0); ; {
		rows, err := t.page(ctx, from, after)
		if err != nil || len(rows) == 0 {
			return err
		}
		same, err := t.page(ctx, to, after)
		if err != nil {
			return err
		}
		for i, row := range rows {
			if i < len(same) && reflect.DeepEqual(row, same[i]) {
				continue
			}
			// Texts that are no UTF-8 may come in another order.
			found, err := t.read(ctx, to, "SELECT "+t.all()+" FROM "+t.name+" WHERE "+t.is("="), row[:t.keys()]...)
			if err != nil {
				return err
			}
			if len(found) != 1 || !reflect.DeepEqual(row, found[0]) {
				return fmt.Errorf("the row with the key %v is not the same", row[:t.keys()])
			}
		}
		after = rows[len(rows)-1][:t.keys()]
		done += int64(len(rows))
		progress("check "+t.name, done, total[0])
	}
}

func (t table) keys() int { return strings.Count(t.key, ",") + 1 }

func (t table) all() string {
	if t.columns == "" {
		return t.key
	}
	return t.key + ", " + t.columns
}

func (t table) descending() string { return strings.ReplaceAll(t.key, ",", " DESC,") + " DESC" }

// is compares the key with parameters.
func (t table) is(operator string) string {
	return "(" + t.key + ") " + operator + " (" + strings.Repeat("?, ", t.keys()-1) + "?)"
}

// page are the rows after a key, in its order: some thousand, or some megabytes.
func (t table) page(ctx context.Context, db *DB, after []value) ([][]value, error) {
	query := "SELECT " + t.all() + " FROM " + t.in(db)
	if after != nil {
		query += " WHERE " + t.is(">")
	}
	return t.read(ctx, db, fmt.Sprintf("%s ORDER BY %s LIMIT %d", query, t.key, copyRows), after...)
}

// in is the table in a store: of keys in runs, all runs in the order of one table.
func (t table) in(db *DB) string {
	if t.name != "keys" || db.words.shared {
		return t.name
	}
	runs := db.writer.keys.numbers()
	if len(runs) == 0 {
		return t.name
	}
	parts := make([]string, len(runs))
	for i, run := range runs {
		parts[i] = fmt.Sprintf("SELECT %s FROM keys WHERE run = %d", t.all(), run)
	}
	return "(" + strings.Join(parts, " UNION ALL ") + ") AS keys"
}

// read are the rows that a query selects, some megabytes at most.
func (t table) read(ctx context.Context, db *DB, query string, args ...value) (found [][]value, err error) {
	params := make([]any, len(args))
	for i, v := range args {
		params[i] = v
	}
	rows, err := db.readDB.QueryContext(ctx, query, params...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for size := 0; size < copyBytes && rows.Next(); {
		row, read, into := make([]value, len(columns)), make([]any, len(columns)), make([]any, len(columns))
		for i := range read {
			into[i] = &read[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i, v := range read {
			row[i] = v
			if bytes, ok := v.([]byte); ok {
				size += len(bytes)
			}
		}
		found = append(found, row)
	}
	return found, rows.Err()
}
