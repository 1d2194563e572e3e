package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"heed/engine"
	"heed/engine/ruletest"
	"heed/engine/suggest"
)

func newDryRun(s streams) *cobra.Command {
	var rules, output, why string
	cmd := &cobra.Command{
		Use:   "dry-run EVENT…",
		Short: "Show what rules would do with events, and why; sends nothing",
		Long: `Dry-run puts events through the rules exactly as the receiver would and shows
each rule's outcome, the reason, and what would be sent. Nothing is sent.

EVENT is a JSON file in the webhook's own format, {"event", "companyId", "data"},
a directory of such files, or - for standard input.

Exit code 0: every rule could be evaluated.  1: one could not.
          2: the rules or an event cannot be read.`,
		Example: "  heed dry-run --rules rules.example.yaml testdata/events\n  heed dry-run --why low-quiz-score testdata/events/quiz-practice.json",
		Args:    needs("an event file, a directory of them, or -"),
		RunE: func(_ *cobra.Command, args []string) error {
			return dryRun(s, rules, args, why, output == "json")
		},
	}
	cmd.Flags().StringVar(&rules, "rules", "rules.yaml", "rule file, or directory of rule files")
	cmd.Flags().StringVar(&why, "why", "", "show every clause of this rule's condition")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func dryRun(s streams, path string, events []string, why string, asJSON bool) error {
	loaded, err := loadRules(s, path)
	if err != nil {
		return err
	}
	if err := checkRuleName(loaded.Rules.Rules(), why); err != nil {
		return err
	}
	fixtures, err := ruletest.Read(events, s.in)
	if err != nil {
		return usage("%v", err)
	}
	paint := s.style(s.out)
	code := exitOK
	for i, f := range fixtures {
		result, err := ruletest.DryRun(loaded.Rules, f, time.Now())
		if err != nil {
			return usage("%v; the receiver would quarantine it", err)
		}
		if result.Failed() {
			code = exitProblems
		}
		if why != "" {
			result.Decisions = slices.DeleteFunc(result.Decisions, func(d ruletest.Decision) bool { return d.Rule != why })
		}
		if asJSON {
			if err := printJSON(s.out, &result); err != nil {
				return failure(err)
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(s.out)
		}
		printResult(s.out, paint, f.File, &result)
		if why != "" && len(result.Decisions) > 0 {
			printTree(s.out, paint, result.Decisions[0].Explain, "    ")
		}
	}
	return quiet(code)
}

// checkRuleName refuses a rule's name that no rule has; empty is none.
func checkRuleName(rules []*engine.Rule, name string) error {
	var names []string
	for _, r := range rules {
		names = append(names, r.Name)
	}
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	return usage("there is no rule called %q; %s", name, suggest.DidYouMean(name, names))
}
