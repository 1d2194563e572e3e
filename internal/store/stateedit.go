package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"heed/engine/record"
	"heed/engine/state"
)

// keepRemoved is how long the state of a removed rule is kept.
const keepRemoved = 7 * 24 * time.Hour

// ScopeUse is a scope of an active rule.
type ScopeUse struct {
	state.Scope
	// Was is the rule's former name.
	Was string
	// Settings identify what the due times of the rows depend on.
	Settings string
}

// What activating rules does to the state of a rule.
const (
	ScopeDiscarded = "discarded" // its per was changed
	ScopeRemoved   = "removed"   // the rule is gone
	ScopeRenamed   = "renamed"
	ScopeRestored  = "restored" // the rule is back before its state was deleted
	ScopeEdited    = "edited"   // its settings were changed
)

// ScopeChange says what activating rules did to the state of a rule.
type ScopeChange struct {
	state.Scope
	// Change is one of the constants above.
	Change string
	Keys   int
}

// ActivateScopes makes the scopes of the active rules known. The rows of a rule
// whose per was changed are discarded, since their keys mean something else;
// those of one that is gone are kept for a while; those of a renamed one move
// with it.
func (db *DB) ActivateScopes(ctx context.Context, uses []ScopeUse, now time.Time) (changes []ScopeChange, err error) {
	defer wrap(&err, "activate the state of rules")
	active := map[state.Scope]bool{}
	for _, use := range uses {
		active[use.Scope] = true
	}
	err = db.writer.do(ctx, func(g *groupTx) error {
		changes = nil
		g.ownScopes()
		g.renamed = maps.Clone(g.renamed)
		for _, use := range uses {
			delete(g.renamed, use.Scope) // the name is a rule's own again
		}
		for _, use := range uses {
			old := state.Scope{Rule: use.Was, Block: use.Block, Per: use.Per}
			if use.Was == "" || active[old] {
				continue // the old name is a rule's own
			}
			if c, renamed, err := g.rename(use, old); err != nil {
				return err
			} else if renamed {
				changes = append(changes, c)
			}
		}
		for of, scope := range g.scopes {
			sameBlock := func(u ScopeUse) bool { return u.Rule == of.Rule && u.Block == of.Block }
			var change string
			var err error
			switch {
			case active[of]:
				change, err = g.restore(scope)
			case slices.ContainsFunc(uses, sameBlock): // with another per
				change, err = ScopeDiscarded, g.discard(of, scope)
			default:
				change, err = g.remove(scope, now)
			}
			if err != nil {
				return err
			}
			if change != "" && scope.keys > 0 {
				changes = append(changes, ScopeChange{of, change, scope.keys})
			}
		}
		s := g.stateTx()
		for _, use := range uses {
			scope := s.scope(use.Scope)
			edited, err := g.isEdited(scope, use.Settings)
			if err != nil {
				return err
			}
			if edited {
				changes = append(changes, ScopeChange{use.Scope, ScopeEdited, scope.keys})
			}
		}
		return s.err
	})
	return changes, err
}

// restore notes that the rule of a scope is back, if it was gone. Rows that are left
// are confirmed later, by ConfirmScope.
func (g *groupTx) restore(scope stateScope) (change string, err error) {
	removed, err := g.isRemoved(scope)
	switch {
	case err != nil || !removed:
		return "", err
	case scope.keys == 0:
		return ScopeRestored, g.confirm(scope, "")
	default:
		return ScopeRestored, nil
	}
}

// remove notes since when the rule of a scope is gone.
func (g *groupTx) remove(scope stateScope, now time.Time) (change string, err error) {
	n, err := g.conn.Exec("UPDATE state_scopes SET removed_at = ? WHERE id = ? AND removed_at = 0", micros(now), scope.id)
	if err != nil || n == 0 {
		return "", err
	}
	return ScopeRemoved, nil
}

