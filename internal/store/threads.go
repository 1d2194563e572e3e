package store

import (
	"context"
	"database/sql"
	"time"
)

// Thread returns the ts of the message that began the key's thread, if one is
// remembered.
func (db *DB) Thread(ctx context.Context, key string) (ts string, found bool, err error) {
	defer wrap(&err, "read a thread")
	err = db.readDB.QueryRowContext(ctx, "SELECT ts FROM threads WHERE key = ?", key).Scan(&ts)
	if err == sql.ErrNoRows {
		return "", false, nil
	}
	return ts, err == nil, err
}

// KeepThread remembers the message that began the key's thread in place of any
// other, and that the thread was used now.
func (db *DB) KeepThread(ctx context.Context, key, ts string, now time.Time) (err error) {
	defer wrap(&err, "keep a thread")
	return db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.Exec(`
			INSERT INTO threads (key, ts, used_at) VALUES (?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET ts = excluded.ts, used_at = excluded.used_at`, key, ts, micros(now))
		return err
	})
}

func (db *DB) pruneThreads(ctx context.Context, before int64) error {
	return db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.Exec("DELETE FROM threads WHERE used_at < ?", before)
		return err
	})
}
