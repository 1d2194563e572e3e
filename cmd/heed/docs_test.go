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
)

// fence is a code block of a document: ```info\ntext```.
var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

// TestTheExamplesInTheDocsAreTrue writes each block that names a file, runs
// each command of a console block and compares what it prints.
func TestTheExamplesInTheDocsAreTrue(t *testing.T) {
	for _, doc := range []string{"README.md", "docs/rules.md"} {
		t.Run(doc, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("../..", doc))
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
				if out, code := inDir(t, dir, "heed", "check", name); code != exitOK {
					t.Errorf("heed check %s: exit %d\n%s", name, code, out)
				}
			}
			for _, block := range fence.FindAllSubmatch(text, -1) {
				if string(block[1]) == "console" {
					runConsole(t, dir, string(block[2]))
				}
			}
		})
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

func runConsole(t *testing.T, dir, text string) {
	t.Helper()
	command, want, _ := strings.Cut(text, "\n")
	args := strings.Fields(strings.TrimPrefix(command, "$ "))
	if got, _ := inDir(t, dir, args...); got != want {
		t.Errorf("%s\nprints\n%s\nbut the document says\n%s", command, got, want)
	}
}

func inDir(t *testing.T, dir string, args ...string) (string, int) {
	t.Helper()
	t.Chdir(dir)
	var out bytes.Buffer
	code := run(args[1:], streams{in: strings.NewReader(""), out: &out, err: &out, env: func(string) (string, bool) { return "", false }})
	return out.String(), code
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
	for _, target := range regexp.MustCompile(`(?m)^([a-z]+):`).FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(string(out), "make "+target[1]+" ") {
			t.Errorf("make help does not name %s", target[1])
		}
	}
}
