package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/state"
)

// stateCols are the columns of state as scanState reads them.
const stateCols = `scope, key, "user", data, due_at, expires_at, version`

// Muted implements intake.Store.
func (db *DB) Muted(rule, key string, now time.Time) (state.Mute, bool) {
	return state.FindMute(*db.writer.mutes.Load(), rule, key, now)
}

// StateRow implements intake.Store.
func (db *DB) StateRow(ctx context.Context, ref state.Ref) (row state.Row, ok bool, err error) {
	defer wrap(&err, "read the state of a rule")
	byID, err := db.scopeIDs(ctx, []state.Scope{ref.Scope})
	if err != nil {
		return row, false, err
	}
	for id := range byID {
		rows, err := db.readDB.QueryContext(ctx,
			"SELECT "+stateCols+" FROM state WHERE scope = ? AND key = ?", id, ref.Key)
		if err != nil {
			return row, false, err
		}
		found, err := scanState(rows, byID)
		if err != nil || len(found) == 0 {
			return row, false, err
		}
		return found[0], true, nil
	}
	return row, false, nil
}

// ScopeKeys implements intake.Store.
func (db *DB) ScopeKeys(ctx context.Context, scope state.Scope) (keys int, err error) {
	defer wrap(&err, "count the state of a rule")
	err = db.readDB.QueryRowContext(ctx,
		"SELECT coalesce(sum(keys), 0) FROM state_scopes WHERE rule = ? AND block = ? AND per = ?",
		scope.Rule, scope.Block, scope.Per).Scan(&keys)
	return keys, err
}

// ScopeSince is when a rule began to keep the state of a scope; zero if it keeps none.
func (db *DB) ScopeSince(ctx context.Context, scope state.Scope) (since time.Time, err error) {
	defer wrap(&err, "find since when a rule counts")
	var at int64
	err = db.readDB.QueryRowContext(ctx, "SELECT since FROM state_scopes WHERE rule = ? AND block = ? AND per = ?",
		scope.Rule, scope.Block, scope.Per).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return since, nil
	}
	if err != nil {
		return since, err
	}
	return timeOf(at), nil
}

// DueRows implements intake.Store.
func (db *DB) DueRows(ctx context.Context, q intake.DueQuery) (due []state.Row, next time.Time, err error) {
	defer wrap(&err, "read what is due")
	if len(q.Scopes) == 0 {
		return nil, next, nil // scopeIDs takes that for all
	}
	byID, err := db.scopeIDs(ctx, q.Scopes)
	if err != nil || len(byID) == 0 {
		return nil, next, err
	}
	all := make([]int64, 0, len(byID))
	settling := []int64{}
	for id, scope := range byID {
		all = append(all, id)
		if scope.Block == state.BlockWait && !q.SettledUntil.IsZero() {
			settling = append(settling, id)
		}
	}
	ids, err := db.words.list(all)
	if err != nil {
		return nil, next, err
	}
	waits, err := db.words.list(settling)
	if err != nil {
		return nil, next, err
	}
	scope := db.words.inNumbers("scope")
	chosen := " FROM " + db.words.scopedRows + " WHERE due_at IS NOT NULL AND " + scope +
		" AND NOT (due_at <= ? AND " + scope + ")"
	args := []any{ids, micros(q.SettledUntil), waits}
	rows, err := db.readDB.QueryContext(ctx, "SELECT "+stateCols+chosen+
		" AND due_at <= ? ORDER BY due_at, rule, block, per, key LIMIT ? OFFSET ?",
		append(args, micros(q.Now), q.Limit, q.Skip)...)
	if err != nil {
		return nil, next, err
	}
	if due, err = scanState(rows, byID); err != nil {
		return nil, next, err
	}
	var at *int64
	err = db.readDB.QueryRowContext(ctx, "SELECT min(due_at)"+chosen+" AND due_at > ?",
		append(args, micros(q.Now))...).Scan(&at)
	if at != nil {
		next = timeOf(*at)
	}
	return due, next, err
}

type stateRows interface {
	Next() bool
	Scan(...any) error
	Err() error
	Close() error
}

func scanState(rows stateRows, byID map[int64]state.Scope) (found []state.Row, err error) {
	defer rows.Close()
	for rows.Next() {
		var row state.Row
		var scope int64
		var due, expires *int64
		var data []byte
		if err := rows.Scan(&scope, &row.Key, &row.User, &data, &due, &expires, &row.Version); err != nil {
			return nil, err
		}
		row.Scope, row.Data = byID[scope], data
		if due != nil {
			row.Due = timeOf(*due)
		}
		if expires != nil {
			row.Expires = timeOf(*expires)
		}
		found = append(found, row)
	}
	return found, rows.Err()
}

