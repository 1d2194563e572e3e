package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"heed/engine/rulefile"
	"heed/engine/source"
)

func newCheck(s streams) *cobra.Command {
	var strict bool
	var output string
	cmd := &cobra.Command{
		Use:   "check [PATH…]",
		Short: "Check rule files: every problem with its place and a hint",
		Long: `Check reads rule files, or directories of them, as heed serve would, and prints
every problem with its place and what to write instead. Without a path it reads
rules.yaml. With -o json it prints one object a line.

Exit code 0: clean, or warnings only (with --strict: clean).
          1: problems.  2: a file cannot be read.`,
		Example: "  heed check rules.yaml\n  heed check --strict -o json rules/",
		RunE: func(_ *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{"rules.yaml"}
			}
			return check(s, paths, strict, output == "json")
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "let warnings count as errors")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func check(s streams, paths []string, strict, asJSON bool) error {
	var all []source.Problem
	rules := 0
	for _, path := range paths {
		snapshot, err := rulefile.Read(path)
		if err != nil {
			return usage("%v", err)
		}
		loaded, problems := newCompiler(s, slog.New(slog.DiscardHandler), false).Compile(snapshot)
		if loaded != nil {
			rules += len(loaded.Rules.Rules())
		}
		all = append(all, problems...)
	}
	if asJSON {
		for i := range all {
			if err := printJSON(s.out, &all[i]); err != nil {
				return failure(err)
			}
		}
	} else {
		paint := s.style(s.out)
		printProblems(s.out, paint, all)
		if len(all) == 0 {
			fmt.Fprintf(s.out, "%s✔%s %s, no problems\n", paint.green, paint.reset, count(rules, "rule"))
		} else {
			fmt.Fprintf(s.out, "%s\n", summary(all))
		}
	}
	if errors, warnings := tally(all); errors > 0 || (strict && warnings > 0) {
		return quiet(exitProblems)
	}
	return nil
}
