package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heed/engine/rulefile"
	"heed/internal/admin"
	"heed/internal/app"
)

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// watched starts a server that tells of its reloads.
func watched(t *testing.T, rules string) (*server, chan rulefile.Attempt) {
	attempts := make(chan rulefile.Attempt, 64)
	s := startServer(t, rules, held, func(o *app.Options) {
		o.Reloaded = func(_ context.Context, a rulefile.Attempt) { attempts <- a }
	})
	<-attempts // the start
	return s, attempts
}

func next(t *testing.T, attempts chan rulefile.Attempt) rulefile.Attempt {
	t.Helper()
	select {
	case a := <-attempts:
		return a
	case <-time.After(10 * time.Second):
		t.Fatal("the change was not noticed")
		return rulefile.Attempt{}
	}
}

// activeRules is what the API says of the active rules.
type activeRules struct {
	Version string
	Rules   []struct{ When string }
}

func (s *server) rules() (active activeRules) {
	s.t.Helper()
	s.get("/api/v1/rules", &active)
	return active
}

func rule(when string) string {
	return strings.Replace(logRule, "    do:", "    when: "+when+"\n    do:", 1)
}

func TestReload_noticesEveryWayToReplaceAFile(t *testing.T) {
	s, attempts := watched(t, rule("data.score < 10"))
	path := s.app.Rules
	for name, replace := range map[string]func(text string) error{
		"in place": func(text string) error { return os.WriteFile(path, []byte(text), 0o600) },
		"by a rename": func(text string) error {
			if err := os.WriteFile(path+"~", []byte(text), 0o600); err != nil {
				return err
			}
			return os.Rename(path+"~", path)
		},
		"removed, then written": func(text string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.WriteFile(path, []byte(text), 0o600)
		},
	} {
		start := time.Now()
		if err := replace(rule(`data.quizName == "` + name + `"`)); err != nil {
			t.Fatal(err)
		}
		a := next(t, attempts)
		for a.Err != nil { // the moment in which the file is not there
			a = next(t, attempts)
		}
		t.Logf("%s: active after %v", name, time.Since(start))
		s.post(name, `{"event":"quiz.submitted","data":{"quizName":"`+name+`"}}`)
		if e := s.event(strings.ReplaceAll(name, " ", "%20")); len(e.Decisions) != 1 || e.Decisions[0].Outcome != "matched" {
			t.Errorf("%s: the new rule did not decide: %+v", name, e.Decisions)
		}
	}
}

