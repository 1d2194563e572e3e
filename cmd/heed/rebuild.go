package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/spf13/cobra"

	"heed/engine/people"
	"heed/internal/plain"
	"heed/internal/store"
)

type rebuildOptions struct {
	store       storeFlag
	dryRun, yes bool
}

func newRebuild(s streams) *cobra.Command {
	var o rebuildOptions
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Compute what is known of people again, from the recorded events",
		Long: `Rebuild computes again what is known of people and their progress, from all
recorded events. What began before the oldest of them, and imports, cannot be
computed again: it is kept and continued.

It says what would change and asks. It needs the store for itself: stop heed serve
first.`,
		Example: "  heed rebuild --dry-run --data heed-data\n  heed rebuild --data heed-data",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return rebuild(cmd.Context(), s, &o) },
	}
	o.store.flags(cmd.Flags())
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only say what would change")
	yesFlag(cmd, &o.yes)
	return cmd
}

func rebuild(ctx context.Context, s streams, o *rebuildOptions) error {
	where, err := o.store.existing("")
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, where)
	locked, isLocked := errors.AsType[*store.LockedError](err)
	switch {
	case isLocked:
		return failure(fmt.Errorf("a rebuild needs the store for itself, and %s: stop heed serve first",
			locked.InUse()))
	case errors.Is(err, fs.ErrPermission):
		return noStore(where.Dir, "", err)
	case err != nil:
		return failure(err)
	}
	defer db.Close()
	if err := stopped(ctx, db, where); err != nil {
		return failure(err)
	}
	r, err := people.Rebuild(ctx, db, slog.New(slog.DiscardHandler))
	if err != nil {
		return failure(err)
	}
	fmt.Fprintf(s.out, "%s learnt\n", plain.Count(r.Events, "recorded event"))
	fmt.Fprintf(s.out, "%s: %d continued from before or imported, %d would change\n", plain.Count(r.People, "person"),
		r.PeopleContinued, r.PeopleChanged)
	fmt.Fprintf(s.out, "%s of progress: %d continued from before, %d would change\n",
		plain.Count(r.Rows, "row"), r.RowsContinued, r.RowsChanged)
	if r.PeopleChanged+r.RowsChanged == 0 {
		fmt.Fprintln(s.out, "all is as it should be")
		return nil
	}
	if o.dryRun {
		return nil
	}
	ok, err := confirm(ctx, s, o.yes, fmt.Sprintf("change %s and %s of progress",
		plain.Count(r.PeopleChanged, "person"), plain.Count(r.RowsChanged, "row")))
	if err != nil || !ok {
		return err
	}
	if err := r.Apply(ctx); err != nil {
		return failure(err)
	}
	fmt.Fprintln(s.out, "changed")
	return nil
}
