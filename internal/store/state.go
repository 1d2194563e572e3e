package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"heed/engine/state"
)

// stateScope is what the writer knows of a scope.
type stateScope struct {
	id   int64
	keys int
}

// scopes are the scopes of the store. The writer changes them after a commit.
type scopes map[state.Scope]stateScope

// stateTx are the rows of state that one group reads and changes. It implements
// state.Rows. Errors of the database are kept in err, since a fold has none.
type stateTx struct {
	g    *groupTx
	rows map[state.Ref]*stateRow
	err  error
}

// stateRow is a row as the group sees it.
type stateRow struct {
	state.Row
	exists, stored, changed bool
}

func (g *groupTx) stateTx() *stateTx { return &stateTx{g: g, rows: map[state.Ref]*stateRow{}} }

// scope returns a scope, which is made if it is new.
func (s *stateTx) scope(of state.Scope) stateScope {
	if known, ok := s.g.scopes[of]; ok {
		return known
	}
	if known, ok := s.g.writer.scopes[of]; ok && !s.g.gone[of] {
		return known
	}
	var made stateScope
	s.fail(s.g.conn.Query(func(cols []value) error {
		made.id = cols[0].(int64)
		return nil
	}, "INSERT INTO state_scopes (rule, block, per, since) VALUES (?, ?, ?, ?) RETURNING id",
		of.Rule, of.Block, of.Per, micros(time.Now())))
	s.g.scopes[of] = made
	return made
}

// where is where a row is now: an event that was decided just before its rule was
// renamed means the rows that have moved.
func (s *stateTx) where(ref state.Ref) state.Ref {
	for now, moved := s.g.renamed[ref.Scope]; moved; now, moved = s.g.renamed[ref.Scope] {
		ref.Scope = now
	}
	return ref
}

// addKeys changes how many keys a scope has.
func (s *stateTx) addKeys(of state.Scope, n int) {
	known := s.scope(of)
	known.keys += n
	s.g.scopes[of] = known
}

func (s *stateTx) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// load reads rows that are going to be asked for, with few statements.
func (s *stateTx) load(refs []state.Ref) {
	var missing []state.Ref
	for _, ref := range refs {
		ref = s.where(ref)
		if _, known := s.rows[ref]; !known {
			s.rows[ref] = &stateRow{Row: state.Row{Ref: ref}}
			missing = append(missing, ref)
		}
	}
	for _, size := range insertSizes {
		for ; len(missing) >= size; missing = missing[size:] {
			s.fail(s.read(missing[:size]))
		}
	}
}

var selectState = func() map[int]string {
	queries := map[int]string{}
	for _, size := range insertSizes {
		queries[size] = "WITH asked (i, s, k) AS (VALUES (?,?,?)" + strings.Repeat(",(?,?,?)", size-1) + ")" +
			" SELECT i, \"user\", data, due_at, expires_at, version FROM asked CROSS JOIN state ON scope = s AND key = k"
	}
	return queries
}()

// readStateByValues asks for as many rows as insertSizes has.
func readStateByValues(scopes []int64, refs []state.Ref) (query string, args []value) {
	args = make([]value, 0, 3*len(refs))
	for i, ref := range refs {
		args = append(args, int64(i), scopes[i], ref.Key)
	}
	return selectState[len(refs)], args
}

func (s *stateTx) read(refs []state.Ref) error {
	scopes := make([]int64, len(refs))
	for i, ref := range refs {
		scopes[i] = s.scope(ref.Scope).id
	}
	query, args := s.g.words.readState(scopes, refs)
	return s.g.conn.Query(func(cols []value) error {
		ref := refs[cols[0].(int64)]
		row := s.rows[ref]
		row.Row = stateRowOf(ref, cols[1:])
		row.exists, row.stored = true, true
		return nil
	}, query, args...)
}

