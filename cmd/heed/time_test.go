package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heed/engine/record"
	"heed/internal/admin"
	"heed/internal/app"
)

// waitRule waits so long after a quiz, for each user.
func waitRule(after string) string {
	return fmt.Sprintf(`
actions: {console: {log: {}}}
rules:
  - name: waits
    on: quiz.submitted
    wait: {after: %s, per: data.userId}
    do: [{action: console, text: "{{ data.userId }}"}]
`, after)
}

// effects are what a rule's state did, oldest first, with the ids of the events.
func (s *server) effects(rule string) (effects []record.Effect) {
	s.t.Helper()
	var page admin.WhyPage
	s.get("/api/v1/why?limit=500&rule="+rule, &page)
	for _, e := range slices.Backward(page.Entries) {
		effects = append(effects, e.Effects...)
	}
	return effects
}

// words are the effects alone.
func words(effects []record.Effect) (list []string) {
	for i := range effects {
		list = append(list, effects[i].Effect)
	}
	return list
}

// awaitEffects waits for the effects of a rule to be some, in their order.
func (s *server) awaitEffects(rule string, want ...string) {
	s.t.Helper()
	var got []string
	for range 500 {
		if got = words(s.effects(rule)); slices.Equal(got, want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("the effects are %v, not %v", got, want)
}

func quizBy(user string) string {
	return `{"event":"quiz.submitted","companyId":"c1","data":{"userId":"` + user + `","quizId":"q1","score":61}}`
}

// TestServe_aWaitOutlivesTheProcess: what fell due while no process ran settles,
// fires once, and not again after another start.
func TestServe_aWaitOutlivesTheProcess(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	from := func(settle time.Duration) func(*app.Options) {
		return func(o *app.Options) { o.Data, o.NoSend, o.Settle = data, true, settle }
	}
	s := startServer(t, waitRule("200ms"), from(time.Minute))
	s.post("evt-1", quizBy("u1"))
	s.stop()
	time.Sleep(300 * time.Millisecond) // it falls due

	s = startServer(t, waitRule("200ms"), from(time.Minute))
	s.post("evt-2", quizBy("u2")) // which is due after the start, so it need not settle
	s.awaitEffects("waits", record.Waiting, record.Waiting, record.Sent)
	if sent := s.effects("waits")[2]; sent.Key != "u2" {
		t.Errorf("%s fired before it had settled", sent.Key)
	}
	s.stop()

	s = startServer(t, waitRule("200ms"), from(100*time.Millisecond))
	s.awaitEffects("waits", record.Waiting, record.Waiting, record.Sent, record.Sent)
	s.stop()
	s = startServer(t, waitRule("200ms"), from(time.Millisecond))
	time.Sleep(100 * time.Millisecond)
	s.awaitEffects("waits", record.Waiting, record.Waiting, record.Sent, record.Sent)
}

// TestServe_anEditNeverFires: a wait whose changed time is past is skipped.
func TestServe_anEditNeverFires(t *testing.T) {
	s, attempts := watched(t, waitRule("1h"))
	s.post("evt-1", quizBy("u1"))
	time.Sleep(20 * time.Millisecond) // longer than the changed wait
	if err := os.WriteFile(filepath.Join(s.dir, "rules.yaml"), []byte(waitRule("1ms")), 0o600); err != nil {
		t.Fatal(err)
	}
	next(t, attempts)
	s.awaitEffects("waits", record.Waiting, record.Skipped)
	s.post("evt-2", quizBy("u2"))
	s.awaitEffects("waits", record.Waiting, record.Skipped, record.Waiting, record.Sent)
}

// TestServe_aRuleThatIsBackFiresInTime: what is due soon is looked for again when
// other rules become active.
func TestServe_aRuleThatIsBackFiresInTime(t *testing.T) {
	s, attempts := watched(t, waitRule("4s"))
	change := func(rules string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(s.dir, "rules.yaml"), []byte(rules), 0o600); err != nil {
			t.Fatal(err)
		}
		next(t, attempts)
	}
	s.post("evt-1", quizBy("u1"))
	change(strings.Replace(waitRule("1ms"), "name: waits", "name: other", 1))
	s.post("evt-2", quizBy("u2"))
	s.awaitEffects("other", record.Waiting, record.Sent) // from now on nothing is due
	change(waitRule("4s"))
	s.awaitEffects("waits", record.Waiting, record.Skipped, record.Sent)
}

// TestServe_aRepeatedEventCountsOnce: state changes once for an event, however
// often it comes.
func TestServe_aRepeatedEventCountsOnce(t *testing.T) {
	s := startServer(t, `
actions: {console: {log: {}}}
rules:
  - name: counts
    on: quiz.submitted
    count: {at_least: 2, within: 1h, per: data.userId}
    do: [{action: console, text: "{{ total }}"}]
`, held)
	for range 3 {
		s.post("evt-1", quizBy("u1"))
	}
	s.awaitEffects("counts", record.Counted)
	s.post("evt-2", quizBy("u1"))
	s.awaitEffects("counts", record.Counted, record.Counted, record.Sent)
}

// TestServe_killedProcessesFireEachWaitOnce kills heed while waits come due,
// again and again: each acknowledged event has led to one firing in the end.
func TestServe_killedProcessesFireEachWaitOnce(t *testing.T) {
	dir := t.TempDir()
	rules, data := filepath.Join(dir, "rules.yaml"), filepath.Join(dir, "data")
	if err := os.WriteFile(rules, []byte(waitRule("100ms")), 0o600); err != nil {
		t.Fatal(err)
	}
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	acknowledged := map[string]bool{}
	for round := range rounds {
		l, adminListener := listen(t), listen(t)
		address, adminAddress := l.Addr().String(), adminListener.Addr().String()
		l.Close()
		adminListener.Close()
		cmd := exec.Command("heed", "serve", "--rules", rules, "--data", data, "--listen", address, "--admin", adminAddress,
			"--no-send", "--settle", "1ms", "--log-level", "error")
		cmd.Env = append(os.Environ(), "MINDTICKLE_WEBHOOK_SECRET="+testSecret)
		cmd.Stderr = t.Output()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitForPort(t, address)
		for _, id := range loadUntilKilled(cmd.Process, address, round, 100+rand.N(300)) {
			acknowledged[id] = true
		}
		_ = cmd.Wait() // killed
	}
	s := startServer(t, waitRule("100ms"), held, func(o *app.Options) { o.Data, o.Settle = data, time.Millisecond })
	fired := map[string]int{}
	for range 300 {
		clear(fired)
		for cursor := ""; ; {
			var page admin.WhyPage
			s.get("/api/v1/why?limit=500&rule=waits&outcome=sent&cursor="+cursor, &page)
			for _, e := range page.Entries {
				fired[e.User]++
				if len(e.Deliveries) != 1 {
					t.Fatalf("the wait of %s led to %d deliveries", e.User, len(e.Deliveries))
				}
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if all(acknowledged, fired) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	for id := range acknowledged {
		if fired[id] != 1 {
			t.Errorf("the wait of %s fired %d times", id, fired[id])
		}
	}
	t.Logf("%d waits over %d kills", len(acknowledged), rounds)
}

func all(keys map[string]bool, counts map[string]int) bool {
	for key := range keys {
		if counts[key] == 0 {
			return false
		}
	}
	return true
}
