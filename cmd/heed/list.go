package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
)

// What the commands that list pages of the API share.

func listFlags(cmd *cobra.Command, limit *int, cursor *string) {
	cmd.Flags().IntVar(limit, "limit", 50, "how many to list, at most 500")
	cmd.Flags().StringVar(cursor, "cursor", "", "go on where an earlier list ended")
}

// queryOf makes a query of the pairs that have a value.
func queryOf(pairs ...string) url.Values {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return query
}

func printPage(s streams, rows [][]string, none, next string) {
	if len(rows) == 1 {
		fmt.Fprintln(s.out, none)
		return
	}
	table(s.out, rows)
	if next != "" {
		fmt.Fprintf(s.out, "more: --cursor %s\n", next)
	}
}
