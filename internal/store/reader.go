package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	"heed/engine/record"
)

// Reader reads a store that another process may hold, and changes nothing.
type Reader struct{ db *DB }

// OpenReader opens a store for reading. It takes no lock.
func OpenReader(ctx context.Context, dir string) (*Reader, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	path := filepath.Join(dir, "heed.db")
	db, err := sql.Open("sqlite", dsn(path, append([]string{"mode=ro"}, readPragmas...)...))
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	db.SetMaxOpenConns(readers)
	r := &Reader{&DB{dir: dir, readDB: db}}
	var one int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM marks").Scan(&one); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open store: %w", err)
	}
	return r, nil
}

// Close closes the store.
func (r *Reader) Close() error { return r.db.readDB.Close() }

// EventsFrom returns events with their bodies and facts in the order of their
// numbers, after one; none at the end.
func (r *Reader) EventsFrom(ctx context.Context, after int64, limit int) ([]record.Event, error) {
	return r.db.EventsFrom(ctx, after, limit)
}

// EventsBySeq returns the events with these numbers.
func (r *Reader) EventsBySeq(ctx context.Context, seqs []int64) ([]record.Event, error) {
	return r.db.EventsBySeq(ctx, seqs)
}

// NewestRuleSet returns the rule set that was activated last, if there is one.
func (r *Reader) NewestRuleSet(ctx context.Context) (set record.RuleSet, found bool, err error) {
	return r.db.NewestRuleSet(ctx)
}

// EventsFrom returns events with their bodies and facts in the order of their
// numbers, after one; none at the end.
func (db *DB) EventsFrom(ctx context.Context, after int64, limit int) (events []record.Event, err error) {
	defer wrap(&err, "read events after %d", after)
	q := query{text: "SELECT " + eventHeadBare + ", body FROM events", bytes: maxPage}
	q.where("seq > ?", after)
	return db.events(ctx, q.limit("seq", limit))
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
