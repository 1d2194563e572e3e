package store

import (
	"context"

	"heed/engine/people"
	"heed/engine/record"
)

// Users returns the persons whom events are about, by the events' numbers. Those
// of quarantined events are left out.
func (db *DB) Users(ctx context.Context, seqs []int64) (users map[int64]string, err error) {
	defer wrap(&err, "read whom events are about")
	list, err := db.words.list(append([]int64{}, seqs...))
	if err != nil {
		return nil, err
	}
	rows, err := db.readDB.QueryContext(ctx, `
		SELECT seq, `+db.words.user+` FROM events
		WHERE `+db.words.inNumbers("seq")+` AND status != 'quarantined'`, list)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	users = map[int64]string{}
	for rows.Next() {
		var seq int64
		var user *string
		if err := rows.Scan(&seq, &user); err != nil {
			return nil, err
		}
		if user != nil {
			users[seq] = *user
		}
	}
	return users, rows.Err()
}

// userOf is the person whom the event is about, as it can be searched for.
func userOf(e *record.Event) string {
	if e.Status == record.Quarantined || e.User != "" {
		return e.User
	}
	return people.UserIn(e.Body)
}
