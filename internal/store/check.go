package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	sqlite3 "modernc.org/sqlite/lib"
)

// smallFile is the size in bytes up to which every page is checked at start.
const smallFile = 16 << 20

// check refuses a database file that is damaged, without writing to it. It
// always finds: a file that is no SQLite database, one that was cut short, a
// schema that cannot be read, and a broken page at the root, the first or the
// last leaf of any table or index. In a file of up to smallFile it finds a
// broken structure in any page. It does not find changed bytes inside a value,
// nor, in a bigger file, a broken page in the midst of a table: reading all of
// it would take as long as the file is big. Such a page is found when it is
// used, and then fails that one operation.
//
// A missing or empty file is fine: it is what a crash during the very first
// start leaves.
func check(ctx context.Context, path string) error {
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

var fileMagic = []byte("SQLite format 3\x00")

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
	head := make([]byte, len(fileMagic))
	if _, err := io.ReadFull(f, head); err != nil && err != io.ErrUnexpectedEOF {
		return 0, err
	}
	if !bytes.Equal(head, fileMagic) {
		return 0, &DamagedError{Path: path, Reason: "it does not begin as an SQLite database does"}
	}
	return info.Size(), nil
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

// checkEdges reads the first and the last entry of each table and of the big
// indexes.
func checkEdges(ctx context.Context, db *sql.DB) error {
	for table, columns := range map[string][]string{
		"events":                              {"seq", "type"},
		"keys":                                {"k"},
		"deliveries":                          {"n", "id"},
		"attempts":                            {"delivery"},
		"hours":                               {"hour"},
		"deliveries WHERE due_at IS NOT NULL": {"action"},
	} {
		for _, column := range columns {
			var first, last any
			row := db.QueryRowContext(ctx, fmt.Sprintf(
				"SELECT (SELECT min(%[1]s) FROM %[2]s), (SELECT max(%[1]s) FROM %[2]s)", column, table))
			if err := row.Scan(&first, &last); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
	}
	return nil
}
