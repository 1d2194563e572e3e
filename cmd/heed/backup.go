package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"heed/internal/store"
)

func newBackup(s streams) *cobra.Command {
	var from storeFlag
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a consistent copy of the store to a file",
		Long: `Backup writes a copy of the store, as it is at one moment, to a new file and
checks it. heed serve may go on meanwhile.

To restore a copy, put it into a new directory as heed.db and start heed serve
with --data on that directory. Deliveries that were still to be sent when the
copy was made are then sent, also those that went out since.`,
		Example: "  heed backup --data heed-data heed-$(date +%F).db",
		Args:    one("file for the copy"),
		RunE:    func(cmd *cobra.Command, args []string) error { return backup(cmd.Context(), s, &from, args[0]) },
	}
	from.flags(cmd.Flags())
	return cmd
}

func backup(ctx context.Context, s streams, from *storeFlag, file string) error {
	where, err := from.existing("")
	if err != nil {
		return err
	}
	if where.URL != "" {
		return usage("a store on PostgreSQL is backed up by the tools of the database: pg_dump -Fc -f %s DATABASE",
			file)
	}
	if err := store.Backup(ctx, where.Dir, file); err != nil {
		return failure(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		return failure(err)
	}
	fmt.Fprintf(s.out, "%s: %s, checked\n", file, size(info.Size()))
	fmt.Fprintf(s.out, "to restore: mkdir -m 700 NEW && cp %s NEW/heed.db && heed serve --data NEW\n", file)
	return nil
}

// size formats a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%d KiB", (n+1023)>>10)
	}
}