// scopeIDs are the numbers of the scopes that have rows, with all scopes for nil.
func (db *DB) scopeIDs(ctx context.Context, of []state.Scope) (map[int64]state.Scope, error) {
	wanted := map[state.Scope]bool{}
	for _, scope := range of {
		wanted[scope] = true
	}
	rows, err := db.readDB.QueryContext(ctx, "SELECT id, rule, block, per FROM state_scopes WHERE keys > 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	byID := map[int64]state.Scope{}
	for rows.Next() {
		var id int64
		var scope state.Scope
		if err := rows.Scan(&id, &scope.Rule, &scope.Block, &scope.Per); err != nil {
			return nil, err
		}
		if of == nil || wanted[scope] {
			byID[id] = scope
		}
	}
	return byID, rows.Err()
}

// StateRows implements intake.Store.
func (db *DB) StateRows(ctx context.Context, scope state.Scope, prefix string) (found []state.Row, err error) {
	defer wrap(&err, "read the state of a rule")
	byID, err := db.scopeIDs(ctx, []state.Scope{scope})
	if err != nil {
		return nil, err
	}
	for id := range byID {
		rows, err := db.readDB.QueryContext(ctx,
			"SELECT "+stateCols+" FROM state WHERE scope = ? AND key >= ? AND key < ? ORDER BY key",
			id, prefix, afterPrefix(prefix))
		if err != nil {
			return nil, err
		}
		return scanState(rows, byID)
	}
	return nil, nil
}

// EventsBySeq implements intake.Store.
func (db *DB) EventsBySeq(ctx context.Context, seqs []int64) (events []record.Event, err error) {
	defer wrap(&err, "read events")
	if len(seqs) == 0 {
		return nil, nil
	}
	list, err := db.words.list(seqs)
	if err != nil {
		return nil, err
	}
	q := query{text: "SELECT " + eventHead + ", body FROM events"}
	q.where(db.words.inNumbers("seq"), list)
	return db.events(ctx, q)
}

const selectMutes = "SELECT id, rule, key, reason, from_at, until_at FROM mutes ORDER BY id DESC"

// Mutes returns the mutes, the newest first, those that are over included.
func (db *DB) Mutes(ctx context.Context) (mutes []state.Mute, err error) {
	defer wrap(&err, "read mutes")
	rows, err := db.readDB.QueryContext(ctx, selectMutes)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m state.Mute
		var from, until int64
		if err := rows.Scan(&m.ID, &m.Rule, &m.Key, &m.Reason, &from, &until); err != nil {
			return nil, err
		}
		m.From, m.Until = timeOf(from), timeOf(until)
		mutes = append(mutes, m)
	}
	return mutes, rows.Err()
}

// AddMute stores a mute and returns it with its number.
func (db *DB) AddMute(ctx context.Context, m state.Mute) (added state.Mute, err error) {
	defer wrap(&err, "mute")
	err = db.changeMutes(ctx, func(g *groupTx, mutes []state.Mute) ([]state.Mute, error) {
		added = m
		err := g.conn.Query(func(cols []value) error {
			added.ID, _ = cols[0].(int64)
			return nil
		}, "INSERT INTO mutes (rule, key, reason, from_at, until_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
			m.Rule, m.Key, m.Reason, micros(m.From), micros(m.Until))
		return append([]state.Mute{added}, mutes...), err
	})
	return added, err
}

// EndMutes ends the mutes of a rule now, or those of one key, and returns them.
func (db *DB) EndMutes(ctx context.Context, rule, key string, now time.Time) (ended []state.Mute, err error) {
	defer wrap(&err, "unmute")
	err = db.changeMutes(ctx, func(g *groupTx, mutes []state.Mute) ([]state.Mute, error) {
		ended = nil
		mutes = slices.Clone(mutes)
		for i := range mutes {
			if m := &mutes[i]; m.Rule == rule && (key == "" || m.Key == key) && m.Until.After(now) {
				m.Until = now
				ended = append(ended, *m)
				if _, err := g.conn.Exec("UPDATE mutes SET until_at = ? WHERE id = ?", micros(now), m.ID); err != nil {
					return nil, err
				}
			}
		}
		return mutes, nil
	})
	return ended, err
}

// RenameMutes moves the mutes of a rule to its new name.
func (db *DB) RenameMutes(ctx context.Context, was, rule string) (err error) {
	defer wrap(&err, "rename mutes")
	isOld := func(m state.Mute) bool { return m.Rule == was }
	if !slices.ContainsFunc(*db.writer.mutes.Load(), isOld) {
		return nil
	}
	return db.changeMutes(ctx, func(g *groupTx, mutes []state.Mute) ([]state.Mute, error) {
		mutes = slices.Clone(mutes)
		for i := range mutes {
			if isOld(mutes[i]) {
				mutes[i].Rule = rule
			}
		}
		_, err := g.conn.Exec("UPDATE mutes SET rule = ? WHERE rule = ?", rule, was)
		return mutes, err
	})
}

// changeMutes changes the mutes in a transaction of its own, so that the writer
// knows of them only once they are stored.
func (db *DB) changeMutes(ctx context.Context, change func(*groupTx, []state.Mute) ([]state.Mute, error)) error {
	return db.writer.do(ctx, func(g *groupTx) error {
		mutes, err := change(g, *db.writer.mutes.Load())
		if err != nil {
			return fmt.Errorf("change the mutes: %w", err)
		}
		g.mutes = &mutes
		return nil
	})
}
