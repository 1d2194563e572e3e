package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"

	"heed/engine/people"
	"heed/engine/record"
	"heed/engine/state"
	"heed/internal/store/postgres"
)

// Reader reads a store that another process may hold, and changes nothing.
type Reader struct {
	readable
	db *DB
}

// readable are the methods of DB that need no writer.
type readable interface {
	EventsFrom(ctx context.Context, after int64, limit int) ([]record.Event, error)
	EventsBySeq(ctx context.Context, seqs []int64) ([]record.Event, error)
	SeqBefore(ctx context.Context, at time.Time) (int64, error)
	NewestRuleSet(ctx context.Context) (set record.RuleSet, found bool, err error)
	Mutes(ctx context.Context) ([]state.Mute, error)
	LoadPeople(ctx context.Context, part func(*people.Rows)) error
	EventsAfter(ctx context.Context, seq int64, limit int) ([]record.Event, error)
}

// OpenReader opens a store for reading. It takes no lock.
func OpenReader(ctx context.Context, o Options) (*Reader, error) {
	db, err := openReads(o)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	db.readDB.SetMaxOpenConns(readers)
	var one int
	if err := db.readDB.QueryRowContext(ctx, "SELECT count(*) FROM marks").Scan(&one); err != nil {
		_ = db.readDB.Close()
		return nil, fmt.Errorf("open store: %w", err)
	}
	return &Reader{db, db}, nil
}

func openReads(o Options) (*DB, error) {
	if o.URL != "" {
		server, err := postgres.Parse(o.URL)
		if err != nil {
			return nil, err
		}
		return &DB{readDB: server.Pool(), words: &postgresDialect}, nil
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "heed.db")
	db, err := sql.Open("sqlite", dsn(path, append([]string{"mode=ro"}, readPragmas...)...))
	return &DB{readDB: db, words: &sqliteDialect}, err
}

// Close closes the store.
func (r *Reader) Close() error { return r.db.readDB.Close() }

// StateRows returns the rows of a scope.
func (r *Reader) StateRows(ctx context.Context, scope state.Scope) ([]state.Row, error) {
	return r.db.StateRows(ctx, scope, "")
}

// LastSeq returns the number of the newest event; 0 if there is none.
func (r *Reader) LastSeq(ctx context.Context) (seq int64, err error) {
	defer wrap(&err, "find the newest event")
	err = r.db.readDB.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM events").Scan(&seq)
	return seq, err
}

// Learnt implements people.Loader.
func (r *Reader) Learnt(ctx context.Context) (learnt, last int64, err error) {
	defer wrap(&err, "read what was learnt")
	if learnt, err = mark(ctx, r.db.readDB, "people_learnt"); err != nil {
		return 0, 0, err
	}
	last, err = r.LastSeq(ctx)
	return learnt, last, err
}

// EventsFrom returns events with their bodies and facts in the order of their
// numbers, after one; none at the end.
func (db *DB) EventsFrom(ctx context.Context, after int64, limit int) (events []record.Event, err error) {
	defer wrap(&err, "read events after %d", after)
	q := query{text: "SELECT " + eventHeadBare + ", body FROM events", bytes: maxPage}
	q.where("seq > ?", after)
	return db.events(ctx, q.limit("seq", limit))
}

// SeqBefore returns the number of an event up to which all came before a time; 0 if
// there is none.
func (db *DB) SeqBefore(ctx context.Context, at time.Time) (seq int64, err error) {
	defer wrap(&err, "find the first event of a time")
	err = db.readDB.QueryRowContext(ctx,
		"SELECT coalesce((SELECT min(first_seq) FROM hours WHERE hour >= ?) - 1, (SELECT max(last_seq) FROM hours), 0)",
		hourOf(micros(at))).Scan(&seq)
	return max(seq, 0), err
}

// NewestRuleSet returns the rule set that was activated last, if there is one.
func (db *DB) NewestRuleSet(ctx context.Context) (set record.RuleSet, found bool, err error) {
	defer wrap(&err, "read the newest rule set")
	var hash string
	err = db.readDB.QueryRowContext(ctx, "SELECT hash FROM rule_sets ORDER BY activated_at DESC LIMIT 1").Scan(&hash)
	switch {
	case err == sql.ErrNoRows:
		return set, false, nil
	case err != nil:
		return set, false, err
	}
	return db.RuleSet(ctx, hash)
}

// KeptScope is a scope of state that has rows.
type KeptScope struct {
	state.Scope
	Keys int
}

// Scopes returns the scopes of state that have rows.
func (r *Reader) Scopes(ctx context.Context) (kept []KeptScope, err error) {
	defer wrap(&err, "read the state of rules")
	rows, err := r.db.readDB.QueryContext(ctx,
		"SELECT rule, block, per, keys FROM state_scopes WHERE keys > 0 ORDER BY rule, block")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k KeptScope
		if err := rows.Scan(&k.Rule, &k.Block, &k.Per, &k.Keys); err != nil {
			return nil, err
		}
		kept = append(kept, k)
	}
	return kept, rows.Err()
}
