package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
)

// fence is a code block of a document: ```info\ntext```.
var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

// runnable are the documents whose examples are run.
var runnable = []string{
	"README.md", "docs/rules.md", "docs/time.md", "docs/preview.md", "docs/recipes.md", "docs/sources.md",
}

// TestTheExamplesInTheDocsAreTrue writes each block that names a file, checks
// and tests the rules among them, runs each command of a console block and
// compares what it prints; -update writes that into the document.
func TestTheExamplesInTheDocsAreTrue(t *testing.T) {
	for _, doc := range runnable {
		t.Run(doc, func(t *testing.T) {
			path, err := filepath.Abs(filepath.Join("../..", doc))
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			copyFixtures(t, dir)
			var rules []string
			for _, block := range fence.FindAllSubmatch(text, -1) {
				if _, name, ok := strings.Cut(string(block[1]), "file="); ok {
					if err := os.WriteFile(filepath.Join(dir, name), block[2], 0o600); err != nil {
						t.Fatal(err)
					}
					if strings.HasSuffix(name, ".yaml") && !strings.Contains(name, "mistake") && !strings.HasSuffix(name, "_test.yaml") {
						rules = append(rules, name)
					}
				}
			}
			for _, name := range rules {
				checkClean(t, dir, name)
				if out, code := inDir(t, dir, "heed", "test", name); code != exitOK {
					t.Errorf("heed test %s: exit %d\n%s", name, code, out)
				}
			}
			for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
				if block[1] == "console" {
					text = bytes.Replace(text, []byte(block[2]), []byte(runConsole(t, dir, block[2])), 1)
				}
			}
			if *update {
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// checkClean wants no error and no warning, but that the variables of somebody
// else's environment are not set.
func checkClean(t *testing.T, dir, name string) {
	t.Helper()
	out, code := inDir(t, dir, "heed", "check", "-o", "json", name)
	if code != exitOK {
		t.Errorf("heed check %s: exit %d", name, code)
	}
	for problem := range strings.Lines(out) {
		if !strings.Contains(problem, `"code":"missing-env"`) {
			t.Errorf("heed check %s: %s", name, problem)
		}
	}
}

func copyFixtures(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob("../../testdata/events/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// runConsole runs the command of a block and returns the block as it should be.
func runConsole(t *testing.T, dir, text string) string {
	t.Helper()
	command, want, _ := strings.Cut(text, "\n")
	args := strings.Fields(strings.TrimPrefix(command, "$ "))
	got, _ := inDir(t, dir, args...)
	if got != want && !*update {
		t.Errorf("%s\nprints\n%s\nbut the document says\n%s", command, got, want)
	}
	return command + "\n" + got
}

func inDir(t *testing.T, dir string, args ...string) (string, int) {
	t.Helper()
	t.Chdir(dir)
	var out bytes.Buffer
	code := run(args[1:], streams{in: strings.NewReader(""), out: &out, err: &out, env: func(string) (string, bool) { return "", false }})
	return out.String(), code
}

// TestEachRecipeIsWhole: rules that are laid out and each tested, what they
// send, what the other side needs, what can go wrong. And each event type that
// MindTickle sends has a recipe.
func TestEachRecipeIsWhole(t *testing.T) {
	text, err := os.ReadFile("../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, recipes, _ := strings.Cut(string(text), "\n## ")
	dir := t.TempDir()
	for _, recipe := range strings.Split(recipes, "\n## ")[1:] {
		title, body, _ := strings.Cut(recipe, "\n")
		for _, part := range []string{"\n```yaml file=", "\n```console\n$ heed dry-run ", "\n**The other side", "\n**What can go wrong**\n"} {
			if !strings.Contains(body, part) {
				t.Errorf("%s has no %q", title, part)
			}
		}
		for _, block := range fence.FindAllStringSubmatch(body, -1) {
			name, ok := strings.CutPrefix(block[1], "yaml file=")
			if !ok || !strings.HasSuffix(name, ".yaml") { // a timeline
				continue
			}
			if rules, tested := strings.Count(block[2], "\n  - name: "), strings.Count(block[2], "\n    tests:\n"); rules == 0 || tested != rules {
				t.Errorf("%s: %s has %d rules, %d with tests", title, name, rules, tested)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(block[2]), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, code := inDir(t, dir, "heed", "fmt", "--check", name); code != exitOK {
				t.Errorf("%s: heed fmt would change %s: %s", title, name, out)
			}
		}
	}
	for _, kind := range event.Standard().Types() {
		if !strings.HasPrefix(kind.Name, "heed.") && !strings.Contains(recipes, "\n    on: "+kind.Name+"\n") {
			t.Errorf("no recipe is for %s", kind.Name)
		}
	}
}

// TestEachExampleOfTimeIsTested: every rule on the page about time carries a
// test, and is laid out.
func TestEachExampleOfTimeIsTested(t *testing.T) {
	text, err := os.ReadFile("../../docs/time.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	examples := 0
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		name, ok := strings.CutPrefix(block[1], "yaml file=")
		if !ok {
			if strings.HasPrefix(block[1], "yaml") {
				t.Errorf("a block of YAML is not run:\n%s", block[2])
			}
			continue
		}
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		examples++
		rules, tested := strings.Count(block[2], "\n  - name: "), strings.Count(block[2], "\n    tests:\n")
		if rules == 0 || rules != tested {
			t.Errorf("%s has %d rules, %d with tests", name, rules, tested)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(block[2]), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, code := inDir(t, dir, "heed", "fmt", "--check", name); code != exitOK {
			t.Errorf("heed fmt would change %s: %s", name, out)
		}
	}
	if examples < 7 {
		t.Errorf("there are only %d examples", examples)
	}
}

// TestTheEffectsInTheDocsAreAll holds the table of effects to what there is.
func TestTheEffectsInTheDocsAreAll(t *testing.T) {
	text, err := os.ReadFile("../../docs/time.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| effect | |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, effect := range record.Effects {
		if !strings.Contains(table, "`"+effect+"`") {
			t.Errorf("docs/time.md does not explain %s", effect)
		}
	}
}

// TestTheTableOfMissingValuesIsTrue evaluates each row of the table in
// docs/rules.md.
func TestTheTableOfMissingValuesIsTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(.+)` \\| (true|false|unknown) \\|$").FindAllStringSubmatch(string(text), -1)
	if len(rows) < 10 {
		t.Fatalf("found %d rows", len(rows))
	}
	quiz := event.Standard().Lookup("quiz.submitted")
	e, err := event.Decode([]byte(`{"event":"quiz.submitted","data":{"quizType":"practice"}}`))
	if err != nil {
		t.Fatal(err)
	}
	env := expression.NewEnv(&e, quiz, time.Now())
	for _, row := range rows {
		c, faults := expression.NewScope([]*event.Type{quiz}).Condition(row[1])
		if faults != nil {
			t.Errorf("%s: %v", row[1], faults)
			continue
		}
		if got, _ := c.Eval(env); string(got) != row[2] {
			t.Errorf("%s is %s, the table says %s", row[1], got, row[2])
		}
	}
}

// TestMakeHelpNamesEveryTarget keeps the Makefile explaining itself.
func TestMakeHelpNamesEveryTarget(t *testing.T) {
	make, err := exec.LookPath("make")
	if err != nil {
		t.Skip("there is no make here")
	}
	text, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(make, "help")
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("make help: %v\n%s", err, out)
	}
	for _, target := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(string(out), "make "+target[1]+" ") {
			t.Errorf("make help does not name %s", target[1])
		}
	}
}
