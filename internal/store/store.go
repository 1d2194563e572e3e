// Package store owns what heed remembers: events, the keys by which they are
// de-duplicated, when the source last worked, deliveries with their attempts,
// rule sets and threads, in one SQLite database that one process at a time may open; and what people.Projection
// saves. It implements intake.Store, delivery.Queue and people.Store, and what
// the admin listener reads. Only internal/app and cmd/heed import it.
//
// One goroutine writes. It takes all writes that wait, runs them in one
// transaction, and answers them after the fsync; see writer.go. Reads have
// connections of their own and see what was committed.
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
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"heed/actions/delivery"
	"heed/engine/intake"
	"heed/engine/people"
)

var (
	_ intake.Store   = (*DB)(nil)
	_ delivery.Queue = (*DB)(nil)
	_ people.Store   = (*DB)(nil)
)

// Options says where the store is.
type Options struct {
	// Dir is the data directory; it is made if it is missing.
	Dir string
	// ObserveBatch, if set, is told how many events shared a transaction. It
	// must not block: the writer calls it.
	ObserveBatch func(events int)
}

// DB is an open store. Its methods may be called from many goroutines at once.
type DB struct {
	dir     string
	lock    *flock.Flock
	writeDB *sql.DB // one connection, the writer's
	readDB  *sql.DB
	due     *sql.Stmt
	writer  *writer
	words   *dialect

	closeOnce sync.Once
	closeErr  error
}

// Open opens the store in a data directory, makes it if there is none, and
// brings its schema up to date. The context bounds the opening. Errors may be a
// *LockedError, a *DamagedError or a *NewerError.
func Open(ctx context.Context, o Options) (*DB, error) {
	db, err := open(ctx, o)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("open store: %w. Run this as the user that the files in %s belong to", err, o.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return db, nil
}

func open(ctx context.Context, o Options) (*DB, error) {
	if o.Dir == "" {
		return nil, errors.New("no data directory is named")
	}
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
	db := &DB{dir: dir, lock: lock, words: &sqliteDialect}
	if err := db.openFile(ctx, o); err != nil {
		return nil, errors.Join(err, db.closeFiles())
	}
	return db, nil
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
	if info, err := os.Stat(above); above != dir && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && !info.IsDir()) {
		if err := makeDir(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(above)
}

func (db *DB) openFile(ctx context.Context, o Options) (err error) {
	path := filepath.Join(db.dir, "heed.db")
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
	if db.writeDB, err = sql.Open("sqlite", dsn(path, writePragmas...)); err != nil {
		return err
	}
	db.writeDB.SetMaxOpenConns(1)
	if err := migrate(ctx, db.writeDB, path); err != nil {
		return err
	}
	if db.readDB, err = sql.Open("sqlite", dsn(path, readPragmas...)); err != nil {
		return err
	}
	db.readDB.SetMaxOpenConns(readers)
	db.readDB.SetMaxIdleConns(readers)
	if db.due, err = db.readDB.PrepareContext(ctx, dueActions); err != nil {
		return err
	}
	return db.startWriter(ctx, o)
}

func (db *DB) startWriter(ctx context.Context, o Options) error {
	w := &writer{
		words:   db.words,
		spaces:  map[string]bool{},
		ops:     make(chan *op),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
		keys:    &keyring{limit: mergeLimit},
		onGroup: o.ObserveBatch,
		wake:    make(chan struct{}, 1), wakeTimer: make(chan struct{}, 1),
		failed:   make(chan struct{}),
		commitTx: func(c conn) error { _, err := c.Exec("COMMIT"); return err },
	}
	var err error
	if w.nextSeq, err = w.keys.load(ctx, db.readDB); err != nil {
		return fmt.Errorf("load de-duplication keys: %w", err)
	}
	learnt, err := mark(ctx, db.readDB, "people_learnt")
	if err != nil {
		return fmt.Errorf("read what was learnt: %w", err)
	}
	w.nextSeq = max(w.nextSeq, learnt+1) // a number that was learnt is never given again
	last, err := db.loadLastGood(ctx)
	if err != nil {
		return fmt.Errorf("read the last good event: %w", err)
	}
	w.lastGood.Store(&last)
	w.savedGood = last.At
	if err := w.loadState(ctx, db); err != nil {
		return fmt.Errorf("read the state of rules: %w", err)
	}
	sqlConn, err := db.writeDB.Conn(ctx)
	if err != nil {
		return err
	}
	db.writer = w
	go w.serve(sqlConn)
	return nil
}

// readers is how many reads run at once; each connection has its own cache.
const readers = 4

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
		"_pragma=foreign_keys(1)", "_pragma=temp_store(MEMORY)", "_pragma=cache_size(-8192)", "_pragma=secure_delete(1)",
		"_pragma=journal_size_limit(16777216)", "_pragma=wal_autocheckpoint(4000)",
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

// Wake tells that deliveries have become due or will be due at another time
// than DueActions said. Several changes may make one message.
func (db *DB) Wake() <-chan struct{} { return db.writer.wake }

// WakeTimer tells that rows of state have become due or will be due at another
// time. Several changes may make one message.
func (db *DB) WakeTimer() <-chan struct{} { return db.writer.wakeTimer }

// RearmTimers sends the message of WakeTimer, since other rules are active now.
func (db *DB) RearmTimers() { signal(db.writer.wakeTimer) }

// Failed is closed when the disk has refused an fsync. Nothing is written any
// more; the process should exit with Err and be started anew.
func (db *DB) Failed() <-chan struct{} { return db.writer.failed }

// Err returns what closed Failed, nil before.
func (db *DB) Err() error {
	if !db.writer.hasFailed() {
		return nil
	}
	return db.writer.failure
}

// Ping says whether the store can be read and, as far as is known, written. If
// the last transaction failed it tries a small one, so that a store without
// traffic finds back by itself. Errors may be ErrUnavailable or ErrClosed.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.Err(); err != nil {
		return err
	}
	select {
	case <-db.writer.closing:
		return ErrClosed
	default:
	}
	var one int
	if err := db.readDB.QueryRowContext(ctx, "SELECT count(*) FROM marks").Scan(&one); err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	if db.writer.trouble.Load() == nil {
		return nil
	}
	return db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.Exec("UPDATE marks SET value = value + 1 WHERE name = 'probe'")
		return err
	})
}

// Close answers the writes that wait, refuses others with ErrClosed, folds the
// log into the database and gives the directory free. It may be called twice.
func (db *DB) Close() error {
	db.closeOnce.Do(func() {
		// Reopening is quick when no key is left to be loaded.
		if db.writer.trouble.Load() == nil {
			_ = db.mergeKeys(context.Background())
		}
		close(db.writer.closing)
		<-db.writer.stopped
		db.closeErr = db.closeFiles()
	})
	return db.closeErr
}

// closeFiles closes the writer last: the last connection to be closed folds
// the log into the database.
func (db *DB) closeFiles() error {
	var errs []error
	if db.due != nil {
		errs = append(errs, db.due.Close())
	}
	if db.readDB != nil {
		errs = append(errs, db.readDB.Close())
	}
	if db.writeDB != nil {
		errs = append(errs, db.writeDB.Close())
	}
	if err := errors.Join(append(errs, release(db.dir, db.lock))...); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// micros is how times are stored: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
