package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"heed/engine/document"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/internal/app"
	"heed/internal/plain"
)

// checkSaveTest refuses a --save-test that could not end well, before any work.
func (o *dryRunOptions) checkSaveTest() error {
	switch {
	case o.saveTest == "" || strings.HasSuffix(o.saveTest, "_test.yaml") || strings.HasSuffix(o.saveTest, "_test.yml"):
		return nil
	case o.saveTest != "-":
		return usage("--save-test %s: tests stand in files of their own, whose names end in _test.yaml or _test.yml; "+
			"for rules.yaml, write rules_test.yaml", o.saveTest)
	case o.output == "json":
		return usage("--save-test - and -o json both want standard output: leave one out, or name a file")
	default:
		return nil
	}
}

// saveTests adds tests of the fixtures to a file. It stays as it is, or is not
// made, unless all its tests will pass.
func saveTests(s streams, o dryRunOptions, loaded *rulefile.Loaded, fixtures []ruletest.Fixture, now time.Time) error {
	tests, err := ruletest.Capture(loaded.Rules, fixtures, o.why, o.keepPersonal, now)
	if err != nil {
		return usage("%v", err)
	}
	if len(tests) == 0 {
		return usage("there is no test to write: %s", nobodyListens(o.why))
	}
	warnOfChanges(s, tests)
	file, isNew, err := readTestFile(o.saveTest)
	if err != nil {
		return err
	}
	if file.Text, err = ruletest.AddTests(file, tests); err != nil {
		return usage("%v; name another file", err)
	}
	if err := checkTestFile(s, loaded.Snapshot, file); err != nil {
		return err
	}
	if o.saveTest == "-" {
		if _, err := s.out.Write(file.Text); err != nil {
			return failure(err)
		}
		return nil
	}
	if err := writeTestFile(file, isNew); err != nil {
		return failure(err)
	}
	reportSaved(s, o, file.Name, len(tests))
	return nil
}

func nobodyListens(rule string) string {
	if rule != "" {
		return "the rule " + rule + " listens to none of these events"
	}
	return "no rule listens to these events"
}

// warnOfChanges says which rules decide otherwise without the personal values.
func warnOfChanges(s streams, tests []ruletest.Captured) {
	paint := s.style(s.err)
	for _, t := range tests {
		if t.Outcome != t.Real {
			fmt.Fprintf(s.err,
				"%swarning:%s %s: without the personal values the outcome of the rule %s is %s, with them it is %s; to test "+
					"that, add --keep-personal\n",
				paint.yellow, paint.reset, plain.Line(t.File), plain.Line(t.Rule), t.Outcome, t.Real)
		}
	}
}

// readTestFile reads the file that tests are added to, which has no text yet if
// it is new.
func readTestFile(name string) (file rulefile.File, isNew bool, err error) {
	if name == "-" {
		return rulefile.File{Name: "tests_test.yaml"}, true, nil
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return rulefile.File{Name: name}, true, nil
	case err != nil:
		return rulefile.File{}, false, usage("read --save-test: %v", err)
	case info.IsDir():
		return rulefile.File{}, false,
			usage("--save-test %s is a directory: name a file in it, such as rules_test.yaml", name)
	}
	files, err := rulefile.ReadEach(name)
	if err != nil {
		return rulefile.File{}, false, usage("--save-test: %v", err)
	}
	return files[0], false, nil
}

// checkTestFile refuses the new text of a test file that the rules could not
// use, or with a test that fails.
func checkTestFile(s streams, snapshot rulefile.Snapshot, file rulefile.File) error {
	files := []rulefile.File{file}
	for _, f := range snapshot.Files {
		if !sameFile(f.Name, file.Name) {
			files = append(files, f)
		}
	}
	loaded, problems := app.Compiler(s.env).Compile(rulefile.NewSnapshot(files))
	if loaded == nil {
		printProblems(s.err, s.style(s.err), document.OnlyErrors(problems))
		return usage("no tests were written to %s, since the rules could not be used with it: %s", file.Name,
			document.Summary(problems))
	}
	for _, r := range ruletest.Run(loaded, time.Now()) {
		if r.Place().File.Name == file.Name && !r.Passed() {
			first := r.Failures[0]
			return &codedError{
				exitProblems,
				fmt.Errorf("no tests were written to %s: its test %q of the %s %s fails, since %s is %s, not %s; fix that "+
					"test first",
					file.Name, r.Name(), r.Carrier(), r.Of(), first.What, first.Got, first.Expected),
			}
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

func writeTestFile(file rulefile.File, isNew bool) error {
	if isNew {
		return rulefile.PutFile(file.Name, file.Text, 0o644)
	}
	return rulefile.ReplaceFile(file.Name, file.Text)
}

// reportSaved says what was written and, if heed test would not find it, where
// it would.
func reportSaved(s streams, o dryRunOptions, name string, tests int) {
	out := s.out
	if o.output == "json" {
		out = s.err
	}
	fmt.Fprintf(out, "%s written to %s\n", plain.Count(tests, "test"), name)
	snapshot, err := rulefile.Read(o.rules)
	if err != nil {
		return
	}
	for _, f := range snapshot.Files {
		if sameFile(f.Name, name) {
			return
		}
	}
	fmt.Fprintf(s.err, "heed test %s does not read it there: %s\n", o.rules, whereTestsBelong(o.rules))
}

func whereTestsBelong(rules string) string {
	if info, err := os.Stat(rules); err == nil && info.IsDir() {
		return "move it into the directory"
	}
	return "call it " + rulefile.TestFileOf(rules) + ", or keep rules and tests in one directory"
}