// isRemoved reports whether the rule of a scope was taken out.
func (g *groupTx) isRemoved(scope stateScope) (removed bool, err error) {
	err = g.conn.Query(func(cols []value) error {
		at, _ := cols[0].(int64)
		removed = at != 0
		return nil
	}, "SELECT removed_at FROM state_scopes WHERE id = ?", scope.id)
	return removed, err
}

// isEdited reports whether the rows of a scope were made by other settings. Where
// there are no rows, or no settings yet, it notes the new ones.
func (g *groupTx) isEdited(scope stateScope, settings string) (edited bool, err error) {
	var was string
	err = g.conn.Query(func(cols []value) error {
		was, _ = cols[0].(string)
		return nil
	}, "SELECT settings FROM state_scopes WHERE id = ?", scope.id)
	if err != nil || was == settings {
		return false, err
	}
	if was != "" && scope.keys > 0 {
		return true, nil
	}
	_, err = g.conn.Exec("UPDATE state_scopes SET settings = ? WHERE id = ?", settings, scope.id)
	return false, err
}

// ConfirmScope notes that the rows of an edited or restored scope now follow its
// settings. Until then ActivateScopes reports the change again, so a crash in between
// does not lose it.
func (db *DB) ConfirmScope(ctx context.Context, of state.Scope, settings string) (err error) {
	defer wrap(&err, "confirm an edit of a rule")
	return db.writer.do(ctx, func(g *groupTx) error {
		s := g.stateTx()
		scope := s.scope(of)
		if s.err != nil {
			return s.err
		}
		return g.confirm(scope, settings)
	})
}

func (g *groupTx) confirm(scope stateScope, settings string) error {
	_, err := g.conn.Exec("UPDATE state_scopes SET removed_at = 0 WHERE id = ?", scope.id)
	if err != nil || settings == "" {
		return err
	}
	_, err = g.conn.Exec("UPDATE state_scopes SET settings = ? WHERE id = ?", settings, scope.id)
	return err
}

// rename moves the rows of a rule to its new name, unless that has some.
func (g *groupTx) rename(use ScopeUse, old state.Scope) (c ScopeChange, renamed bool, err error) {
	scope, known := g.scopes[old]
	own, has := g.scopes[use.Scope]
	if !known || has && own.keys > 0 {
		return c, false, nil
	}
	if has {
		if err := g.discard(use.Scope, own); err != nil {
			return c, false, err
		}
		delete(g.gone, use.Scope)
	}
	_, err = g.conn.Exec("UPDATE state_scopes SET rule = ? WHERE id = ?", use.Rule, scope.id)
	g.dropScope(old)
	g.scopes[use.Scope] = scope
	if g.renamed == nil {
		g.renamed = map[state.Scope]state.Scope{}
	}
	g.renamed[old] = use.Scope
	return ScopeChange{use.Scope, ScopeRenamed, scope.keys}, true, err
}

// discard deletes a scope with its rows.
func (g *groupTx) discard(of state.Scope, scope stateScope) error {
	g.dropScope(of)
	if _, err := g.conn.Exec("DELETE FROM state WHERE scope = ?", scope.id); err != nil {
		return err
	}
	_, err := g.conn.Exec("DELETE FROM state_scopes WHERE id = ?", scope.id)
	return err
}

// ownScopes gives the group a copy of all scopes to change.
func (g *groupTx) ownScopes() {
	all := maps.Clone(g.writer.scopes)
	maps.Copy(all, g.scopes)
	for of := range g.gone {
		delete(all, of)
	}
	g.scopes = all
}

func (g *groupTx) dropScope(of state.Scope) {
	delete(g.scopes, of)
	g.gone[of] = true
}

// pruneStateRows is how many rows of state are looked at at once.
const pruneStateRows = 5000

