package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"heed/internal/store"
)

// storeFlag says which store a command is about.
type storeFlag struct{ data, address string }

func (f *storeFlag) flags(flags *pflag.FlagSet) {
	flags.StringVar(&f.data, "data", "./heed-data", "the store's directory")
	flags.StringVar(&f.address, "store", "",
		"the store, if not in --data: sqlite:DIRECTORY, or postgres://USER@HOST/DATABASE for several processes")
}

// options returns where the store is.
func (f *storeFlag) options() (store.Options, error) {
	if f.address == "" {
		return store.Options{Dir: f.data}, nil
	}
	o, err := store.At(f.address)
	if err != nil {
		return o, usage("--store: %w", err)
	}
	if o.URL == "" {
		o.Dir = cmp.Or(o.Dir, f.data)
	}
	return o, nil
}

// existing returns where the store is, or why it cannot be opened. instead is what else
// the user can do, as the end of a sentence.
func (f *storeFlag) existing(instead string) (store.Options, error) {
	o, err := f.options()
	if err != nil || o.URL != "" {
		return o, err
	}
	if info, err := os.Stat(o.Dir); err == nil && !info.IsDir() {
		return o, usage("%s is a file, not a directory: name the directory of the store with --data", o.Dir)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, "heed.db")); err != nil {
		return o, noStore(o.Dir, instead, err)
	}
	return o, nil
}

// reader opens the store to look at what was recorded.
func (f *storeFlag) reader(ctx context.Context) (*store.Reader, error) {
	where, err := f.existing("")
	if err != nil {
		return nil, err
	}
	r, err := store.OpenReader(ctx, where)
	if err != nil {
		return nil, failure(err)
	}
	return r, nil
}

// noStore says why a store could not be looked at or opened.
func noStore(dir, instead string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return usage("the store at %s cannot be read: permission denied. Run this as the user that heed runs as%s", dir,
			instead)
	}
	return usage("there is no store at %s: name its directory with --data%s", dir, instead)
}
