package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"heed/engine/backtest"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/people"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/internal/admin"
	"heed/internal/receiver"
)

// rulesOf compiles the rules of a text, or gives the active ones for an empty one.
// They may use the tables that the active rules use, and no other file, and no
// secret: whoever sends them must not learn which files and variables there are.
func (a *App) rulesOf(text string) (loaded *rulefile.Loaded, problems []document.Problem, err error) {
	if loaded = a.watcher.Current(); text == "" {
		return loaded, nil, nil
	}
	dir := a.Rules
	if len(loaded.Files) > 0 {
		dir = filepath.Dir(loaded.Files[0].Name)
	}
	file := rulefile.File{Name: filepath.Join(dir, "rules.yaml"), Text: []byte(text)}
	snapshot := rulefile.Snapshot{Files: []rulefile.File{file}, Tables: loaded.Tables}
	if loaded, problems = withoutSecrets(a.LookupEnv).Compile(snapshot); loaded == nil {
		return nil, problems, &rulefile.ProblemsError{Problems: problems}
	}
	return loaded, problems, nil
}

// rulesIn is rulesOf for a text that stands in the place of one active file.
func (a *App) rulesIn(file, text string) (*rulefile.Loaded, []document.Problem, error) {
	if file == "" {
		return a.rulesOf(text)
	}
	loaded, problems := a.edited(file, text)
	if loaded == nil {
		return nil, problems, &rulefile.ProblemsError{Problems: problems}
	}
	return loaded, problems, nil
}

// backtest runs a backtest for the admin API.
func (a *App) backtest(ctx context.Context, q admin.BacktestQuery) (backtest.Result, []document.Problem, error) {
	end, err := a.previews.begin(ctx)
	if err != nil {
		return backtest.Result{}, nil, err
	}
	defer end()
	loaded, problems, err := a.rulesIn(q.File, q.Rules)
	if err != nil {
		return backtest.Result{}, problems, err
	}
	o := BacktestOptions{Rules: loaded.Rules, Since: q.Since, Until: q.Until, MaxAge: a.MaxAge}
	if q.Against != "" {
		text := q.Against
		if text == "active" {
			text = ""
		}
		against, problems, err := a.rulesOf(text)
		if err != nil {
			return backtest.Result{}, problems, err
		}
		o.Against = against.Rules
	}
	result, err := Backtest(ctx, a.store, o)
	return result, nil, err
}

// dryRun decides events for the admin API.
func (a *App) dryRun(
	ctx context.Context, rules string, events [][]byte,
) (results []ruletest.Result, problems []document.Problem, err error) {
	end, err := a.previews.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer end()
	ctx, stop := context.WithTimeoutCause(ctx, dryRunTime, errDryRunTime)
	defer stop()
	spent := budget{ctx: ctx}
	loaded, problems, err := a.rulesOf(rules)
	if err != nil {
		return nil, problems, err
	}
	now := time.Now()
	fixtures := make([]ruletest.Fixture, len(events))
	for i, body := range events {
		if len(body) > receiver.MaxBody {
			return nil, problems, fmt.Errorf("events[%d] has more than %d MiB, which no event may have", i,
				receiver.MaxBody>>20)
		}
		fixtures[i] = ruletest.Fixture{File: fmt.Sprintf("events[%d]", i), Body: body}
	}
	known := func(e *event.Event, at time.Time) people.View { return a.people.As(ctx, e, at) }
	for _, f := range WithFacts(fixtures, known, now) {
		result, err := ruletest.DryRun(loaded.Rules, f, now)
		if err != nil {
			return nil, problems, err
		}
		if err := spent.take(&result); err != nil {
			return nil, problems, err
		}
		results = append(results, result)
	}
	return results, problems, nil
}
