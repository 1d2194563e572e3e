package main

import (
	"github.com/spf13/cobra"

	"heed/internal/app"
)

func newSchema(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of the rule file, for editors",
		Long: `Schema prints a JSON Schema (draft-07) of the rule file. With it an editor
completes keys, explains them under the mouse and underlines mistakes while you
type. It knows no expressions and no names of actions: heed check does.`,
		Example: "  heed schema > rules.schema.json\n\nand as the first line of the rules:\n\n  # " +
			"yaml-language-server: $schema=./rules.schema.json",
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			described := app.Compiler(s.env).Describe()
			if err := described.Write(s.out); err != nil {
				return failure(err)
			}
			return nil
		},
	}
}
