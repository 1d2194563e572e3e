package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"heed/internal/store/postgres"
)

// shared is a database of PostgreSQL that other processes write to as well. Who
// writes holds the row of the table turn until the commit, so all that the writer
// of SQLite relies on holds here, too: numbers have no gaps and are in the order of
// the commits, and what is decided by rows stays true until it is stored.
type shared struct {
	id     string // of this process, for roles
	server *postgres.Server
	readDB *sql.DB
	log    *slog.Logger

	process announced
}

// oldest is the first version of PostgreSQL that heed runs on.
const oldest = 130000

func openPostgres(ctx context.Context, o Options) (_ *shared, err error) {
	server, err := postgres.Parse(o.URL)
	if err != nil {
		return nil, err
	}
	b := &shared{id: rand.Text(), server: server, log: o.Log}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if err := b.migrate(ctx, postgres.Redacted(o.URL)); err != nil {
		if wrapped, ok := b.trouble(postgres.Lost(err)); ok {
			err = wrapped
		}
		return nil, fmt.Errorf("%s: %w", postgres.Redacted(o.URL), err)
	}
	b.readDB = server.Pool()
	b.readDB.SetMaxOpenConns(readers)
	b.readDB.SetMaxIdleConns(readers)
	return b, nil
}

// migrate brings the schema up to date, while no other process does.
func (b *shared) migrate(ctx context.Context, where string) (err error) {
	db := b.server.Plain()
	defer func() { err = errors.Join(err, db.Close()) }()
	var version int
	if err := db.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	if version < oldest {
		return fmt.Errorf("PostgreSQL %d is too old: heed needs %d or newer", version/10000, oldest/10000)
	}
	var fsync string
	if err := db.QueryRowContext(ctx, "SELECT current_setting('fsync')").Scan(&fsync); err != nil {
		return err
	}
	if fsync == "off" {
		b.log.Warn("the database has fsync off: a power cut loses events that were acknowledged; turn it on")
	}
	// The lock is that of a transaction, so that it works through a pooler, too.
	lock, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Rollback() }()
	const heed = 0x68656564 // a number that no other program is likely to lock
	if _, err := lock.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", heed); err != nil {
		return err
	}
	return migrate(ctx, db, postgresSchema, where)
}

func (b *shared) words() *dialect { return &postgresDialect }
func (b *shared) reads() *sql.DB  { return b.readDB }

func (b *shared) lend(write func(conn) error) error {
	c := b.server.Conn()
	defer c.Close()
	return write(c)
}

// turn is what stands in the row that a writer holds.
type turn struct{ nextSeq, version, scopes, mutes, people, wakes, timers int64 }

const turnCols = "next_seq, version, scopes, mutes, people, wakes, timers"

func (t *turn) read(cols []value) error {
	for i, at := range t.columns() {
		*at, _ = cols[i].(int64)
	}
	return nil
}

func (t *turn) columns() []*int64 {
	return []*int64{&t.nextSeq, &t.version, &t.scopes, &t.mutes, &t.people, &t.wakes, &t.timers}
}

// settings of a transaction: a process that stands still does not hold up the others
// for long, a commit waits for the disk, and tables that are still empty are not
// planned for as such for ever. What is then wrongly estimated must not be compiled
// first, which takes longer than all the rest.
const settings = `SELECT
	set_config('idle_in_transaction_session_timeout', '10s', TRUE),
	set_config('enable_seqscan', 'off', TRUE), set_config('jit', 'off', TRUE),
	set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
		THEN 'on' ELSE current_setting('synchronous_commit') END, TRUE)`

func (b *shared) begin(g *groupTx) error {
	for _, statement := range []string{"BEGIN ISOLATION LEVEL READ COMMITTED", settings} {
		if err := g.conn.Send(statement); err != nil {
			return err
		}
	}
	if err := g.conn.Query(g.turn.read, "SELECT "+turnCols+" FROM turn WHERE single FOR UPDATE"); err != nil {
		return err
	}
	w := g.writer
	if g.turn.scopes != w.turn.scopes {
		if err := w.reloadScopes(); err != nil {
			return err
		}
	}
	if g.turn.mutes != w.turn.mutes {
		if err := w.reloadMutes(); err != nil {
			return err
		}
	}
	w.turn, w.version = g.turn, g.turn.version
	g.nextSeq, g.firstSeq = g.turn.nextSeq, g.turn.nextSeq
	return nil
}

var insertSharedKeys = replaceInto("keys", "k", "seq, other, received_at")

// end writes the keys of new events, and what the next writer must know.
func (b *shared) end(g *groupTx) error {
	slices.SortFunc(g.fresh, func(a, b key) int { return bytes.Compare(a[:], b[:]) })
	rows := make([][]value, len(g.fresh))
	for i, k := range g.fresh {
		rows[i] = g.known[k].row(k)
	}
	if err := insertSharedKeys.insert(g.conn, rows); err != nil {
		return err
	}
	next := g.turn
	next.nextSeq, next.version = g.nextSeq, g.writer.version
	for counter, changed := range map[*int64]bool{
		&next.scopes: len(g.scopes) > 0 || len(g.gone) > 0,
		&next.mutes:  g.mutes != nil,
		&next.people: g.peopleChanged,
		&next.wakes:  g.wakes,
		&next.timers: g.timed,
	} {
		if changed {
			*counter++
		}
	}
	if next == g.turn {
		return nil
	}
	g.turn = next
	return g.conn.Send("UPDATE turn SET next_seq = ?, version = ?, scopes = ?, mutes = ?, people = ?,"+
		" wakes = ?, timers = ? WHERE single",
		next.nextSeq, next.version, next.scopes, next.mutes, next.people, next.wakes, next.timers)
}

func (b *shared) rollback(c conn) {
	on := c.(*postgres.Conn)
	on.Discard()
	if !on.IsLost() {
		_, _ = on.Exec("ROLLBACK")
	}
}

func (b *shared) trouble(err error) (wrapped error, ok bool) {
	hint, ok := postgres.Trouble(err)
	if !ok {
		return err, false
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, hint, err), true
}

// isFinal is never so: the server knows what is on its disk.
func (b *shared) isFinal(error) bool { return false }

// takeOver takes over nothing: whoever has claimed may still be there. What they
// have claimed is due again when their leases run out.
func (b *shared) takeOver(context.Context, *DB, string, int64) (int, error) { return 0, nil }

// copied makes the numbers that the server gives go on after those that are there.
func (b *shared) copied(g *groupTx, _ int64) error {
	for _, table := range []string{"state_scopes", "mutes", "audit"} {
		err := g.conn.Send("SELECT setval(pg_get_serial_sequence('" + table + "', 'id')," +
			" coalesce((SELECT max(id) FROM " + table + "), 0) + 1, FALSE)")
		if err != nil {
			return err
		}
	}
	return nil
}

// emptyLog does nothing: when the server overwrites what was deleted is its
// business; docs/scale.md says what that means for people who are forgotten.
func (b *shared) emptyLog(context.Context) error { return nil }

func (b *shared) close() error {
	if b.readDB == nil {
		return nil
	}
	return b.readDB.Close()
}
