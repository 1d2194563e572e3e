package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestExamples_areCleanAndPass checks, lays out and tests each directory of
// examples.
func TestExamples_areCleanAndPass(t *testing.T) {
	root, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	dirs, err := filepath.Glob(root + "/*/rules.yaml")
	if err != nil || len(dirs) < 3 {
		t.Fatalf("%v, %v", dirs, err)
	}
	for _, rules := range dirs {
		dir := filepath.Dir(rules)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			checkClean(t, root, filepath.Base(dir))
			if out, code := inDir(t, root, "heed", "test", filepath.Base(dir)); code != exitOK || strings.Contains(out, "0 tests") {
				t.Errorf("heed test: exit %d\n%s", code, out)
			}
			if out, code := inDir(t, root, "heed", "fmt", "--check", rules); code != exitOK {
				t.Errorf("heed fmt would change it: %s", out)
			}
			if files, _ := filepath.Glob(dir + "/.env"); len(files) > 0 {
				t.Error("an .env with a secret stands in the repository")
			}
		})
	}
}

// actionStep is a script of action.yml.
var actionStep = regexp.MustCompile(`(?ms)^    - name: (\w+)\n.*?      run: \|\n((?:        [^\n]*\n)+)`)

// TestAction_runsItsSteps runs the scripts of action.yml as the runner of GitHub
// does, but for building heed.
func TestAction_runsItsSteps(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	text, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs("../../examples/first")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	heed := filepath.Join(dir, "heed")
	if out, err := exec.Command("go", "build", "-o", heed, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	file := func(name string) string {
		content, _ := os.ReadFile(filepath.Join(dir, name))
		return string(content)
	}
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("rules: [{name: a, on: quiz.submitted, when: data.scor < 7}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(script, rules string) (string, error) {
		cmd := exec.Command(bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "RULES="+rules, "STRICT=false", "JUNIT=report.xml", "DATA=",
			"GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary"), "GITHUB_OUTPUT="+filepath.Join(dir, "output"), "SLACK_BOT_TOKEN=x")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	steps := map[string]string{}
	for _, m := range actionStep.FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(m[2], "${{") {
			t.Errorf("the script %s takes an input as code: give it as a variable", m[1])
		}
		steps[m[1]] = m[2]
	}
	for _, name := range []string{"check", "test", "backtest"} {
		if out, err := run(steps[name], rules); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if !strings.Contains(file("report.xml"), "<testsuite") || !strings.Contains(file("summary"), "0 failed") {
		t.Errorf("the report is %s, the summary %s", file("report.xml"), file("summary"))
	}
	if out, err := run(steps["check"], bad); err == nil || !strings.Contains(out, "::error file=") {
		t.Errorf("a bad file: %v\n%s", err, out)
	}
}

// TestPreCommit_checksFilesThatBelongTogether runs the hooks as pre-commit does: with
// the files that match behind the arguments, unless the hook takes none.
func TestPreCommit_checksFilesThatBelongTogether(t *testing.T) {
	text, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct {
		ID, Entry, Files string
		PassFilenames    *bool `yaml:"pass_filenames"`
	}
	if err := yaml.Unmarshal(text, &hooks); err != nil || len(hooks) != 3 {
		t.Fatalf("%d hooks, %v", len(hooks), err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"rules/actions.yaml":   "actions:\n  console:\n    log: {}\n",
		"rules/quiz.yaml":      "rules:\n  - name: low\n    on: quiz.submitted\n    do:\n      - action: console\n        text: hi\n",
		"rules/quiz_test.yaml": "tests:\n  - name: low\n    rule: low\n    given: {event: quiz.submitted}\n    expect: {outcome: matched}\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, hook := range hooks {
		args := strings.Fields(hook.Entry)
		var changed []string
		for name := range files {
			if regexp.MustCompile(hook.Files).MatchString(name) {
				changed = append(changed, name)
			}
		}
		if hook.PassFilenames == nil || *hook.PassFilenames {
			args = append(args, changed...)
		} else {
			args = append(args, "rules")
		}
		if out, code := inDir(t, dir, args...); code != exitOK || len(changed) != len(files) {
			t.Errorf("%s for %v: exit %d\n%s", hook.ID, changed, code, out)
		}
	}
}

// TestSlackManifest_hasTheScopesOfTheDocs holds the manifest to what the recipes
// and the operations page say.
func TestSlackManifest_hasTheScopesOfTheDocs(t *testing.T) {
	scope := regexp.MustCompile(`(?m)^ +- ([a-z]+:[a-z.]+)$`)
	manifest, recipes := readDoc(t, "deploy/slack-manifest.yaml"), readDoc(t, "docs/recipes.md")
	_, shown, _ := strings.Cut(recipes, "### A Slack app")
	shown, _, _ = strings.Cut(shown, "\n## ")
	want, got := scope.FindAllString(shown, -1), scope.FindAllString(manifest, -1)
	if strings.Join(want, "") != strings.Join(got, "") || len(got) != 4 {
		t.Errorf("the manifest has %q, the recipes %q", got, want)
	}
	operations := readDoc(t, "docs/operations.md")
	for _, s := range got {
		if name := strings.TrimLeft(strings.TrimSpace(s), "- "); !strings.Contains(operations, "`"+name+"`") {
			t.Errorf("docs/operations.md does not explain %s", name)
		}
	}
}
