package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"heed/engine/source"
	"heed/internal/admin"
	"heed/internal/plain"
	"heed/internal/wording"
)

func newWhy(s streams) *cobra.Command {
	var client clientOptions
	var user, rule, event, from, outcome, since, until, cursor, output string
	var limit int
	cmd := &cobra.Command{
		Use:   "why",
		Short: "What happened to a person, an event or a rule's alerts, and why",
		Long: `Why lists what the rules made of events, newest first: each decision with the
values that led to it, and what became of its alert, such as throttled, waiting or
held back by quiet hours, with the event that caused it and the next time.

Rules that did not match are left out, unless --rule or --event asks for them.`,
		Example: `  heed why --user u1 --since 2d
  heed why --rule tell-manager --outcome throttled
  heed why --event evt-1042`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if user == "" && rule == "" && event == "" {
				return usage("name what it is about: --user u1, --rule low-quiz-score or --event evt-1042")
			}
			query := queryOf("user", user, "rule", rule, "event", event, "source", from, "outcome", outcome,
				"since", since, "until", until, "cursor", cursor, "limit", strconv.Itoa(limit))
			var page admin.WhyPage
			if err := client.fetch(cmd.Context(), s, "/api/v1/why", query, &page); err != nil {
				return err
			}
			if output == "json" {
				return printJSON(s.out, page)
			}
			if len(page.Entries) == 0 {
				hintRule(cmd.Context(), s, &client, rule)
			}
			printWhy(s, &page)
			return nil
		},
	}
	client.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&user, "user", "", "events about this person, by data.userId")
	flags.StringVar(&rule, "rule", "", "decisions of this rule")
	flags.StringVar(&event, "event", "", "one event, by its id")
	flags.StringVar(&from, "source", "", "only events that came from this source")
	flags.StringVar(&outcome, "outcome", "", "only this outcome or effect: matched, throttled, waiting, …")
	flags.StringVar(&since, "since", "", "from then on: a time, a date, or how long ago, such as 2d")
	flags.StringVar(&until, "until", "", "before then")
	listFlags(cmd, &limit, &cursor)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func printWhy(s streams, page *admin.WhyPage) {
	paint := s.style(s.out)
	last := ""
	for i := range page.Entries {
		e := &page.Entries[i]
		if e.EventID != last {
			last = e.EventID
			id := plain.Line(e.EventID)
			if !source.IsBuiltIn(e.Source) {
				id += " from " + e.Source
			}
			fmt.Fprintf(s.out, "%s%s%s  %s  %s  %s%s%s\n", paint.bold, e.At.UTC().Format("2006-01-02 15:04:05"),
				paint.reset, plain.Line(e.Event), plain.Line(e.User), paint.dim, id, paint.reset)
		}
		printDecision(s.out, paint, 0, &e.Shown)
		printEffects(s.out, paint, wording.Effects{Mode: e.Mode, Event: e.EventID, Zone: wording.ZoneOf(e.Timezone)},
			wording.EffectsOf(&e.Shown))
		for _, d := range e.Deliveries {
			fmt.Fprintf(s.out, "    %s%s %s  %s%s\n", paint.dim, plain.Line(d.Action), d.State, d.ID, paint.reset)
		}
	}
	if len(page.Entries) == 0 {
		fmt.Fprintln(s.out, "nothing found: no such event is recorded, or no rule had to do with it")
	}
	if page.Next != "" {
		fmt.Fprintf(s.out, "more: --cursor %s\n", page.Next)
	}
}
