package rulefile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"heed/actions"
	"heed/engine/event"
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

// BenchmarkLookup looks a cell up in a table of 100,000 rows.
func BenchmarkLookup(b *testing.B) {
	dir := b.TempDir()
	csv := []byte("userId,email\n")
	for i := range 100_000 {
		csv = fmt.Appendf(csv, "u%d,boss%d@example.com\n", i, i%500)
	}
	const rules = "lookups: {m: {file: m.csv, key: userId}}\nactions: {console: {none: {}}}\n" +
		"rules: [{name: r, on: quiz.submitted, when: 'lookup(\"m\", data.userId).email startsWith \"boss\"', do: [{action: console}]}]\n"
	for name, text := range map[string][]byte{"m.csv": csv, "rules.yaml": []byte(rules)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	snapshot, err := Read(filepath.Join(dir, "rules.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	loaded, problems := (&Compiler{Catalog: event.Standard(), Actions: actions.Reader{Registry: actions.NewRegistry(none{})}}).Compile(snapshot)
	if loaded == nil {
		b.Fatal(problems)
	}
	e, err := event.Decode([]byte(`{"event":"quiz.submitted","data":{"userId":"u77777"}}`))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if d := loaded.Rules.Evaluate(&e, e.ReceivedAt, nil); len(d) != 1 || d[0].Outcome != "matched" {
			b.Fatal(d)
		}
	}
}
