package app

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/internal/store"
)

// compileFile compiles a rule file of the tests.
func compileFile(t testing.TB, path string) *rulefile.Loaded {
	t.Helper()
	snapshot, err := rulefile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	loaded, problems := Compiler(os.LookupEnv).Compile(snapshot)
	if loaded == nil {
		t.Fatal(problems)
	}
	return loaded
}

// openStore opens an empty store.
func openStore(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Each sentence of the specification of rules with time is a test of a rule in
// testdata/time, and holds in memory as in the store.
func TestRules_withTimeDoWhatIsSpecified(t *testing.T) {
	files, err := filepath.Glob("../../testdata/time/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			loaded := compileFile(t, file)
			check := func(t *testing.T, reports []ruletest.Report) {
				for _, r := range reports {
					t.Run(r.Test.Rule.Name+": "+r.Test.Name, func(t *testing.T) {
						for _, f := range r.Failures {
							t.Errorf("%s:%d: %s is %s, want %s", file, r.Test.Place.Line, f.What, f.Got, f.Expected)
						}
					})
				}
			}
			t.Run("memory", func(t *testing.T) { check(t, ruletest.Run(loaded, time.Now())) })
			t.Run("store", func(t *testing.T) {
				check(t, ruletest.RunOn(loaded, time.Now(), func() ruletest.Store { return openStore(t) }))
			})
		})
	}
}