// pruneState deletes rows that mean nothing any more, and those of rules that
// were removed long ago. It returns the numbers of the events up to last that
// rows still need.
func (db *DB) pruneState(ctx context.Context, now time.Time, last int64) (needed map[int64]bool, err error) {
	removed, err := readColumn[int64](ctx, db,
		"SELECT id FROM state_scopes WHERE removed_at != 0 AND removed_at < ?", micros(now.Add(-keepRemoved)))
	if err != nil {
		return nil, err
	}
	err = db.writer.do(ctx, func(g *groupTx) error {
		g.ownScopes()
		for of, scope := range g.scopes {
			if slices.Contains(removed, scope.id) {
				if err := g.discard(of, scope); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	byID, err := db.scopeIDs(ctx, nil)
	if err != nil {
		return nil, err
	}
	needed = map[int64]bool{}
	for id := range byID {
		if err := db.pruneScope(ctx, id, byID, now, last, needed); err != nil {
			return nil, err
		}
	}
	return needed, nil
}

// pruneScope deletes the rows of a scope that mean nothing any more, and adds to
// needed the events that the others need.
func (db *DB) pruneScope(
	ctx context.Context, id int64, byID map[int64]state.Scope, now time.Time, last int64, needed map[int64]bool,
) (err error) {
	defer unreadable(&err)
	for after, page := "", pruneStateRows; page == pruneStateRows; {
		rows, err := db.readDB.QueryContext(ctx, `
			SELECT `+stateCols+` FROM state
			WHERE scope = ? AND key > ? ORDER BY key LIMIT ?`, id, after, pruneStateRows)
		if err != nil {
			return err
		}
		found, err := scanState(rows, byID)
		if err != nil {
			return err
		}
		var expired []state.Row
		for _, row := range found {
			if after = row.Key; row.Due.IsZero() && !row.Expires.IsZero() && row.Expires.Before(now) {
				expired = append(expired, row)
				continue
			}
			for _, seq := range state.References(row) {
				if seq <= last {
					needed[seq] = true
				}
			}
		}
		if err := db.deleteState(ctx, expired); err != nil {
			return err
		}
		page = len(found)
	}
	return nil
}

// deleteState deletes rows that did not change since they were read.
func (db *DB) deleteState(ctx context.Context, rows []state.Row) error {
	for part := range slices.Chunk(rows, pruneKeys) {
		err := db.writer.do(ctx, func(g *groupTx) error {
			s := g.stateTx()
			for _, row := range part {
				if now, exists := s.Get(row.Ref); exists && now.Version == row.Version {
					s.Delete(row.Ref)
				}
			}
			return s.write()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// forgetState deletes the rows about a user.
func (g *groupTx) forgetState(user string) error {
	g.ownScopes()
	byID := map[int64]state.Scope{}
	for of, scope := range g.scopes {
		byID[scope.id] = of
	}
	return g.conn.Query(func(cols []value) error {
		id, _ := cols[0].(int64)
		scope := g.scopes[byID[id]]
		scope.keys--
		g.scopes[byID[id]] = scope
		return nil
	}, `DELETE FROM state WHERE "user" = ? RETURNING scope`, user)
}

// EditRows calls edit for each row of a scope, a part of them in a transaction,
// and returns all effects.
func (db *DB) EditRows(
	ctx context.Context, scope state.Scope, edit func(state.Rows, state.Ref) []record.Effect,
) (effects []record.Effect, err error) {
	defer wrap(&err, "edit the state of a rule")
	rows, err := db.StateRows(ctx, scope, "")
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(rows, pruneKeys) {
		var made []record.Effect
		o := &op{timed: true, apply: func(g *groupTx) (err error) {
			defer unreadable(&err)
			made = nil // it may run twice
			s := g.stateTx()
			for _, row := range part {
				made = append(made, edit(s, row.Ref)...)
			}
			return s.write()
		}}
		if err := db.writer.submit(ctx, o); err != nil {
			return nil, err
		}
		effects = append(effects, made...)
	}
	return effects, nil
}

// unreadable makes an error of the panic by which package state says that a row
// cannot be read.
func unreadable(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("%v", cause)
	}
}