// Kubernetes swaps a directory behind a symbolic link; the rule file's own
// name shows in no event.
func TestReload_noticesAConfigMapSwap(t *testing.T) {
	mount := t.TempDir()
	version := func(name, text string) {
		if err := os.Mkdir(filepath.Join(mount, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(mount, name, "rules.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(mount, name)); err != nil {
			t.Fatal(err)
		}
	}
	version("..v1", rule("data.score < 10"))
	link("..v1", "..data")
	link(filepath.Join("..data", "rules.yaml"), "rules.yaml")
	attempts := make(chan rulefile.Attempt, 64)
	s := startServer(t, "", held, func(o *app.Options) {
		o.Rules = mount
		o.Reloaded = func(_ context.Context, a rulefile.Attempt) { attempts <- a }
	})
	first := next(t, attempts)
	version("..v2", rule("data.score < 20"))
	link("..v2", "..data_tmp")
	if err := os.Rename(filepath.Join(mount, "..data_tmp"), filepath.Join(mount, "..data")); err != nil {
		t.Fatal(err)
	}
	second := next(t, attempts)
	if second.Err != nil || second.Loaded.Hash == first.Loaded.Hash || s.rules().Rules[0].When != "data.score < 20" {
		t.Errorf("after the swap: %v", second.Err)
	}
}

func TestReload_brokenFileKeepsTheOldRulesAndSaysWhere(t *testing.T) {
	s, attempts := watched(t, rule("data.score < 70"))
	for name, text := range map[string]string{
		"cut short":   logRule[:len(logRule)-40],
		"empty":       "",
		"a typo":      rule("data.scor < 70"),
		"no YAML":     "rules: [",
		"alias bomb":  "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n",
		"no rules at": "\x00",
	} {
		if err := os.WriteFile(s.app.Rules, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a := next(t, attempts)
		if a.Err == nil {
			t.Errorf("%s: was activated", name)
		}
		if len(a.Problems) == 0 || a.Problems[0].Line == 0 || a.Problems[0].Col == 0 {
			t.Errorf("%s: no place in %+v", name, a.Problems)
		}
		var metrics string
		s.get("/metrics", &metrics)
		if !strings.Contains(metrics, "heed_rules_last_reload_successful 0") {
			t.Errorf("%s: the gauge is not 0", name)
		}
		if last := lastReload(s); last.OK || last.At.IsZero() || last.Error == "" || len(last.Problems) != len(a.Problems) {
			t.Errorf("%s: GET rules says %+v", name, last)
		}
		s.post(name, `{"event":"quiz.submitted","data":{"score":1}}`)
		if e := s.event(strings.ReplaceAll(name, " ", "%20")); len(e.Decisions) != 1 || e.Decisions[0].Outcome != "matched" {
			t.Errorf("%s: the old rules did not decide", name)
		}
		response, err := http.Post(s.app.AdminURL()+"/-/reload", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: POST /-/reload answered %d", name, response.StatusCode)
		}
		next(t, attempts) // the forced one
	}
	if err := os.WriteFile(s.app.Rules, []byte(rule("data.score < 70")), 0o600); err != nil {
		t.Fatal(err)
	}
	if a := next(t, attempts); a.Err != nil {
		t.Errorf("the mended file: %v", a.Err)
	}
	if last := lastReload(s); !last.OK || last.Error != "" || len(last.Problems) != 0 {
		t.Errorf("the mended file: GET rules says %+v", last)
	}
	if err := os.Remove(s.app.Rules); err != nil {
		t.Fatal(err)
	}
	next(t, attempts)
	if last := lastReload(s); last.OK || !strings.Contains(last.Error, "there are no rules at") {
		t.Errorf("without the file: GET rules says %+v", last)
	}
}

// lastReload is what the API says of the last reload.
func lastReload(s *server) admin.LastReload {
	var rules struct {
		Last admin.LastReload `json:"last_reload"`
	}
	s.get("/api/v1/rules", &rules)
	return rules.Last
}

func TestReload_failingTestKeepsTheOldRulesIfTestsAreRequired(t *testing.T) {
	tested := func(score string) string {
		return rule("data.score < 70") + "    tests: [{name: t, given: {data: {score: " + score +
			"}}, expect: {outcome: matched}}]\n"
	}
	attempts := make(chan rulefile.Attempt, 64)
	s := startServer(t, tested("61"), held, func(o *app.Options) {
		o.RequireTests = true
		o.Reloaded = func(_ context.Context, a rulefile.Attempt) { attempts <- a }
	})
	first := next(t, attempts)
	if err := os.WriteFile(s.app.Rules, []byte(tested("99")), 0o600); err != nil {
		t.Fatal(err)
	}
	a := next(t, attempts)
	if a.Err == nil || len(a.Problems) != 1 || a.Problems[0].Code != "test-failed" || a.Problems[0].Line == 0 {
		t.Errorf("%v, %+v", a.Err, a.Problems)
	}
	if s.rules().Version != first.Loaded.Hash {
		t.Error("the rules whose test fails are active")
	}
	// So does one in a file of its own.
	if err := os.WriteFile(s.app.Rules, []byte(tested("62")), 0o600); err != nil {
		t.Fatal(err)
	}
	if a := next(t, attempts); a.Err != nil {
		t.Errorf("the mended file: %v", a.Err)
	}
	beside := strings.TrimSuffix(s.app.Rules, ".yaml") + "_test.yaml"
	if err := os.WriteFile(beside, []byte("tests: [{rule: every-quiz, name: u, given: {data: {}}, expect: {outcome: matched}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if a := next(t, attempts); a.Err == nil || !strings.Contains(a.Err.Error(), "_test.yaml:1:9") {
		t.Errorf("a failing test beside the rules: %v", a.Err)
	}
}

// A rule that comes while heed runs is warned of as one is at a start.
func TestReload_warnsOfRulesThatKnowNothingYet(t *testing.T) {
	const forever = `
  - name: once
    on: quiz.submitted
    throttle: {per: data.userId, at_most: 1, within: forever}
    do: [{action: console, text: "{{ user.name }}"}]
`
	log := &lockedBuffer{}
	attempts := make(chan rulefile.Attempt, 64)
	s := startServer(t, logRule, held, func(o *app.Options) {
		o.Reloaded = func(_ context.Context, a rulefile.Attempt) { attempts <- a }
		o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	<-attempts
	s.post("q1", `{"event":"quiz.submitted","data":{"userId":"u1"}}`)
	warned := func() (cold, unknown int) {
		text := log.String()
		return strings.Count(text, "has sent nothing yet"), strings.Count(text, "nobody is known")
	}
	if cold, unknown := warned(); cold+unknown != 0 {
		t.Fatal(log)
	}
	for _, rules := range []string{logRule + forever, strings.Replace(logRule+forever, "user.name", "user.email", 1)} {
		if err := os.WriteFile(s.app.Rules, []byte(rules), 0o600); err != nil {
			t.Fatal(err)
		}
		if a := next(t, attempts); a.Err != nil {
			t.Fatal(a.Err)
		}
		eventually(t, 10*time.Second, "both warnings", func() bool {
			cold, unknown := warned()
			return cold > 0 && unknown > 0
		})
	}
	if cold, unknown := warned(); cold != 1 || unknown != 1 || !strings.Contains(log.String(), "rule=once") {
		t.Errorf("each is to be there once:\n%s", log)
	}
}
