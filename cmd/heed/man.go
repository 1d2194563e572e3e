package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan writes the manual pages that packages have.
func newMan(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the manual pages",
		Hidden: true,
		Args:   one("directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o750); err != nil {
				return usage("%w", err)
			}
			header := &doc.GenManHeader{Title: "HEED", Section: "1", Source: "heed " + buildVersion(), Manual: "heed"}
			if at, err := time.Parse(time.RFC3339, thisBuild().Date); err == nil {
				header.Date = &at // so that the same source gives the same pages
			}
			root.DisableAutoGenTag = true
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return failure(err)
			}
			return nil
		},
	}
}
