package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"heed/engine/document"
	"heed/engine/rulefile"
	"heed/internal/app"
	"heed/internal/plain"
)

func newCheck(s streams) *cobra.Command {
	var strict bool
	var output, against, tokenFile string
	cmd := &cobra.Command{
		Use:   "check [PATH…]",
		Short: "Check rule files: every problem with its place and a hint",
		Long: `Check reads rule files, or directories of them, as heed serve would, and prints
every problem with its place and what to write instead. Without a path it reads
rules.yaml. Each problem has a code, which docs/checks.md explains.

-o json prints one object a line, -o github annotations for GitHub Actions,
-o sarif a report for code scanning.

With --against DATA it also says what the rules would change for the store in that
directory, or at that address (postgres://…): which rules are added, removed or
changed, whose state would be discarded, and what the last 24 hours would have been.
With --against URL, the address of a server's admin listener (http://…), it says what
the last 24 hours would have been there.

Exit code 0: clean, or warnings only (with --strict: clean).
          1: problems.  2: a file cannot be read.`,
		Example: "  heed check rules.yaml\n  heed check --strict -o json rules/",
		RunE: func(cmd *cobra.Command, paths []string) error {
			if err := onlyWith(cmd, "--against URL", isURL(against), "admin-token-file"); err != nil {
				return err
			}
			if len(paths) == 0 {
				paths = []string{"rules.yaml"}
			}
			if against != "" && (len(paths) > 1 || output != "text") {
				return usage("--against takes one PATH, and is text")
			}
			if err := check(s, paths, strict, output); err != nil || against == "" {
				return err
			}
			if isURL(against) {
				return checkAgainstServer(cmd.Context(), s, paths[0], &clientOptions{
					admin: against, tokenFile: tokenFile,
					cmd: cmd,
				})
			}
			return checkAgainst(cmd.Context(), s, paths[0], against)
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "let warnings count as errors")
	cmd.Flags().StringVar(&against, "against", "",
		"say what the rules would change for the store in this directory, or at this admin listener")
	cmd.Flags().StringVar(&tokenFile, "admin-token-file", "",
		"with --against URL: file with the admin listener's token")
	outputFlag(cmd, &output, "text", "json", "github", "sarif")
	return cmd
}

// isURL says that --against is the address of an admin listener, not that of a store.
func isURL(against string) bool {
	return strings.HasPrefix(against, "http://") || strings.HasPrefix(against, "https://")
}

func check(s streams, paths []string, strict bool, output string) error {
	var all []document.Problem
	rules := 0
	for _, path := range paths {
		snapshot, err := rulefile.Read(path)
		if err != nil {
			return usage("%v", err)
		}
		loaded, problems := app.Compiler(s.env).Compile(snapshot)
		if loaded != nil {
			rules += len(loaded.Rules.Rules())
		}
		all = append(all, problems...)
	}
	if err := report(s, output, all, rules); err != nil {
		return failure(err)
	}
	if errors, warnings := document.Tally(all); errors > 0 || (strict && warnings > 0) {
		return quiet(exitProblems)
	}
	return nil
}

// report prints the problems in a format.
func report(s streams, output string, problems []document.Problem, rules int) error {
	switch output {
	case "json":
		for i := range problems {
			if err := printJSON(s.out, &problems[i]); err != nil {
				return err
			}
		}
		return nil
	case "github":
		return printAnnotations(s.out, problems)
	case "sarif":
		return printSARIF(s.out, problems)
	}
	paint := s.style(s.out)
	printProblems(s.out, paint, problems)
	if len(problems) == 0 {
		fmt.Fprintf(s.out, "%s✔%s %s, no problems\n", paint.green, paint.reset, plain.Count(rules, "rule"))
		return nil
	}
	fmt.Fprintln(s.out, document.Summary(problems))
	return nil
}
