package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	sqlite3 "modernc.org/sqlite/lib"
)

// Backup writes a consistent copy of the store in a data directory to a new
// file, as it is at one moment, and checks the copy. The store may be open and
// written to meanwhile, by this process or another; its log then grows until
// the copy is made. The file becomes heed.db of a data directory when it is
// restored. Errors say what is in the way; no half copy is left behind.
func Backup(ctx context.Context, dir, target string) (err error) {
	defer wrap(&err, "back up")
	path := filepath.Join(dir, "heed.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no store at %s", dir)
	} else if err != nil {
		return fmt.Errorf("the store at %s cannot be read: %w", dir, err)
	}
	if _, err := os.Stat(target); err == nil {
		return fmt.Errorf("%s is there already: name a new file", target)
	}
	if path, err = filepath.Abs(path); err != nil { // as SQLite wants it
		return err
	}
	if target, err = filepath.Abs(target); err != nil {
		return err
	}
	part := target + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			_ = os.Remove(part)
		}
	}()
	if err := copyInto(ctx, path, part); err != nil {
		return whyUnreadable(dir, path, err)
	}
	if err := check(ctx, part); err != nil {
		return fmt.Errorf("the copy is not sound: %w", err)
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(part, target); err != nil {
		return err
	}
	return syncDir(filepath.Dir(target))
}

func copyInto(ctx context.Context, path, part string) error {
	db, err := sql.Open("sqlite", dsn(path, "_pragma=busy_timeout(5000)"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", part)
	return err
}

// whyUnreadable asks the system why SQLite cannot open a file, which does not
// say.
func whyUnreadable(dir, path string, err error) error {
	if codeOf(err)&0xff != sqlite3.SQLITE_CANTOPEN {
		return err
	}
	f, why := os.Open(path)
	if why != nil {
		return fmt.Errorf("the store at %s cannot be read: %w", dir, why)
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil // a directory that may not be read cannot be synced either
	}
	defer d.Close()
	return d.Sync()
}
