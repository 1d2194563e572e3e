package main

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/engine/suggest"
	"heed/internal/app"
)

// dryRunOptions are the flags of heed dry-run.
type dryRunOptions struct {
	rules, output, why string
	people, now        string
	timeline, until    string
	withState          bool
	store              storeFlag
	saveTest           string
	source             string
	keepPersonal       bool
}

func newDryRun(s streams) *cobra.Command {
	var o dryRunOptions
	cmd := &cobra.Command{
		Use:   "dry-run EVENT…",
		Short: "Show what rules would do with events, and why; sends nothing",
		Long: `Dry-run puts events through the rules exactly as the receiver would and shows
each rule's outcome, the reason, and what would be sent. Nothing is sent.

What rules ask about people (user.role and the like) is answered by --people, a CSV
file with the columns userId, email, name, role, teamId,
manager and active, and by the event itself.

EVENT is a JSON file in the webhook's own format, {"event", "companyId", "data"},
a directory of such files, or - for standard input.

With --source NAME, EVENT is what comes to that source: the body of a request, or
{"headers", "query", "body"}, or a table. Dry-run shows the events that the source
makes of it, then what the rules do.

With --timeline FILE the events are those of a list with times, as the given of a
test, and the rules run on a virtual clock with the state that they keep, from
empty: - {at: "2026-03-02T10:00Z", event: quiz.submitted, data: {userId: u1}},
then - {at: +3d} to let time pass. --until goes on after the last entry. With
--with-state they begin with a copy of what the rules of a store remember, and
without a time in the first entry they begin now; a server may be running.

With --save-test FILE it adds tests to FILE that expect what the rules do now: one
for each event and each rule that listens to it. FILE ends in _test.yaml and may
be new; - is standard output. Personal values become pseudonyms first, the same
person the same one everywhere; --keep-personal leaves them as they are.

Exit code 0: every rule could be evaluated.  1: one could not, or a test in FILE
          would fail.  2: the rules, an event or FILE cannot be used.`,
		Example: "  heed dry-run --rules rules.example.yaml testdata/events\n  heed dry-run --timeline week.yaml " +
			"--until +8d\n  heed dry-run --why low-quiz-score testdata/events/quiz-practice.json\n" +
			"  heed dry-run --save-test rules_test.yaml testdata/events/quiz-low-score.json",
		Args: func(cmd *cobra.Command, args []string) error { return o.checkArguments(cmd, args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cmp.Or(
				onlyWith(cmd, "--with-state", o.withState, "data", "store"),
				onlyWith(cmd, "--save-test", o.saveTest != "", "keep-personal"),
			); err != nil {
				return err
			}
			if o.timeline != "" {
				return timelineDryRun(cmd.Context(), s, o)
			}
			return dryRun(s, o, args)
		},
	}
	cmd.Flags().StringVar(&o.rules, "rules", "rules.yaml", "rule file, or directory of rule files")
	cmd.Flags().StringVar(&o.why, "why", "", "show every clause of this rule's condition")
	cmd.Flags().StringVar(&o.saveTest, "save-test", "",
		"add tests that expect what the rules do now to this file, which ends in _test.yaml; - for standard output")
	cmd.Flags().BoolVar(&o.keepPersonal, "keep-personal", false, "with --save-test: keep the personal values")
	cmd.Flags().StringVar(&o.people, "people", "",
		"CSV file of people that rules may ask about, as heed people import takes it")
	cmd.Flags().StringVar(&o.now, "now", "",
		"what rules see as now, such as 2026-03-04T12:00:00Z; without it, the time it is")
	cmd.Flags().StringVar(&o.source, "source", "", "read the files as this source does: requests, or tables")
	cmd.Flags().StringVar(&o.timeline, "timeline", "", "file with events and times that are run on a virtual clock")
	cmd.Flags().StringVar(&o.until, "until", "",
		"with --timeline: go on until then, a time or +7d after the last entry")
	cmd.Flags().BoolVar(&o.withState, "with-state", false,
		"with --timeline: begin with a copy of what the rules of a store remember")
	o.store.flags(cmd.Flags())
	outputFlag(cmd, &o.output, "text", "json")
	return cmd
}

// checkArguments checks the arguments, and the flags that do not go together.
func (o *dryRunOptions) checkArguments(cmd *cobra.Command, args []string) error {
	if o.timeline == "" {
		switch {
		case o.until != "":
			return usage("--until belongs to --timeline: name a file with events and times")
		case o.withState:
			return usage("--with-state belongs to --timeline: name a file with events and times")
		}
		return needs("an event file, a directory of them, or -")(cmd, args)
	}
	switch {
	case len(args) > 0:
		return usage("give EVENT or --timeline, not both: the events are those of %s", o.timeline)
	case o.saveTest != "" || o.why != "" || o.now != "" || o.people != "" || o.source != "":
		return usage("--save-test, --why, --now, --people and --source do not go with --timeline: its " +
			"entries say what is known, and when")
	}
	return nil
}

func dryRun(s streams, o dryRunOptions, events []string) error {
	if err := o.checkSaveTest(); err != nil {
		return err
	}
	loaded, err := loadRules(s, o.rules)
	if err != nil {
		return err
	}
	why, err := findRule(loaded.Rules, o.why)
	if err != nil {
		return err
	}
	fixtures, unusable, err := o.fixtures(s, loaded, events)
	if err != nil {
		return err
	}
	directory, err := readPeople(s, o.people)
	if err != nil {
		return err
	}
	now, err := o.moment()
	if err != nil {
		return err
	}
	fixtures = app.WithFacts(fixtures, directory.As, now.Add(time.Second))
	code, err := showDryRun(s, o, loaded.Rules, why, fixtures, now)
	if err == nil && o.saveTest != "" {
		err = saveTests(s, o, loaded, fixtures, now)
	}
	if err != nil {
		return err
	}
	return quiet(max(code, unusable))
}

// fixtures reads the events. The code says whether all of them can be used.
func (o *dryRunOptions) fixtures(s streams, loaded *rulefile.Loaded, files []string) ([]ruletest.Fixture, int, error) {
	if o.source != "" {
		return o.readMapped(s, loaded.Sources, files)
	}
	fixtures, err := ruletest.Read(files, s.in)
	if err != nil {
		return nil, 0, usage("%v", err)
	}
	return fixtures, 0, nil
}

// moment returns the time that rules see as now.
func (o *dryRunOptions) moment() (time.Time, error) {
	if o.now == "" {
		return time.Now(), nil
	}
	now, ok := event.ParseTime(o.now)
	if !ok {
		return time.Time{}, usage("--now %s is not a time: write 2026-03-04T12:00:00Z, or a plain date", o.now)
	}
	return now, nil
}

// showDryRun shows what the rules make of each fixture, or only what one of them
// does, if it is not nil. The code says whether all rules could be evaluated.
func showDryRun(
	s streams, o dryRunOptions, rules *engine.RuleSet, why *engine.Rule, fixtures []ruletest.Fixture, now time.Time,
) (code int, err error) {
	if o.saveTest == "-" {
		s.out = io.Discard // which is for the tests
	}
	paint := s.style(s.out)
	for i, f := range fixtures {
		result, err := ruletest.DryRun(rules, f, now)
		if err != nil {
			return 0, usage("%v; the receiver would quarantine it", err)
		}
		if result.Failed() {
			code = exitProblems
		}
		if why != nil {
			result.Only(why)
		}
		if o.output == "json" {
			if err := printJSON(s.out, &result); err != nil {
				return 0, failure(err)
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(s.out)
		}
		printResult(s.out, paint, f.File, &result)
		if why != nil && result.Decisions[0].Explain != nil {
			printTree(s.out, paint, result.Decisions[0].Explain, "    ")
		}
	}
	return code, nil
}

// findRule finds a rule by its name, and refuses one that no rule has; without a
// name there is none.
func findRule(rules *engine.RuleSet, name string) (*engine.Rule, error) {
	rule := rules.Rule(name)
	if rule == nil && name != "" {
		return nil, usage("there is no rule called %q; %s", name, suggest.DidYouMean(name, rules.Names()))
	}
	return rule, nil
}
