package store

import (
	"context"
	"database/sql"
	"time"

	"heed/internal/admin/access"
)

var insertSession = insertInto("sessions", "id, token, began_at, reveal_until")

// SaveSession keeps a new session, and deletes those that began before a time.
func (db *DB) SaveSession(ctx context.Context, s access.Session, before time.Time) (err error) {
	defer wrap(&err, "keep a session")
	return db.writer.do(ctx, func(g *groupTx) error {
		if err := g.conn.Send("DELETE FROM sessions WHERE began_at < ?", micros(before)); err != nil {
			return err
		}
		return insertSession.insert(g.conn, [][]value{{s.ID[:], s.Token[:], micros(s.Began), micros(s.RevealUntil)}})
	})
}

// Session returns the session with an id, if there is one.
func (db *DB) Session(ctx context.Context, id access.Digest) (s access.Session, found bool, err error) {
	defer wrap(&err, "read a session")
	var token []byte
	var began, until int64
	err = db.readDB.QueryRowContext(ctx, "SELECT token, began_at, reveal_until FROM sessions WHERE id = ?", id[:]).
		Scan(&token, &began, &until)
	if err == sql.ErrNoRows {
		return access.Session{}, false, nil
	}
	s = access.Session{ID: id, Began: timeOf(began), RevealUntil: timeOf(until)}
	copy(s.Token[:], token)
	return s, err == nil, err
}

// RevealSession changes until when personal values are shown in a session, if it is
// still there.
func (db *DB) RevealSession(ctx context.Context, id access.Digest, until time.Time) (err error) {
	defer wrap(&err, "change a session")
	return db.writer.do(ctx, func(g *groupTx) error {
		return g.conn.Send("UPDATE sessions SET reveal_until = ? WHERE id = ?", micros(until), id[:])
	})
}

// EndSession deletes a session.
func (db *DB) EndSession(ctx context.Context, id access.Digest) (err error) {
	defer wrap(&err, "end a session")
	return db.writer.do(ctx, func(g *groupTx) error {
		return g.conn.Send("DELETE FROM sessions WHERE id = ?", id[:])
	})
}
