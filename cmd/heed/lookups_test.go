package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heed/engine/expression"
	"heed/engine/rulefile"
	"heed/internal/app"
)

const managerRule = `
lookups:
  managers: {file: managers.csv, key: userId}
actions:
  console: {log: {}}
rules:
  - name: tell-the-manager
    on: quiz.submitted
    when: data.score < 70 and lookup("managers", data.userId).email endsWith "@example.com"
    do:
      - action: console
        text: "to {{ lookup('managers', data.userId).email }}"
`

// managed starts a server whose rules look up managers, and gives a function
// that changes the table.
func managed(t *testing.T) (s *server, attempts chan rulefile.Attempt, write func(csv string)) {
	attempts = make(chan rulefile.Attempt, 64)
	s = startServer(t, managerRule, held, func(o *app.Options) {
		write = func(csv string) {
			if err := os.WriteFile(filepath.Join(filepath.Dir(o.Rules), "managers.csv"), []byte(csv), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("userId,email\nu1,boss@example.com\n")
		o.Reloaded = func(_ context.Context, a rulefile.Attempt) { attempts <- a }
	})
	if a := next(t, attempts); a.Err != nil {
		t.Fatal(a.Err)
	}
	return s, attempts, write
}

func TestReload_replacesTablesAndDecisionsKeepTheirLookups(t *testing.T) {
	s, attempts, write := managed(t)
	clause := func(id string) (*expression.Clause, string) {
		d := s.event(id).Decisions
		if len(d) != 1 {
			t.Fatalf("%s: %+v", id, d)
		}
		return d[0].Explain, string(d[0].Outcome)
	}
	value := func(id string) any {
		c, _ := clause(id)
		return c.Clauses[1].Values[`lookup("managers", data.userId).email`]
	}
	s.post("e1", `{"event":"quiz.submitted","data":{"userId":"u1","score":61}}`)
	if got := value("e1"); got != "boss@example.com" {
		t.Fatalf("the first event saw %v", got)
	}
	write("userId,email\nu1,other@example.org\n")
	if a := next(t, attempts); a.Err != nil {
		t.Fatal(a.Err)
	}
	s.post("e2", `{"event":"quiz.submitted","data":{"userId":"u1","score":61}}`)
	if _, outcome := clause("e2"); outcome != "not_matched" || value("e2") != "other@example.org" {
		t.Errorf("the second event is %s and saw %v", outcome, value("e2"))
	}
	if _, outcome := clause("e1"); outcome != "matched" || value("e1") != "boss@example.com" {
		t.Errorf("the first event is now %s and saw %v", outcome, value("e1"))
	}
	s.post("e3", `{"event":"quiz.submitted","data":{"userId":"u2","score":61}}`)
	if c, outcome := clause("e3"); outcome != "unknown" || c.Reason != `"managers" has no row for "u2"` {
		t.Errorf("somebody without a manager: %s, %s", outcome, c.Reason)
	}
	s.post("e4", `{"event":"quiz.submitted","data":{"userId":"u2","score":90}}`)
	if c, outcome := clause("e4"); outcome != "not_matched" {
		t.Errorf("a good quiz: %s, %+v", outcome, c)
	}
}

func TestReload_brokenTableKeepsTheOldRules(t *testing.T) {
	s, attempts, write := managed(t)
	for i, csv := range []string{"userId,email\nu1,a@example.com\nu1,b@example.com\n", "userId;mail\nu1;a@example.com\n", "\xff\xfe\x00"} {
		write(csv)
		if a := next(t, attempts); a.Err == nil {
			t.Fatalf("%q was activated", csv)
		}
		id := fmt.Sprint("e", i)
		s.post(id, `{"event":"quiz.submitted","data":{"userId":"u1","score":61}}`)
		if d := s.event(id).Decisions; len(d) != 1 || d[0].Outcome != "matched" {
			t.Errorf("with the table of before: %+v", d)
		}
	}
}

// A rule asks only for what its decision needs. The explanation must not take
// the rest for unknown, whatever there was to know.
func TestExplain_saysWhichLookupsWereNotNeeded(t *testing.T) {
	s, _, _ := managed(t)
	s.post("e1", `{"event":"quiz.submitted","data":{"userId":"u1","score":95}}`)
	d := s.event("e1").Decisions
	if len(d) != 1 || d[0].Outcome != "not_matched" {
		t.Fatalf("%+v", d)
	}
	c := d[0].Explain.Clauses[1]
	if want := "the decision did not need it, so it was not looked up"; c.Result != expression.Undecided || c.Reason != want {
		t.Errorf("the clause that was not needed is %s: %s", c.Result, c.Reason)
	}
}

// A table may lie in another directory than the rules.
func TestReload_followsTablesInOtherDirectories(t *testing.T) {
	tables := t.TempDir()
	write := func(email string) {
		if err := os.WriteFile(filepath.Join(tables, "managers.csv"), []byte("userId,email\nu1,"+email+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first@example.com")
	attempts := make(chan rulefile.Attempt, 64)
	startServer(t, strings.Replace(managerRule, "managers.csv", filepath.Join(tables, "managers.csv"), 1), held, func(o *app.Options) {
		o.Reloaded = func(_ context.Context, a rulefile.Attempt) { attempts <- a }
	})
	next(t, attempts)
	for i := range 4 {
		time.Sleep(300 * time.Millisecond) // so that a poll does not find it by chance each time
		write(fmt.Sprintf("boss%d@example.com", i))
		began := time.Now()
		if a := next(t, attempts); a.Err != nil {
			t.Fatal(a.Err)
		}
		if took := time.Since(began); took > time.Second {
			t.Fatalf("change %d took %s", i, took)
		}
	}
}
