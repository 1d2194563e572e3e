package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkIn runs heed check in a directory. Environment variables that the
// examples name are set if secrets is.
func checkIn(t *testing.T, dir string, secrets bool, args ...string) (string, int) {
	t.Helper()
	t.Chdir(dir)
	env := func(name string) (string, bool) {
		switch {
		case !secrets || strings.HasPrefix(name, "HEED_"):
			return "", false
		case strings.HasSuffix(name, "_URL"):
			return "https://hooks.example.com/x", true
		default:
			return "x", true
		}
	}
	var out bytes.Buffer
	code := run(append([]string{"check"}, args...), streams{in: strings.NewReader(""), out: &out, err: &out, env: env})
	return out.String(), code
}

// TestEachBadFileIsMet checks every file, or directory, of testdata/rules/bad,
// each named for its fault, against the output beside it.
func TestEachBadFileIsMet(t *testing.T) {
	const dir = "../../testdata/rules/bad"
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, entry := range entries {
		name, ext := strings.TrimSuffix(entry.Name(), filepath.Ext(entry.Name())), filepath.Ext(entry.Name())
		if ext == ".txt" {
			continue
		}
		count++
		t.Run(name, func(t *testing.T) {
			golden, err := filepath.Abs(filepath.Join(dir, name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := checkIn(t, dir, false, entry.Name())
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("heed check %s (-want +got; -update rewrites):\n%s", entry.Name(), diff)
			}
			if !strings.Contains(got, "hint: ") || strings.Contains(got, "no problems") {
				t.Errorf("no hint:\n%s", got)
			}
		})
	}
	if count < 60 {
		t.Errorf("there are %d bad files", count)
	}
}

func TestEachSoundFileIsClean(t *testing.T) {
	const dir = "../../testdata/rules/ok"
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) < 20 {
		t.Errorf("there are %d sound files", len(entries))
	}
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			if out, code := checkIn(t, dir, true, "--strict", entry.Name()); code != exitOK {
				t.Errorf("exit %d\n%s", code, out)
			}
		})
	}
}

// unreachable are the codes that no file of the corpus can have: two need about
// a megabyte of rules, one a broken heed, one is not found by heed check.
var unreachable = []string{
	"file-too-large", "internal", "test-failed", "too-many-events", "too-many-problems",
	"too-many-steps",
}

// unprintable are the codes whose example does not fit a page.
var unprintable = []string{
	"file-too-large", "internal", "not-utf8", "too-deep", "too-long", "too-many-events",
	"too-many-problems", "too-many-steps",
}

var codeInOutput = regexp.MustCompile(`(?m)\[([a-z0-9-]+)\]$`)

func TestTheCorpusHasEveryCode(t *testing.T) {
	outputs, err := filepath.Glob("../../testdata/rules/bad/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range outputs {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range codeInOutput.FindAllStringSubmatch(string(text), -1) {
			seen[m[1]] = true
		}
	}
	for _, code := range codes(t) {
		if !seen[code] && !slices.Contains(unreachable, code) {
			t.Errorf("no file of testdata/rules/bad has %s", code)
		}
	}
}

var (
	codeHeading = regexp.MustCompile("(?m)^## ([a-z0-9-]+)\n")
	example     = regexp.MustCompile("(?ms)^```yaml (wrong|right)( tests| two files)?\n(.*?)^```$")
)