// stateRowOf reads user, data, due_at, expires_at and version.
func stateRowOf(ref state.Ref, cols []value) state.Row {
	row := state.Row{Ref: ref}
	row.User, _ = cols[0].(string)
	row.Data, _ = cols[1].([]byte)
	due, _ := cols[2].(int64)
	expires, _ := cols[3].(int64)
	row.Due, row.Expires = timeOf(due), timeOf(expires)
	row.Version, _ = cols[4].(int64)
	return row
}

// Get implements state.Rows.
func (s *stateTx) Get(ref state.Ref) (state.Row, bool) {
	ref = s.where(ref)
	row, known := s.rows[ref]
	if !known {
		s.load([]state.Ref{ref})
		row = s.rows[ref]
	}
	return row.Row, row.exists
}

// Put implements state.Rows.
func (s *stateTx) Put(row state.Row) {
	row.Ref = s.where(row.Ref)
	at, known := s.rows[row.Ref]
	if !known {
		s.load([]state.Ref{row.Ref})
		at = s.rows[row.Ref]
	}
	if !at.exists {
		s.addKeys(row.Scope, 1)
	}
	s.g.writer.version++
	row.Version = s.g.writer.version
	at.Row, at.exists, at.changed = row, true, true
	if !row.Due.IsZero() {
		s.g.timed = true
	}
}

// Delete implements state.Rows.
func (s *stateTx) Delete(ref state.Ref) {
	ref = s.where(ref)
	if _, exists := s.Get(ref); exists {
		at := s.rows[ref]
		at.exists, at.changed = false, true
		s.addKeys(ref.Scope, -1)
	}
}

// DeletePrefix implements state.Rows.
func (s *stateTx) DeletePrefix(scope state.Scope, prefix string) {
	scope = s.where(state.Ref{Scope: scope}).Scope
	for ref, row := range s.rows {
		if ref.Scope != scope || !strings.HasPrefix(ref.Key, prefix) {
			continue
		}
		switch {
		case row.exists && !row.stored:
			s.addKeys(scope, -1)
		case row.stored && !row.exists: // it was counted when it was deleted, and is again below
			s.addKeys(scope, 1)
		}
		row.exists, row.stored, row.changed = false, false, false
	}
	n, err := s.g.conn.Exec("DELETE FROM state WHERE scope = ? AND key >= ? AND key < ?",
		s.scope(scope).id, prefix, afterPrefix(prefix))
	s.fail(err)
	s.addKeys(scope, -int(n))
}

// afterPrefix is the first text after all that start with a prefix, which is
// empty or ends with a NUL.
func afterPrefix(prefix string) string {
	if prefix == "" {
		return "\U0010ffff"
	}
	return prefix[:len(prefix)-1] + "\x01"
}

// Keys implements state.Rows.
func (s *stateTx) Keys(scope state.Scope) int {
	return s.scope(s.where(state.Ref{Scope: scope}).Scope).keys
}

// Mute implements state.Rows.
func (s *stateTx) Mute(rule, key string, now time.Time) (state.Mute, bool) {
	return state.FindMute(*s.g.writer.mutes.Load(), rule, key, now)
}

var insertState = replaceInto("state", "scope, key", `"user", data, due_at, expires_at, version`)

// write writes the rows that changed, in the order of the table.
func (s *stateTx) write() error {
	if s.err != nil {
		return s.err
	}
	type written struct {
		scope int64
		*stateRow
	}
	var changed []written
	for ref, row := range s.rows {
		if row.changed {
			changed = append(changed, written{s.scope(ref.Scope).id, row})
		}
	}
	slices.SortFunc(changed, func(a, b written) int {
		return cmp.Or(cmp.Compare(a.scope, b.scope), cmp.Compare(a.Key, b.Key))
	})
	var rows [][]value
	for _, row := range changed {
		if !row.exists {
			if err := s.g.conn.Send("DELETE FROM state WHERE scope = ? AND key = ?", row.scope, row.Key); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []value{
			row.scope, row.Key, row.User, []byte(row.Data), timeOrNull(row.Due), timeOrNull(row.Expires), row.Version,
		})
	}
	return insertState.insert(s.g.conn, rows)
}

