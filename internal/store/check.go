package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	sqlite3 "modernc.org/sqlite/lib"
)

// smallFile is the size in bytes up to which every page is checked at start:
// about 130 ms for as much. Tests make it smaller.
var smallFile int64 = 64 << 20

// check refuses a database file that is damaged, without writing to it. It
// always finds: a file that is not an SQLite database, one that was cut short, a
// schema that cannot be read, and a broken page at the root, the first or the
// last leaf of a table or of an index that grows with the events. In a file of
// up to smallFile it finds a broken structure in any page. It does not find
// changed bytes inside a value, nor, in a bigger file, a broken page in the
// midst of a table: reading all of it would take as long as the file is big.
// Such a page is found when it is used, and then fails that one operation.
//
// A missing or empty file is fine: it is what a crash during the very first
// start leaves.
func check(ctx context.Context, path string) error {
	if err := rollBack(ctx, path); err != nil {
		return err
	}
	size, err := checkHeader(path)
	if err != nil || size == 0 {
		return err
	}
	db, err := sql.Open("sqlite", dsn(path, "mode=ro"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := checkPages(ctx, db, size); err != nil {
		if damaged, ok := errors.AsType[*DamagedError](err); ok {
			damaged.Path = path
			return damaged
		}
		switch codeOf(err) & 0xff {
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return &DamagedError{Path: path, Reason: err.Error()}
		}
		return err
	}
	return nil
}

// rollBack undoes what a crash left half done before the database had its log:
// in the first start, or in the first with a backup. Until then the file may
// look damaged, and can be read by nobody who may not write it.
func rollBack(ctx context.Context, path string) error {
	for _, name := range []string{path, path + "-journal"} {
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			return nil
		}
	}
	db, err := sql.Open("sqlite", dsn(path, "mode=rw"))
	if err != nil {
		return err
	}
	defer db.Close()
	var version int
	err = db.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&version)
	switch codeOf(err) & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return nil // check says so, in its own words
	}
	return err
}

const fileMagic = "SQLite format 3\x00"

// checkHeader looks at the first 18 bytes: the magic and the page size.
func checkHeader(path string) (size int64, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return 0, err
	}
	head := make([]byte, len(fileMagic)+2)
	if _, err := io.ReadFull(f, head); err != nil && err != io.ErrUnexpectedEOF {
		return 0, err
	}
	if string(head[:len(fileMagic)]) != fileMagic {
		return 0, &DamagedError{Path: path, Reason: "it does not begin as an SQLite database does"}
	}
	pageSize := int64(binary.BigEndian.Uint16(head[len(fileMagic):]))
	if pageSize == 1 {
		pageSize = 65536
	}
	if !hasLog(path) && (pageSize == 0 || info.Size()%pageSize != 0) {
		return 0, &DamagedError{Path: path, Reason: "it was cut short in the midst of a page"}
	}
	return info.Size(), nil
}

// hasLog says whether there is a log, which may make good what a crash left
// half written.
func hasLog(path string) bool {
	info, err := os.Stat(path + "-wal")
	return err == nil && info.Size() > 0
}

func checkPages(ctx context.Context, db *sql.DB, size int64) error {
	// Reading anything makes SQLite compare the file's size with its header
	// and read the schema.
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&version); err != nil {
		return err
	}
	if size <= smallFile {
		var found string
		if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
			return err
		}
		if found != "ok" {
			return &DamagedError{Reason: found}
		}
		return nil
	}
	return checkEdges(ctx, db)
}

// edges are a column and a table each; the order by the column is that of the
// table or of an index of it. An empty one is the first of the table's key. Only what
// every store has that was ever made: the schema is brought up to date after the check.
var edges = [][2]string{
	{"seq", "events"},
	{"type", "events"},
	{"", "keys"}, // k alone, before there were runs
	{"n", "deliveries"},
	{"id", "deliveries"},
	{"action", "deliveries WHERE due_at IS NOT NULL"},
	{"delivery", "attempts"},
	{"hour", "hours"},
	{"name", "marks"},
	{"hash", "rule_sets"},
	{"rowid", "rule_sets"},
	{"id", "people"},
	{"kind", "items"},
	{"user", "progress"},
	{"id", "goose_db_version"},
}

// checkEdges reads the first and the last entry of each table and of the big
// indexes.
func checkEdges(ctx context.Context, db *sql.DB) error {
	for _, e := range edges {
		if e[0] == "" {
			err := db.QueryRowContext(ctx, "SELECT name FROM pragma_table_info(?) WHERE pk = 1", e[1]).Scan(&e[0])
			if err != nil {
				return fmt.Errorf("%s: %w", e[1], err)
			}
		}
		var first, last any
		row := db.QueryRowContext(ctx, fmt.Sprintf(
			"SELECT (SELECT min(%[1]s) FROM %[2]s), (SELECT max(%[1]s) FROM %[2]s)", e[0], e[1]))
		if err := row.Scan(&first, &last); err != nil {
			return fmt.Errorf("%s: %w", e[1], err)
		}
	}
	return nil
}