// TestEachCodeIsExplained runs the examples of docs/checks.md: the wrong ones
// have their code, the right ones have no problem at all.
func TestEachCodeIsExplained(t *testing.T) {
	doc, err := os.ReadFile("../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	var explained []string
	headings := codeHeading.FindAllSubmatchIndex(doc, -1)
	for i, m := range headings {
		end := len(doc)
		if i+1 < len(headings) {
			end = headings[i+1][0]
		}
		code := string(doc[m[2]:m[3]])
		explained = append(explained, code)
		t.Run(code, func(t *testing.T) { checkExamples(t, code, string(doc[m[1]:end])) })
	}
	want := codes(t)
	slices.Sort(explained)
	if diff := cmp.Diff(want, explained); diff != "" {
		t.Errorf("docs/checks.md explains other codes than there are (-code +explained):\n%s", diff)
	}
}

func checkExamples(t *testing.T, code, section string) {
	seen := map[string]bool{}
	authority, err := os.ReadFile("../../testdata/tls/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range example.FindAllStringSubmatch(section, -1) {
		which, kind, text := m[1], strings.TrimSpace(m[2]), m[3]
		seen[which] = true
		dir := t.TempDir()
		files := exampleFiles(kind, text)
		files["managers.csv"], files["twice.csv"] = "userId,email\nu1,boss@example.com\n", "userId,email\nu1,a@example.com\nu1,b@example.com\n"
		files["ca.pem"] = string(authority)
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, _ := checkIn(t, dir, which == "right" || !strings.HasPrefix(code, "missing-"), "--strict", ".")
		switch {
		case which == "wrong" && code == "test-failed":
			out, _ = inDir(t, dir, "heed", "test", ".")
			if !strings.Contains(out, "1 failed") {
				t.Errorf("the wrong example passes:\n%s\n%s", text, out)
			}
		case which == "wrong" && !strings.Contains(out, "["+code+"]"):
			t.Errorf("the wrong example has no %s:\n%s\n%s", code, text, out)
		case which == "right" && !strings.Contains(out, "no problems"):
			t.Errorf("the right example has problems:\n%s\n%s", text, out)
		}
	}
	if (!seen["wrong"] || !seen["right"]) && !slices.Contains(unprintable, code) {
		t.Errorf("there is no wrong or no right example")
	}
}

// exampleFiles makes whole files of an example: a part of a rule stands for a
// rule that has the usual rest.
func exampleFiles(kind, text string) map[string]string {
	usual := "actions: {console: {log: {}}}\nrules:\n  - name: low-quiz-score\n"
	if strings.Contains(text, "lookup(") {
		usual = "lookups: {managers: {file: managers.csv, key: userId}}\n" + usual
	}
	switch {
	case kind == "tests":
		return map[string]string{"rules.yaml": usual + "    on: quiz.submitted\n    when: data.score < 70\n    do: [{action: console, text: hi}]\n", "rules_test.yaml": text}
	case kind == "two files":
		first, second, _ := strings.Cut(text, "# and in another file\n")
		return map[string]string{"a.yaml": first, "b.yaml": second}
	case regexp.MustCompile(`(?m)^\s*"?(rules|lookups|actions|events|ruls|tests|name|a)"?:`).MatchString(text), strings.HasPrefix(text, "#"):
		return map[string]string{"rules.yaml": text}
	}
	rule := ""
	for key, value := range map[string]string{"on": "quiz.submitted", "do": "[{action: console, text: hi}]"} {
		if !regexp.MustCompile(`(?m)^` + key + `:`).MatchString(text) {
			rule += "    " + key + ": " + value + "\n"
		}
	}
	for line := range strings.Lines(text) {
		rule += "    " + line
	}
	return map[string]string{"rules.yaml": usual + rule}
}

// codes are all codes that problems can have, found in the source: the second
// argument of Errorf and its like, and what is written into a Code.
func codes(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{}
	for _, dir := range []string{"../../engine", "../../actions"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err == nil {
				ast.Inspect(file, func(n ast.Node) bool { collectCodes(n, found); return true })
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	for code := range found {
		all = append(all, code)
	}
	slices.Sort(all)
	return all
}

func collectCodes(n ast.Node, found map[string]bool) {
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if code, err := strconv.Unquote(lit.Value); err == nil && regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(code) {
				found[code] = true
			}
		}
	}
	switch n := n.(type) {
	case *ast.CallExpr:
		selector, ok := n.Fun.(*ast.SelectorExpr)
		if ok && len(n.Args) > 2 && slices.Contains([]string{"Errorf", "LaterErrorf", "Warnf", "Unavailable"}, selector.Sel.Name) {
			add(n.Args[1])
		}
		if name, ok := n.Fun.(*ast.Ident); ok && name.Name == "report" && len(n.Args) == 4 {
			add(n.Args[1])
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
			add(n.Value)
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if selector, ok := left.(*ast.SelectorExpr); ok && selector.Sel.Name == "Code" && len(n.Rhs) == len(n.Lhs) {
				add(n.Rhs[i])
			}
		}
	}
}
