package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"heed/internal/inbox"
)

var insertFiles = replaceInto("files_read", "source, path", "size, mod_at, hash")

// Seen implements inbox.Memory.
func (db *DB) Seen(ctx context.Context, source, path string) (m inbox.Mark, seen bool, err error) {
	defer wrap(&err, "look whether %s was read", path)
	var modAt int64
	err = db.readDB.QueryRowContext(ctx, "SELECT size, mod_at, hash FROM files_read WHERE source = ? AND path = ?",
		source, path).Scan(&m.Size, &modAt, &m.Hash)
	if errors.Is(err, sql.ErrNoRows) {
		return m, false, nil
	}
	m.ModTime = time.Unix(0, modAt)
	return m, err == nil, err
}

// SeenContent implements inbox.Memory.
func (db *DB) SeenContent(ctx context.Context, source, hash string) (seen bool, err error) {
	defer wrap(&err, "look whether a file was read")
	err = db.readDB.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM contents_read WHERE source = ? AND hash = ?)",
		source, hash).Scan(&seen)
	return seen, err
}

// Remember implements inbox.Memory.
func (db *DB) Remember(ctx context.Context, source, path string, m inbox.Mark) (err error) {
	defer wrap(&err, "remember that %s was read", path)
	return db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.Exec("INSERT INTO contents_read (source, hash) VALUES (?, ?) ON CONFLICT DO NOTHING", source,
			m.Hash)
		if err != nil {
			return err
		}
		return insertFiles.insert(g.conn, [][]value{{source, path, m.Size, m.ModTime.UnixNano(), m.Hash}})
	})
}
