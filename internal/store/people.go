package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"heed/engine/people"
	"heed/engine/record"
)

var (
	insertPeople = replaceInto("people", "id",
		"email, role, team, email_at, role_at, team_at, active_at, active, imported")
	insertItems = replaceInto("items", "kind, id", "name, named_at")
	// The columns stand in the order of people.ProgressRow.
	insertProgress = replaceInto("progress", `"user", kind, item`,
		"progress, seconds, best, last, scored_at, completed_at, first_at, last_at")
)

// loadPart is how many rows LoadPeople gives at once.
const loadPart = 4096

// LoadPeople implements people.Store.
func (db *DB) LoadPeople(ctx context.Context, part func(*people.Rows)) (err error) {
	defer wrap(&err, "load people")
	var rows people.Rows
	flush := func(least int) {
		if rows.Len() >= least {
			part(&rows)
			rows = people.Rows{Items: rows.Items[:0], People: rows.People[:0], Progress: rows.Progress[:0]}
		}
	}
	err = db.scan(ctx, "SELECT kind, id, name, named_at FROM items", func(scan func(...any) error) error {
		var r people.ItemRow
		err := scan(&r.Kind, &r.ID, &r.Name, &r.NamedAt)
		rows.Items = append(rows.Items, r)
		flush(loadPart)
		return err
	})
	if err != nil {
		return err
	}
	flush(1)
	const selectPeople = "SELECT id, email, role, team, email_at, role_at, team_at, active_at, active, imported" +
		" FROM people"
	err = db.scan(ctx, selectPeople, func(scan func(...any) error) error {
		var r people.PersonRow
		err := scan(&r.ID, &r.Email, &r.Role, &r.Team, &r.EmailAt, &r.RoleAt, &r.TeamAt, &r.ActiveAt, &r.Active,
			&r.Imported)
		rows.People = append(rows.People, r)
		flush(loadPart)
		return err
	})
	if err != nil {
		return err
	}
	err = db.loadDetails(ctx, func(r people.PersonRow) {
		rows.People = append(rows.People, r)
		flush(loadPart)
	})
	if err != nil {
		return err
	}
	err = db.scan(ctx, `
		SELECT "user", kind, item, progress, seconds, best, last, scored_at, completed_at, first_at, last_at
		FROM progress ORDER BY "user"`, func(scan func(...any) error) error {
		var r people.ProgressRow
		err := scan(&r.User, &r.Kind, &r.Item, &r.Progress, &r.Seconds, &r.Best, &r.Last,
			&r.ScoredAt, &r.CompletedAt, &r.FirstAt, &r.LastAt)
		rows.Progress = append(rows.Progress, r)
		flush(loadPart)
		return err
	})
	flush(1)
	return err
}

