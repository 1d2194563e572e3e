package sentence_test

import (
	"flag"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/email"
	"heed/actions/httpcall"
	"heed/actions/log"
	"heed/actions/slack"
	"heed/engine/event"
	"heed/engine/rulefile"
	"heed/engine/sentence"
)

var update = flag.Bool("update", false, "rewrite testdata")

// The sentences of the example's rules, and of others that have what these lack.
func TestOf_describesEachRule(t *testing.T) {
	var b strings.Builder
	for _, name := range []string{"../../rules.example.yaml", "testdata/rules.yaml"} {
		snapshot, err := rulefile.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		compiler := &rulefile.Compiler{Catalog: event.Standard(), Actions: actions.Reader{
			LookupEnv: func(string) (string, bool) { return "", false },
			Registry:  actions.NewRegistry(slack.Kind{}, httpcall.Kind{}, email.Kind{}, log.Kind{Log: slog.Default()}),
		}}
		loaded, problems := compiler.Compile(snapshot)
		if loaded == nil {
			t.Fatal(problems)
		}
		for _, rule := range loaded.Rules.Rules() {
			b.WriteString(rule.Name + ": " + sentence.Of(rule) + "\n")
		}
	}
	const golden = "testdata/sentences.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("(-want +got; -update rewrites)\n%s", diff)
	}
}
