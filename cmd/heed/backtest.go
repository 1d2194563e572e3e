package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heed/engine"
	"heed/engine/backtest"
	"heed/internal/admin"
	"heed/internal/app"
	"heed/internal/plain"
	"heed/internal/store"
)

// backtestFlags are the flags of heed backtest.
type backtestFlags struct {
	rules, against, since, until, output string
	store                                storeFlag
}

func newBacktest(s streams) *cobra.Command {
	var f backtestFlags
	cmd := &cobra.Command{
		Use:   "backtest",
		Short: "What rules would have done with the events that were recorded; sends nothing",
		Long: `Backtest runs rules over recorded events on a virtual clock, with the state that
they keep, and shows for each rule how many alerts would have been sent on each day
and how many its state would have kept back. Nothing is sent, and nothing is stored.
The store is only read, so a server may be running.

With --against active the rules are compared with those that are active, with
--against FILE with other rules: which alerts are added, removed or changed, and why.

What it cannot know it says: a table is as it is now, and people are what the
recorded events tell. Interrupt it to see what is known so far.`,
		Example: "  heed backtest --rules rules.yaml --since 7d\n" +
			"  heed backtest --rules rules.yaml --against active --since 30d",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runBacktest(cmd.Context(), s, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rules, "rules", "rules.yaml", "rule file, or directory of rule files")
	flags.StringVar(&f.against, "against", "",
		"compare with the active rules (active), or with those of a file or directory")
	f.store.flags(flags)
	flags.StringVar(&f.since, "since", "7d", "events from then on: a time, a date, or how long ago")
	flags.StringVar(&f.until, "until", "", "events before then (default: now)")
	outputFlag(cmd, &f.output, "text", "json")
	return cmd
}

func runBacktest(ctx context.Context, s streams, f backtestFlags) error {
	loaded, err := loadRules(s, f.rules)
	if err != nil {
		return err
	}
	reader, err := f.store.reader(ctx)
	if err != nil {
		return err
	}
	defer reader.Close()
	o := app.BacktestOptions{Rules: loaded.Rules}
	if o.Against, err = againstRules(ctx, s, reader, f.against); err != nil {
		return err
	}
	now := time.Now().UTC()
	if o.Since, err = admin.ParseSince(f.since, now); err != nil {
		return usage("--since: %v", err)
	}
	if o.Until, err = admin.ParseSince(cmp.Or(f.until, "0s"), now); err != nil {
		return usage("--until: %v", err)
	}
	if !o.Since.Before(o.Until) {
		return usage("--since %s is not before %s: there are no events between them",
			o.Since.Format(time.RFC3339), cmp.Or(f.until, "now"))
	}
	debug.SetGCPercent(backtestGC)
	line := newProgress(s)
	var first time.Time // before --since: what rules remember begins with the oldest event
	o.Progress = func(at time.Time, events int) {
		if first.IsZero() {
			first = at
		}
		share := float64(at.Sub(first)) / float64(max(1, o.Until.Sub(first)))
		line.bar(share, "%s, %s", at.Format(time.DateOnly), plain.Count(events, "event"))
	}
	result, err := app.Backtest(ctx, reader, o)
	line.done()
	switch {
	case err != nil:
		return failure(err)
	case f.output == "json":
		return printJSON(s.out, &result)
	}
	printBacktest(s, &result)
	return nil
}

// backtestGC lets a backtest use some more memory and less time: it makes much
// that is garbage at once.
const backtestGC = 300

// againstRules returns the rules to compare with; nil for none.
func againstRules(ctx context.Context, s streams, reader *store.Reader, against string) (*engine.RuleSet, error) {
	switch against {
	case "":
		return nil, nil
	case "active":
		rules, err := app.ActiveRules(ctx, reader, s.env)
		if err != nil {
			return nil, usage("--against active: %v", err)
		}
		return rules, nil
	}
	loaded, err := loadRules(s, against)
	if err != nil {
		return nil, err
	}
	return loaded.Rules, nil
}

func printBacktest(s streams, r *backtest.Result) {
	paint := s.style(s.out)
	fmt.Fprintf(s.out, "%s\n", plain.Count(r.Events, "event"))
	if !r.Stopped.IsZero() {
		fmt.Fprintf(s.out, "%sinterrupted: this is what is known up to %s%s\n",
			paint.yellow, r.Stopped.Format(time.RFC3339), paint.reset)
	}
	width := 0
	for i := range r.Rules {
		width = max(width, len([]rune(r.Rules[i].Rule)))
	}
	for i := range r.Rules {
		printBacktestRule(s.out, paint, width, &r.Rules[i])
	}
	if r.Diff != nil {
		printDiff(s.out, paint, r.Diff)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(s.out, "%snote: %s%s\n", paint.dim, note, paint.reset)
	}
}

func printBacktestRule(w io.Writer, paint style, width int, r *backtest.Rule) {
	fmt.Fprintf(w, "  %-*s  %s%6d%s %s",
		width, plain.Line(r.Rule), paint.bold, r.Alerts, paint.reset, plain.Plural(r.Alerts, "alert"))
	var parts []string
	for _, effect := range slices.Sorted(maps.Keys(r.Suppressed)) {
		parts = append(parts, fmt.Sprintf("%d %s", r.Suppressed[effect], effect))
	}
	if r.Unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d unknown", r.Unknown))
	}
	if r.Errors > 0 {
		parts = append(parts, plain.Count(r.Errors, "error"))
	}
	if len(parts) > 0 {
		fmt.Fprintf(w, "  %s%s%s", paint.dim, strings.Join(parts, ", "), paint.reset)
	}
	fmt.Fprintln(w)
	most := 0
	for _, day := range r.PerDay {
		most = max(most, day.Alerts)
	}
	for _, day := range r.PerDay {
		filled := max(1, day.Alerts*30/most)
		fmt.Fprintf(w, "  %-*s  %s%s %s %d%s\n",
			width, "", paint.dim, day.Day, strings.Repeat("▇", filled), day.Alerts, paint.reset)
	}
}

func printDiff(w io.Writer, paint style, d *backtest.Diff) {
	before, after := d.Removed+d.Changed+d.Same, d.Added+d.Changed+d.Same
	fmt.Fprintf(w, "%s%s become %d%s: %d added, %d removed, %d changed, %d the same\n",
		paint.bold, plain.Count(before, "alert"), after, paint.reset, d.Added, d.Removed, d.Changed, d.Same)
	sign := map[string]string{"added": "+", "removed": "-", "changed": "~"}
	color := map[string]string{"added": paint.green, "removed": paint.red, "changed": paint.yellow}
	for _, sample := range d.Samples {
		fmt.Fprintf(w, "  %s%s %s%s  %s  %s  %s%s%s\n", color[sample.Change], sign[sample.Change],
			plain.Line(sample.Rule), paint.reset,
			sample.At.Format("2006-01-02 15:04"), plain.Line(sample.EventID), paint.dim, plain.Line(sample.Why), paint.reset)
	}
	if more := d.Added + d.Removed + d.Changed - len(d.Samples); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}