// saveScopes writes how many keys scopes have.
func (g *groupTx) saveScopes() error {
	for of, scope := range g.scopes {
		if was := g.writer.scopes[of]; was == scope {
			continue
		}
		if err := g.conn.Send("UPDATE state_scopes SET keys = ? WHERE id = ?", int64(scope.keys), scope.id); err != nil {
			return err
		}
	}
	return nil
}

// timeOrNull is NULL for the zero time.
func timeOrNull(t time.Time) value {
	if t.IsZero() {
		return nil
	}
	return micros(t)
}

// loadState reads the scopes and the mutes at the start.
func (w *writer) loadState(ctx context.Context, db *DB) error {
	w.scopes, w.version = scopes{}, time.Now().UnixNano()
	rows, err := db.readDB.QueryContext(ctx, selectScopes)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var of state.Scope
		var scope stateScope
		if err := rows.Scan(&scope.id, &of.Rule, &of.Block, &of.Per, &scope.keys); err != nil {
			return err
		}
		w.scopes[of] = scope
	}
	if err := rows.Err(); err != nil {
		return err
	}
	mutes, err := db.Mutes(ctx)
	w.mutes.Store(&mutes)
	return err
}

const selectScopes = "SELECT id, rule, block, per, keys FROM state_scopes"

// reloadScopes reads the scopes after another process has changed them.
func (w *writer) reloadScopes() error {
	known := scopes{}
	err := w.conn.Query(func(cols []value) error {
		of := state.Scope{Rule: cols[1].(string), Block: cols[2].(string), Per: cols[3].(string)}
		known[of] = stateScope{id: cols[0].(int64), keys: int(cols[4].(int64))}
		return nil
	}, selectScopes)
	if err == nil {
		w.scopes = known
	}
	return err
}

// reloadMutes reads the mutes after another process has changed them.
func (w *writer) reloadMutes() error {
	mutes := []state.Mute{}
	err := w.conn.Query(func(cols []value) error {
		mutes = append(mutes, state.Mute{
			ID: cols[0].(int64), Rule: cols[1].(string), Key: cols[2].(string), Reason: cols[3].(string),
			From: timeOf(cols[4].(int64)), Until: timeOf(cols[5].(int64)),
		})
		return nil
	}, selectMutes)
	if err == nil {
		w.mutes.Store(&mutes)
	}
	return err
}

// StateKeys counts the rows of each rule's blocks, without those of items.
func (db *DB) StateKeys(ctx context.Context) (byRule map[string]int, err error) {
	return db.countByRule(ctx,
		"SELECT rule, sum(keys) FROM state_scopes WHERE removed_at = 0 AND block != 'item' GROUP BY rule")
}

// PendingTimers counts the rows that will be due, by rule.
func (db *DB) PendingTimers(ctx context.Context) (byRule map[string]int, err error) {
	return db.countByRule(ctx, `
		SELECT rule, count(*) FROM state JOIN state_scopes ON id = scope
		WHERE due_at IS NOT NULL AND removed_at = 0 GROUP BY rule`)
}

func (db *DB) countByRule(ctx context.Context, query string) (byRule map[string]int, err error) {
	defer wrap(&err, "count the state of rules")
	rows, err := db.readDB.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	byRule = map[string]int{}
	for rows.Next() {
		var rule string
		var keys int
		if err := rows.Scan(&rule, &keys); err != nil {
			return nil, err
		}
		byRule[rule] = keys
	}
	return byRule, rows.Err()
}

// resolve runs the part of a batch that depends on state. What panics in it is
// that batch's error.
func (s *stateTx) resolve(c *commit) (holds bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("decide by the rules' state: %w", err)
		}
	}()
	defer unreadable(&err)
	holds = c.batch.Resolve(s.g.nextSeq, s)
	return holds, s.err
}