// scan calls row for each row of the query.
func (db *DB) scan(ctx context.Context, query string, row func(scan func(...any) error) error) error {
	rows, err := db.readDB.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// SavePeople implements people.Store.
func (db *DB) SavePeople(ctx context.Context, rows *people.Rows, learnt int64) (err error) {
	defer wrap(&err, "save people")
	return db.writer.do(ctx, func(g *groupTx) error {
		if g.turn.people != db.peopleSeen.Load() {
			return people.ErrNotSaver // until it is known what was imported or forgotten
		}
		if err := db.base.leadPeople(g, false); err != nil {
			return err
		}
		if err := g.savePeople(rows); err != nil || learnt == 0 {
			return err
		}
		return g.setLearnt(learnt)
	})
}

// ReplacePeople implements people.Store. It is one transaction, however much is
// replaced, so use it on a store that nobody else waits for.
func (db *DB) ReplacePeople(
	ctx context.Context, parts func(add func(*people.Rows) error) error, learnt int64,
) (err error) {
	defer wrap(&err, "replace people")
	var all []people.Rows // apply may run twice, parts may not
	if err := parts(func(rows *people.Rows) error { all = append(all, *rows); return nil }); err != nil {
		return err
	}
	return db.writer.do(ctx, func(g *groupTx) error {
		for _, clear := range []string{
			"DELETE FROM people", "DELETE FROM person_details", "DELETE FROM items", "DELETE FROM progress",
		} {
			if _, err := g.conn.Exec(clear); err != nil {
				return err
			}
		}
		for i := range all {
			if err := g.savePeople(&all[i]); err != nil {
				return err
			}
		}
		db.changePeople(g)
		return g.setLearnt(learnt)
	})
}

func (g *groupTx) setLearnt(seq int64) error {
	_, err := g.conn.Exec("UPDATE marks SET value = ? WHERE name = 'people_learnt'", seq)
	return err
}

func (g *groupTx) savePeople(rows *people.Rows) error {
	var values [][]value
	for i := range rows.People {
		r := &rows.People[i]
		active := int64(0)
		if r.Active {
			active = 1
		}
		values = append(values, []value{
			r.ID, r.Email, r.Role, r.Team, r.EmailAt, r.RoleAt, r.TeamAt, r.ActiveAt, active, int64(r.Imported),
		})
	}
	if err := insertPeople.insert(g.conn, values); err != nil {
		return err
	}
	if err := saveDetails(g.conn, rows.People); err != nil {
		return err
	}
	values = nil
	for i := range rows.Items {
		r := &rows.Items[i]
		values = append(values, []value{int64(r.Kind), r.ID, r.Name, r.NamedAt})
	}
	if err := insertItems.insert(g.conn, values); err != nil {
		return err
	}
	values = nil
	for i := range rows.Progress {
		r := &rows.Progress[i]
		values = append(values, []value{
			r.User, int64(r.Kind), r.Item, r.Progress, r.Seconds, r.Best, r.Last, r.ScoredAt, r.CompletedAt, r.FirstAt,
			r.LastAt,
		})
	}
	if err := insertProgress.insert(g.conn, values); err != nil {
		return err
	}
	for i := range rows.Gone {
		k := &rows.Gone[i]
		const gone = `DELETE FROM progress WHERE "user" = ? AND kind = ? AND item = ?`
		if err := g.conn.Send(gone, k.User, int64(k.Kind), k.Item); err != nil {
			return err
		}
	}
	return nil
}

// Learnt implements people.Store.
func (db *DB) Learnt(ctx context.Context) (learnt, last int64, err error) {
	defer wrap(&err, "read what was learnt")
	if learnt, err = mark(ctx, db.readDB, "people_learnt"); err != nil {
		return 0, 0, err
	}
	err = db.writer.do(ctx, func(g *groupTx) error {
		last = g.nextSeq - 1
		return nil
	})
	return learnt, last, err
}

// mark reads a mark.
func mark(ctx context.Context, db *sql.DB, name string) (v int64, err error) {
	err = db.QueryRowContext(ctx, "SELECT value FROM marks WHERE name = ?", name).Scan(&v)
	return v, err
}

// IsShared implements people.Shared.
func (db *DB) IsShared() bool { return db.words.shared }

// PeopleNews implements people.Shared.
func (db *DB) PeopleNews() (newest, version int64) {
	news := db.news.Load()
	return news.nextSeq - 1, news.people
}

// LeadPeople implements people.Shared.
func (db *DB) LeadPeople(ctx context.Context, force bool) (learnt, version int64, err error) {
	err = db.writer.do(ctx, func(g *groupTx) error {
		if err := db.base.leadPeople(g, force); err != nil {
			return err
		}
		version = g.turn.people
		db.peopleSeen.Store(version)
		return g.conn.Query(func(cols []value) error {
			learnt, _ = cols[0].(int64)
			return nil
		}, "SELECT value FROM marks WHERE name = 'people_learnt'")
	})
	return learnt, version, err
}

// TellPeople implements people.Shared.
func (db *DB) TellPeople(ctx context.Context) (version int64, err error) {
	defer wrap(&err, "tell other processes of people")
	err = db.writer.do(ctx, func(g *groupTx) error {
		db.changePeople(g)
		version = g.turn.people + 1
		return nil
	})
	return version, err
}

// changePeople notes that others must load people again; this process need not.
func (db *DB) changePeople(g *groupTx) {
	if !db.words.shared {
		return
	}
	g.peopleChanged = true
	db.peopleSeen.CompareAndSwap(g.turn.people, g.turn.people+1)
}

// maxPage is about how many bytes of bodies EventsAfter returns at most.
const maxPage = 16 << 20

// EventsAfter implements people.Store. It leaves out what was decided.
func (db *DB) EventsAfter(ctx context.Context, seq int64, limit int) (events []record.Event, err error) {
	defer wrap(&err, "read events after %d", seq)
	head := strings.Replace(eventHead, "decisions, facts", "NULL, NULL", 1)
	q := query{text: "SELECT " + head + ", body FROM events", bytes: maxPage}
	q.where("seq > ?", seq)
	return db.events(ctx, q.limit("seq", limit))
}

// WholeSince implements people.Store.
func (db *DB) WholeSince(ctx context.Context) (since time.Time, err error) {
	defer wrap(&err, "read how far events were deleted")
	micros, err := mark(ctx, db.readDB, "pruned_before")
	return timeOf(micros), err
}
