package store

import (
	"context"
	"database/sql"
)

// backend is the database under a store: SQLite in a directory, or PostgreSQL,
// which other processes use at the same time. Its methods with a group are called
// by the writer, in the middle of the group's transaction.
type backend interface {
	words() *dialect
	// reads are the connections for reading.
	reads() *sql.DB
	// lend lends the writer its connection until write returns.
	lend(write func(conn) error) error

	// begin starts the transaction. Where others write too, it waits for its turn,
	// and then tells the writer what they have changed.
	begin(g *groupTx) error
	// end writes what belongs to the group as a whole, before its commit.
	end(g *groupTx) error
	// rollback ends a transaction, if there is one.
	rollback(c conn)

	// trouble wraps an error with ErrUnavailable if it is about the store as a
	// whole, so that every operation of the group fails; otherwise ok is false.
	trouble(err error) (wrapped error, ok bool)
	// isFinal says of trouble that nothing may be written any more.
	isFinal(err error) bool

	// takeOver makes claims of owners that are certainly gone due.
	takeOver(ctx context.Context, db *DB, owner string, nowMicros int64) (int, error)
	// leadPeople makes this process the one that saves people, with force instead of
	// another. It is people.ErrNotSaver if another does.
	leadPeople(g *groupTx, force bool) error
	// copied notes that a store was copied whole, up to the last event.
	copied(g *groupTx, last int64) error
	// emptyLog sees to it that nothing of what was deleted is left on the disk.
	emptyLog(ctx context.Context) error
	// announce says what this process is, to others that come.
	announce(ctx context.Context, p Process) error
	// watch does what is to be done all the time until the context ends.
	watch(ctx context.Context, db *DB)
	close() error
}
