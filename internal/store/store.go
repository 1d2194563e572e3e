// Package store owns what heed remembers: events, the keys by which they are
// de-duplicated, when the source last worked, deliveries with their attempts,
// rule sets, the state of rules and threads; and what people.Projection saves. All
// of it is in one database: a file of SQLite that one process at a time may open, or
// a database of PostgreSQL that several processes share. It implements intake.Store,
// delivery.Queue and people.Store, and what the admin listener reads. Only
// internal/app and cmd/heed import it.
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
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"heed/actions/delivery"
	"heed/engine/intake"
	"heed/engine/people"
	"heed/internal/store/postgres"
)

var (
	_ intake.Store   = (*DB)(nil)
	_ delivery.Queue = (*DB)(nil)
	_ people.Store   = (*DB)(nil)
)

// Options says where the store is.
type Options struct {
	// URL is the address of a PostgreSQL database; empty for SQLite.
	URL string
	// Dir is the data directory of SQLite; it is made if it is missing.
	Dir string
	// Copying opens a store into which another is being copied; see Copy.
	Copying bool
	// Log, if set, is told what is wrong with a database that others share.
	Log *slog.Logger
	// ObserveBatch, if set, is told how many events shared a transaction. It
	// must not block: the writer calls it. It gets no context, since a transaction
	// is the work of many callers.
	ObserveBatch func(events int)
}

// DB is an open store. Its methods may be called from many goroutines at once.
type DB struct {
	base   backend
	words  *dialect
	readDB *sql.DB
	due    *sql.Stmt
	writer *writer

	// peopleSeen is up to which change by others this process knows people.
	peopleSeen atomic.Int64
	// news is what other processes had changed a second ago.
	news atomic.Pointer[turn]

	stopWatching context.CancelFunc
	watching     sync.WaitGroup
	closeOnce    sync.Once
	closeErr     error
}

// Open opens the store, makes it if there is none, and brings its schema up to
// date. The context bounds the opening. Errors may be a *LockedError, a
// *DamagedError or a *NewerError.
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
	base, err := openBackend(ctx, o)
	if err != nil {
		return nil, err
	}
	db := &DB{base: base, words: base.words(), readDB: base.reads()}
	db.news.Store(&turn{})
	if err := db.start(ctx, o); err != nil {
		return nil, errors.Join(err, db.closeBase())
	}
	watching, stop := context.WithCancel(context.Background())
	db.stopWatching = stop
	db.watching.Go(func() { base.watch(watching, db) })
	return db, nil
}

func (db *DB) start(ctx context.Context, o Options) (err error) {
	if db.due, err = db.readDB.PrepareContext(ctx, dueActions); err != nil {
		return err
	}
	if !o.Copying {
		if err := db.checkCopied(ctx); err != nil {
			return err
		}
	}
	return db.startWriter(ctx, o)
}

func openBackend(ctx context.Context, o Options) (backend, error) {
	switch {
	case postgres.IsURL(o.URL):
		return openPostgres(ctx, o)
	case o.Dir == "":
		return nil, errors.New("no data directory is named")
	default:
		return openSQLite(ctx, o)
	}
}

func (db *DB) startWriter(ctx context.Context, o Options) error {
	w := &writer{
		base:    db.base,
		words:   db.words,
		known:   map[key]claim{},
		spaces:  map[string]bool{},
		ops:     make(chan *op),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
		onGroup: o.ObserveBatch,
		wake:    make(chan struct{}, 1), wakeTimer: make(chan struct{}, 1),
		failed:   make(chan struct{}),
		commitTx: func(c conn) error { _, err := c.Exec("COMMIT"); return err },
	}
	if !db.words.shared {
		w.keys = &keyring{limit: mergeLimit, runKeys: maxRunKeys}
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
	db.writer = w
	go w.serve()
	if err := db.saveRuns(ctx); err != nil {
		return fmt.Errorf("save the filters of de-duplication keys: %w", err)
	}
	return nil
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
// more; the process should exit with Err and be started again.
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

// Announce writes down what this process is, for those that share the store or find
// its directory in use.
func (db *DB) Announce(ctx context.Context, p Process) (err error) {
	defer wrap(&err, "write down what this process is")
	return db.base.announce(ctx, p)
}

// Close answers the writes that wait, refuses others with ErrClosed, folds the
// log into the database and gives the directory free. It may be called twice.
func (db *DB) Close() error {
	db.closeOnce.Do(func() {
		db.stopWatching()
		db.watching.Wait()
		// Reopening is quick when no key is left to be loaded.
		if db.writer.trouble.Load() == nil {
			_ = db.mergeKeys(context.Background())
		}
		close(db.writer.closing)
		<-db.writer.stopped
		db.closeErr = db.closeBase()
	})
	return db.closeErr
}

func (db *DB) closeBase() error {
	var errs []error
	if db.due != nil {
		errs = append(errs, db.due.Close())
	}
	if err := errors.Join(append(errs, db.base.close())...); err != nil {
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
