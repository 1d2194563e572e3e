package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/engine/source"
)

// dryRun decides events for the admin API. The rules of a text may use the
// tables that the active rules use, and no other file, and no secret: whoever
// sends them must not learn which files and variables there are.
func (a *App) dryRun(
	_ context.Context, rules string, events [][]byte,
) (results []ruletest.Result, problems []source.Problem, err error) {
	loaded := a.watcher.Current()
	if rules != "" {
		dir := a.Rules
		if len(loaded.Files) > 0 {
			dir = filepath.Dir(loaded.Files[0].Name)
		}
		snapshot := rulefile.Snapshot{Files: []rulefile.File{{Name: filepath.Join(dir, "rules.yaml"), Text: []byte(rules)}}, Tables: loaded.Tables}
		if loaded, problems = withoutSecrets(a.LookupEnv).Compile(snapshot); loaded == nil {
			return nil, problems, &rulefile.ProblemsError{Problems: problems}
		}
	}
	now := time.Now()
	fixtures := make([]ruletest.Fixture, len(events))
	for i, body := range events {
		fixtures[i] = ruletest.Fixture{File: fmt.Sprintf("events[%d]", i), Body: body}
	}
	for _, f := range WithFacts(fixtures, a.people.As, now) {
		result, err := ruletest.DryRun(loaded.Rules, f, now)
		if err != nil {
			return nil, problems, err
		}
		results = append(results, result)
	}
	return results, problems, nil
}
