package store

import (
	"errors"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"
)

// ErrUnavailable is what every write returns while the store cannot be
// written: the disk is full, the files are read-only or locked, or a device
// gives errors. Nothing of the write is stored. It passes by itself once the
// cause is gone, except after Failed.
var ErrUnavailable = errors.New("the store cannot be written")

// ErrClosed is what writes return once Close was called.
var ErrClosed = errors.New("the store is closed")

// DamagedError says that the database file was refused at start. The file is
// left as it was.
type DamagedError struct {
	Path   string
	Reason string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged (%s) and was left as it is: "+
		"put a backup made with 'heed backup' in its place, or move it away together with its -wal and -shm files to "+
		"begin with an empty store",
		e.Path, e.Reason)
}

// NewerError says that a newer heed has written the store.
type NewerError struct {
	Path        string
	Schema, Own int64
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s was written by a newer heed (schema %d, this one knows %d): run that version or a later one",
		e.Path, e.Schema, e.Own)
}

// codeOf returns SQLite's extended result code, or 0 if err is not SQLite's.
func codeOf(err error) int {
	var coder interface{ Code() int }
	if errors.As(err, &coder) {
		return coder.Code()
	}
	return 0
}

// whatToDo has an entry for each primary code that is about the store as a
// whole and not about one operation.
var whatToDo = map[int]string{
	sqlite3.SQLITE_FULL:     "the disk is full: free some space",
	sqlite3.SQLITE_READONLY: "the data directory is read-only: make it writable",
	sqlite3.SQLITE_PERM:     "the data directory cannot be accessed: check its permissions",
	sqlite3.SQLITE_CANTOPEN: "a file in the data directory cannot be opened: check its permissions and the limit on " +
		"open files",
	sqlite3.SQLITE_BUSY:     "another program holds the database: close it",
	sqlite3.SQLITE_LOCKED:   "another program holds the database: close it",
	sqlite3.SQLITE_PROTOCOL: "another program holds the database: close it",
	sqlite3.SQLITE_IOERR:    "the disk gives errors: check it",
	sqlite3.SQLITE_NOMEM:    "out of memory",
	sqlite3.SQLITE_CORRUPT:  "the database is damaged: stop heed and restore a backup",
	sqlite3.SQLITE_NOTADB:   "the database is damaged: stop heed and restore a backup",
}

// trouble wraps err with ErrUnavailable if it is about the store as a
// whole, so that every operation of the group fails; otherwise ok is false.
func (*sqlite) trouble(err error) (wrapped error, ok bool) {
	hint, ok := whatToDo[codeOf(err)&0xff]
	if !ok {
		return err, false
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, hint, err), true
}

// isFinal says that the system could not bring written data to the disk.
// The kernel may have dropped that data and will report the error only once:
// a later success proves nothing.
func (*sqlite) isFinal(err error) bool {
	code := codeOf(err)
	return code == sqlite3.SQLITE_IOERR_FSYNC || code == sqlite3.SQLITE_IOERR_DIR_FSYNC
}
