package rulefile

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestTheTablesOfAFileAreFoundHoweverItIsWritten(t *testing.T) {
	for text, want := range map[string][]string{
		"rules: []\n": nil,
		"lookups:\n  a: {file: a.csv, key: k}\n\n# more\n  b:\n    file: sub/b.csv\n    key: k\nrules: [\n": {"dir/a.csv", "dir/sub/b.csv"},
		"rules: []\nlookups: {a: {file: /abs/a.csv, key: k}}":                                               {"/abs/a.csv"},
		"{lookups: {a: {file: a.csv, key: k}}, rules: []}":                                                  {"dir/a.csv"},
		"lookups:\r\n  a: {file: a.csv, key: k}\r\nrules: []\r\n":                                           {"dir/a.csv"},
		"rules:\n  - name: a\n    lookups: {a: {file: no.csv}}\n":                                           nil,
		"lookups: [\n":                   nil,
		"lookups: {a: {file: [x]}}\n":    nil,
		"lookups: {a: {key: b}, b: c}\n": nil,
	} {
		if got := tablePaths(File{"dir/rules.yaml", []byte(text)}); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestAChangeOfATableIsAChangeOfTheRules(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func() Snapshot {
		s, err := Read(filepath.Join(dir, "rules.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	write("rules.yaml", "lookups: {m: {file: m.csv, key: k}}\nrules: []\n")
	missing := read()
	if len(missing.Tables) != 1 || missing.Tables[0].Err == nil {
		t.Fatalf("%+v", missing.Tables)
	}
	write("m.csv", "k\n1\n")
	first := read()
	write("m.csv", "k\n2\n")
	second := read()
	if missing.Hash == first.Hash || first.Hash == second.Hash || second.Hash != read().Hash {
		t.Errorf("the hashes are %s, %s and %s", missing.Hash, first.Hash, second.Hash)
	}
}
