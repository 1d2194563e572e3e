package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"heed/engine/record"
	"heed/internal/plain"
	"heed/internal/store"
)

type migrateOptions struct{ from, to string }

func newMigrate(s streams) *cobra.Command {
	var o migrateOptions
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Copy a store to another database",
		Long: `Migrate copies a store, from SQLite to PostgreSQL or back, into an empty one, and
then compares them row by row. Stop heed serve first.

If it is interrupted, give the same command again: it continues where it was. The
store that it copies from is left as it is.`,
		Example: "  heed migrate --from sqlite:heed-data --to postgres://heed@db.example.com/heed",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return migrate(cmd.Context(), s, o) },
	}
	cmd.Flags().StringVar(&o.from, "from", "", "the store to copy: sqlite:DIRECTORY or postgres://USER@HOST/DATABASE")
	cmd.Flags().StringVar(&o.to, "to", "", "the empty store to copy it to")
	return cmd
}

func migrate(ctx context.Context, s streams, o migrateOptions) error {
	if o.from == "" || o.to == "" {
		return usage("name both stores: heed migrate --from sqlite:heed-data --to postgres://USER@HOST/DATABASE")
	}
	if _, err := store.At(o.from); err != nil {
		return usage("--from: %w", err)
	}
	source := storeFlag{address: o.from}
	where, err := source.existing("")
	if err != nil {
		return err
	}
	into, err := store.At(o.to)
	if err != nil {
		return usage("--to: %w", err)
	}
	if into.URL == "" && into.Dir == "" {
		return usage("--to sqlite: names no directory: write sqlite:DIRECTORY")
	}
	if into.URL == where.URL && filepath.Clean(into.Dir) == filepath.Clean(where.Dir) {
		return usage("--from and --to name the same store, %s: name an empty one with --to", o.to)
	}
	into.Copying = true
	from, err := openStopped(ctx, where)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := openStopped(ctx, into)
	if err != nil {
		return err
	}
	defer to.Close()
	line := newProgress(s)
	err = store.Copy(ctx, from, to, func(step string, done, total int64) {
		line.bar(float64(done)/float64(max(1, total)), "%s, %d of %d", step, done, total)
	})
	line.done()
	if err != nil {
		return failure(err)
	}
	events, err := to.CountEvents(ctx)
	if err != nil {
		return failure(err)
	}
	fmt.Fprintf(s.out, "copied and compared: %s and all that belongs to them\n", plain.Count(events, "event"))
	fmt.Fprintf(s.out, "from now on: heed serve --store %s\n", plain.Line(into.String()))
	return nil
}

// openStopped opens a store that no server has open.
func openStopped(ctx context.Context, o store.Options) (*store.DB, error) {
	db, err := store.Open(ctx, o)
	if err != nil {
		return nil, failure(err)
	}
	if err := stopped(ctx, db, o); err != nil {
		_ = db.Close()
		return nil, failure(err)
	}
	return db, nil
}

// stopped returns an error if a server has the store open.
func stopped(ctx context.Context, db *store.DB, o store.Options) error {
	all, err := db.Processes(ctx)
	all = slices.DeleteFunc(all, func(p record.Process) bool { return p.Gone })
	if err == nil && len(all) > 0 {
		err = fmt.Errorf("%s is in use by %s: stop heed serve there first", o, plain.Count(len(all), "process"))
	}
	return err
}
