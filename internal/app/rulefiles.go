package app

import (
	"context"
	"os"
	"slices"
	"time"

	"heed/engine/document"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/internal/admin"
)

// What the admin service does with the rule files of a running server.

func (a *App) ruleFiles() admin.RuleFiles {
	return admin.RuleFiles{
		Files: a.ruleTexts, Check: a.checkRules, Format: formatRules, Write: a.writeRules, Writable: a.RulesWritable,
	}
}

// ruleTexts are the files of the active rules as they were read. Where they changed
// since and cannot be used, they are those before.
func (a *App) ruleTexts() (files []admin.RuleText) {
	for _, f := range a.watcher.Current().Files {
		files = append(files, ruleText(f.Name, f.Text))
	}
	return files
}

func ruleText(name string, text []byte) admin.RuleText {
	return admin.RuleText{Name: name, Text: string(text), Version: admin.VersionOf(string(text))}
}

// edited compiles the active rule files with another text in the place of one.
func (a *App) edited(name, text string) (*rulefile.Loaded, []document.Problem) {
	current := a.watcher.Current()
	snapshot := rulefile.Snapshot{Files: slices.Clone(current.Files), Tables: current.Tables}
	for i, f := range snapshot.Files {
		if f.Name == name {
			snapshot.Files[i].Text = []byte(text)
		}
	}
	return withoutSecrets(a.LookupEnv).Compile(snapshot)
}

func (a *App) checkRules(_ context.Context, name, text string) (check admin.RuleCheck) {
	loaded, problems := a.edited(name, text)
	check.Problems = problems
	if loaded == nil {
		return check
	}
	check.OK, check.Passed = true, true
	for _, report := range ruletest.Run(loaded, time.Now()) {
		shown := admin.TestReport{
			Rule: report.Of(), Test: report.Name(), Passed: report.Passed(),
			Failures: report.Failures,
		}
		check.Tests = append(check.Tests, shown)
		check.Passed = check.Passed && shown.Passed
	}
	return check
}

func formatRules(name, text string) (string, []document.Problem, error) {
	laidOut, problems, err := rulefile.Format(rulefile.File{Name: name, Text: []byte(text)})
	return string(laidOut), problems, err
}

// writeRules replaces a rule file, unless it was changed since it was opened, and
// loads the rules. If these cannot be used after all, the file is as it was.
func (a *App) writeRules(ctx context.Context, name, text, version string) error {
	a.writing.Lock() // so that nobody else saves between the look and the replacement
	defer a.writing.Unlock()
	before, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if admin.VersionOf(string(before)) != version {
		return &admin.ChangedError{Now: ruleText(name, before)}
	}
	if err := rulefile.ReplaceFile(name, []byte(text)); err != nil {
		return err
	}
	if err := a.watcher.Reload(ctx); err != nil {
		if back := rulefile.ReplaceFile(name, before); back != nil {
			a.Log.Error("the rule file cannot be put back", "file", name, "error", back)
		}
		return err
	}
	return nil
}
