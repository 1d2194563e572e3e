package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqlite is a database file in a directory that one process at a time may open.
type sqlite struct {
	dir     string
	lock    *flock.Flock
	writeDB *sql.DB // one connection, the writer's
	readDB  *sql.DB
}

func openSQLite(ctx context.Context, o Options) (*sqlite, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, err
	}
	b := &sqlite{dir: dir, lock: lock}
	if err := b.openFile(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// makeDir sees to it that a power cut cannot take a new directory away again,
// or one above it that is as new, with all that was acknowledged in it. Where
// there is a database it has been here before.
func makeDir(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "heed.db")); err == nil {
		return nil
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is a file, not a directory", dir)
	}
	above := filepath.Dir(dir)
	info, err := os.Stat(above)
	missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && !info.IsDir()
	if above != dir && missing {
		if err := makeDir(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(above)
}

func (b *sqlite) openFile(ctx context.Context) (err error) {
	path := filepath.Join(b.dir, "heed.db")
	if err := check(ctx, path); err != nil {
		return err
	}
	// SQLite would make the file readable to all, and gives its companions the
	// same permissions.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if b.writeDB, err = sql.Open("sqlite", dsn(path, writePragmas...)); err != nil {
		return err
	}
	b.writeDB.SetMaxOpenConns(1)
	if err := migrate(ctx, b.writeDB, sqliteSchema, path); err != nil {
		return err
	}
	if b.readDB, err = sql.Open("sqlite", dsn(path, readPragmas...)); err != nil {
		return err
	}
	b.readDB.SetMaxOpenConns(readers)
	b.readDB.SetMaxIdleConns(readers)
	b.readDB.SetConnMaxIdleTime(idleReader)
	return nil
}

const (
	// readers is how many reads run at once; each connection has its own cache, of
	// 2 MB.
	readers = 4
	// idleReader is how long a connection is kept, and its cache, that nobody uses.
	idleReader = 20 * time.Second
)

var (
	// FULL makes each commit wait for the disk. The statement journal belongs
	// in memory, or a statement with several rows writes a temporary file. A
	// bigger cache does not pay: after each commit SQLite looks through it.
	// Rows of state lie all over their table: a log of 4000 pages, which is 16 MiB,
	// meets a page several times before it is moved, and takes a fifth off the cost
	// of a count. The log is cut back to 16 MiB once a long read, such as a backup, that
	// made it grow is over. What is deleted is zeroed, or a forgotten person would stay on the disk.
	writePragmas = []string{
		"_txlock=immediate", "_pragma=busy_timeout(5000)", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)",
		"_pragma=foreign_keys(1)", "_pragma=temp_store(MEMORY)", "_pragma=cache_size(-8192)",
		"_pragma=secure_delete(1)", "_pragma=journal_size_limit(16777216)", "_pragma=wal_autocheckpoint(4000)",
	}
	readPragmas = []string{"_pragma=busy_timeout(5000)", "_pragma=query_only(1)", "_pragma=temp_store(MEMORY)"}
)

// dsn makes the path a URI, so that no character in it can pass for an option.
func dsn(path string, options ...string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: strings.Join(options, "&")}
	return u.String()
}

func (b *sqlite) words() *dialect { return &sqliteDialect }
func (b *sqlite) reads() *sql.DB  { return b.readDB }

// lend stays inside Raw for as long as the connection is lent, since it may be
// used nowhere else.
func (b *sqlite) lend(write func(conn) error) error {
	sqlConn, err := b.writeDB.Conn(context.Background())
	if err != nil {
		return err
	}
	defer sqlConn.Close()
	return sqlConn.Raw(func(driverConn any) error {
		c, err := newSQLiteConn(driverConn)
		if err != nil {
			return err
		}
		defer c.close()
		return write(c)
	})
}

func (b *sqlite) begin(g *groupTx) error {
	_, err := g.conn.Exec("BEGIN IMMEDIATE")
	return err
}

// As many keys are merged as there are new ones and as many again, so a merge ends
// before the next one is due.
func (b *sqlite) end(g *groupTx) error { return g.keys.merge(g, 2*len(g.fresh), false) }

// rollback ignores the error: SQLite has rolled back by itself after some
// errors, and says so.
func (b *sqlite) rollback(c conn) { _, _ = c.Exec("ROLLBACK") }

// takeOver takes over all claims: while this process has the data directory
// locked, all other owners are gone.
func (b *sqlite) takeOver(ctx context.Context, db *DB, owner string, nowMicros int64) (n int, err error) {
	o := &op{}
	o.apply = func(g *groupTx) error {
		n, err = g.takeOver(owner, nowMicros)
		o.wakes = n > 0
		return err
	}
	if err := db.writer.submit(ctx, o); err != nil {
		return 0, err
	}
	return n, nil
}

// leadPeople has nobody to ask.
func (b *sqlite) leadPeople(*groupTx, bool) error { return nil }

// copied notes that all keys are in their table, in one run.
func (b *sqlite) copied(g *groupTx, last int64) error {
	if err := g.conn.Send("INSERT INTO key_runs (run, keys) SELECT 0, count(*) FROM keys"); err != nil {
		return err
	}
	return g.conn.Send("UPDATE marks SET value = ? WHERE name = 'keys_merged'", last)
}

// emptyLog brings the log into the database and cuts it off: what was deleted
// is zeroed there (secure_delete), but the log still has it. Readers may keep it
// busy for a while.
func (b *sqlite) emptyLog(ctx context.Context) error {
	for {
		var busy, pages, moved int
		err := b.checkpoint(ctx, &busy, &pages, &moved)
		if err != nil {
			return fmt.Errorf("empty the log: %w", err)
		}
		if busy == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("empty the log: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// checkpoint uses a connection of its own: the writer's is always in a
// transaction, and the readers' may not write.
func (b *sqlite) checkpoint(ctx context.Context, result ...any) error {
	checkpointer, err := sql.Open("sqlite", dsn(filepath.Join(b.dir, "heed.db"), "_pragma=busy_timeout(1000)"))
	if err != nil {
		return err
	}
	defer checkpointer.Close()
	return checkpointer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(result...)
}

// announce writes it down for commands that find the directory in use.
func (b *sqlite) announce(_ context.Context, p Process) error {
	return writeHolder(b.dir, holder{PID: os.Getpid(), AdminURL: p.AdminURL})
}

// watch has nothing to do: nobody else writes.
func (b *sqlite) watch(context.Context, *DB) {}

// close closes the writer's connection last: the last one to be closed folds the
// log into the database.
func (b *sqlite) close() error {
	var errs []error
	if b.readDB != nil {
		errs = append(errs, b.readDB.Close())
	}
	if b.writeDB != nil {
		errs = append(errs, b.writeDB.Close())
	}
	return errors.Join(append(errs, release(b.dir, b.lock))...)
}
