package store

import (
	"context"

	"heed/engine/record"
)

// AddAudit keeps what a person did. Nothing changes or deletes it later.
func (db *DB) AddAudit(ctx context.Context, a record.Audit) (err error) {
	defer wrap(&err, "record what was done")
	return db.writer.do(ctx, func(g *groupTx) error {
		return g.conn.Send("INSERT INTO audit (at, who, role, what, target, n, result) VALUES (?, ?, ?, ?, ?, ?, ?)",
			micros(a.At), a.Who, a.Role, a.What, a.Target, int64(a.N), a.Result)
	})
}

// Audit returns what people did, the newest first, before a number; 0 starts at
// the newest.
func (db *DB) Audit(ctx context.Context, before int64, limit int) (list []record.Audit, err error) {
	defer wrap(&err, "read what was done")
	q := query{text: "SELECT id, at, who, role, what, target, n, result FROM audit"}
	if before != 0 {
		q.where("id < ?", before)
	}
	q = q.limit("id DESC", limit)
	rows, err := db.readDB.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a record.Audit
		var at int64
		if err := rows.Scan(&a.ID, &at, &a.Who, &a.Role, &a.What, &a.Target, &a.N, &a.Result); err != nil {
			return nil, err
		}
		a.At = timeOf(at)
		list = append(list, a)
	}
	return list, rows.Err()
}
