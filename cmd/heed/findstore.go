package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// findStore says why a command cannot open the store in a directory; nil if it
// is there. instead is what else the user can do, as the end of a sentence.
func findStore(dir, instead string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return usage("%s is a file, not a directory: name the directory of the store with --data", dir)
	}
	if _, err := os.Stat(filepath.Join(dir, "heed.db")); err != nil {
		return noStore(dir, instead, err)
	}
	return nil
}

// noStore says why a store could not be looked at or opened.
func noStore(dir, instead string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return usage("the store at %s cannot be read: permission denied. Run this as the user that heed runs as%s", dir, instead)
	}
	return usage("there is no store at %s: name its directory with --data%s", dir, instead)
}
