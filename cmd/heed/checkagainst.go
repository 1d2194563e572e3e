package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/backtest"
	"heed/engine/rulefile"
	"heed/engine/state"
	"heed/internal/app"
	"heed/internal/plain"
	"heed/internal/store"
)

// checkAgainst says what rules would change for a store.
func checkAgainst(ctx context.Context, s streams, path, dir string) error {
	loaded, err := loadRules(s, path)
	if err != nil {
		return err
	}
	from := storeFlag{data: dir}
	if _, err := store.At(dir); err == nil {
		from.address = dir
	}
	reader, err := from.reader(ctx)
	if err != nil {
		return err
	}
	defer reader.Close()
	active, err := app.ActiveRules(ctx, reader, s.env)
	if err != nil {
		return usage("--against %s: %v", dir, err)
	}
	paint := s.style(s.out)
	changes := engine.Changes(active, loaded.Rules)
	for _, c := range changes {
		color := map[string]string{"added": paint.green, "removed": paint.red, "changed": paint.yellow}[c.Change]
		fmt.Fprintf(s.out, "%s%s%s %s  %s%s%s\n", color, c.Change, paint.reset, plain.Line(c.Rule),
			paint.dim, strings.Join(c.What, ", "), paint.reset)
	}
	if len(changes) == 0 {
		fmt.Fprintln(s.out, "these rules are active already")
		return nil
	}
	kept, err := reader.Scopes(ctx)
	if err != nil {
		return failure(err)
	}
	printLostState(s, kept, loaded.Rules)
	printColdRules(s, kept, loaded.Rules)
	until := time.Now().UTC()
	result, err := app.Backtest(ctx, reader, app.BacktestOptions{
		Rules: loaded.Rules, Against: active, Since: until.Add(-24 * time.Hour), Until: until, Quick: true,
	})
	if err != nil {
		return failure(err)
	}
	fmt.Fprintf(s.out, "the last 24 hours, %s:\n", plain.Count(result.Events, "event"))
	printDiff(s.out, paint, result.Diff)
	return nil
}

// checkAgainstServer says what rules would have made of the last 24 hours of a running
// server.
func checkAgainstServer(ctx context.Context, s streams, path string, o *clientOptions) error {
	snapshot, err := rulefile.Read(path)
	if err != nil {
		return usage("%v", err)
	}
	files := slices.DeleteFunc(snapshot.Files, func(f rulefile.File) bool { return rulefile.IsTestFile(f.Name) })
	if len(files) != 1 {
		return usage("a server takes the rules of one file, and %s has %d: name the directory of its store with "+
			"--against",
			path, len(files))
	}
	client, err := o.open(ctx, s)
	if err != nil {
		return err
	}
	defer client.close()
	var result backtest.Result
	request := map[string]string{"rules": string(files[0].Text), "against": "active", "since": "24h"}
	if err := client.post(ctx, "/api/v1/backtest", request, &result); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "the last 24 hours, %s:\n", plain.Count(result.Events, "event"))
	if result.Diff != nil {
		printDiff(s.out, s.style(s.out), result.Diff)
	}
	for _, note := range result.Notes {
		fmt.Fprintf(s.out, "note: %s\n", plain.Line(note))
	}
	return nil
}

// printLostState says whose state would be discarded, since its keys would mean
// something else.
func printLostState(s streams, scopes []store.KeptScope, rules *engine.RuleSet) {
	paint := s.style(s.out)
	for _, kept := range scopes {
		rule := rules.Rule(kept.Rule)
		if rule == nil || rule.Time == nil || kept.Keys == 0 {
			continue
		}
		for _, scope := range rule.Time.Scopes() {
			if scope.Block == kept.Block && scope.Per != kept.Per {
				fmt.Fprintf(s.out, "%s! the state of %s is discarded, since its per is changed: %s of %s%s\n",
					paint.yellow, plain.Line(kept.Rule), plain.Count(kept.Keys, "key"), kept.Block, paint.reset)
			}
		}
	}
}

// printColdRules says which rules that send something once and never again know of
// nothing that was before them.
func printColdRules(s streams, scopes []store.KeptScope, rules *engine.RuleSet) {
	paint := s.style(s.out)
	for _, rule := range rules.Rules() {
		if rule.Time == nil || rule.Time.Throttle == nil || !rule.Time.Throttle.Forever() {
			continue
		}
		warm := slices.ContainsFunc(scopes, func(kept store.KeptScope) bool {
			return kept.Block == state.BlockThrottle && kept.Per == rule.Time.Throttle.Per && kept.Keys > 0 &&
				(kept.Rule == rule.Name || kept.Rule == rule.Was)
		})
		if !warm {
			fmt.Fprintf(s.out,
				"%s! %s has sent nothing yet: what came before it does not count, so within: forever begins now%s\n",
				paint.yellow, plain.Line(rule.Name), paint.reset)
		}
	}
}
