package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// webhooksIn runs heed webhooks with the API's stand-in and returns what it
// prints and its exit code.
func webhooksIn(api string, args ...string) (string, int) {
	var out bytes.Buffer
	env := func(name string) (string, bool) {
		value, ok := map[string]string{"MINDTICKLE_API_TOKEN": "canary-token-82", "MINDTICKLE_COMPANY_ID": "acme", "HEED_API": api}[name]
		return value, ok
	}
	code := run(append([]string{"webhooks"}, args...), streams{in: strings.NewReader(""), out: &out, err: &out, env: env})
	return out.String(), code
}

func TestTheSubscriptionFollowsTheRules(t *testing.T) {
	n := 0
	api := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"webhookId": "wh_%d"}`, n)
	})
	dir := t.TempDir()
	data, rules := filepath.Join(dir, "data"), filepath.Join(dir, "rules.yaml")
	write := func(on string) {
		t.Helper()
		if err := os.WriteFile(rules, []byte("actions: {c: {log: {}}}\nrules: [{name: r, on: "+on+", do: [{action: c, text: hi}]}]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	step := func(wantCode int, want string, args ...string) {
		t.Helper()
		out, code := webhooksIn(api.URL, args...)
		if code != wantCode || !strings.Contains(out, want) || strings.Contains(out, "canary") {
			t.Errorf("heed webhooks %v: exit %d\n%s\nwant %d and %s", args, code, out, wantCode, want)
		}
	}
	const public = "https://heed.example.com/webhooks/mindtickle"
	register := []string{"register", "--rules", rules, "--data", data, "--url"}
	status := []string{"status", "--rules", rules, "--data", data}

	write("[quiz.submitted, heed.delivery.dead]")
	step(exitOK, "no webhook was registered", status...)
	step(exitUsage, "name the address", "register", "--rules", rules, "--data", data)
	step(exitUsage, "MindTickle needs an https address", append(register, "http://heed.example.com/x")...)
	step(exitUsage, "lacks the path", append(register, "https://heed.example.com")...)
	step(exitUsage, "no webhook was registered", "activate", "--data", data)
	step(exitOK, "registered wh_1 for quiz.submitted\n", append(register, public)...)
	step(exitOK, "are subscribed to already", append(register, public)...)
	step(exitOK, "quiz.submitted\n", status...)

	write("[quiz.submitted, user.provisioned]")
	step(exitProblems, "user.provisioned is used by the rule r but is not subscribed", status...)
	step(exitOK, "registered wh_2 for user.provisioned\n", append(register, public)...)
	write("user.provisioned")
	step(exitOK, "quiz.submitted is subscribed, and no rule needs it", status...)
	step(exitOK, "wh_1 is active\nwh_2 is active\n", "activate", "--data", data)
	step(exitOK, "other is active", "activate", "--data", data, "--id", "other")
	step(exitUsage, "--body is not JSON", "activate", "--data", data, "--body", "active")

	var got []string
	for _, c := range api.got() {
		got = append(got, c.method+" "+c.path+" "+c.body)
	}
	want := []string{
		`POST /v2/webhooks {"url":"` + public + `","events":["quiz.submitted"],"companyId":"acme"}`,
		`POST /v2/webhooks {"url":"` + public + `","events":["user.provisioned"],"companyId":"acme"}`,
		`PATCH /v2/webhooks/wh_1 {"status": "active"}`, `PATCH /v2/webhooks/wh_2 {"status": "active"}`, `PATCH /v2/webhooks/other {"status": "active"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the API got (-want +got):\n%s", diff)
	}
	text, err := os.ReadFile(filepath.Join(data, "webhooks.json"))
	if err != nil || bytes.Contains(text, []byte("canary")) {
		t.Errorf("remembered: %s, %v", text, err)
	}
}

func TestAServerWarnsOfEventsThatNeverCome(t *testing.T) {
	log := &lockedBuffer{}
	s := startServer(t, logRule, held, func(o *appOptions) {
		if err := os.MkdirAll(o.data, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(o.data, "webhooks.json"), []byte(`[{"id":"wh_1","events":["course.completed"]}]`), 0o600); err != nil {
			t.Fatal(err)
		}
		o.log = newTextLog(log)
	})
	if !strings.Contains(log.String(), "event=quiz.submitted rule=every-quiz") {
		t.Errorf("the log says\n%s", log)
	}
	_ = s
}

// A rule that asks for the user, progress or a rank needs the events that tell of
// them, though it does not listen to them.
func TestWhatRulesAskNeedsEventsToo(t *testing.T) {
	set := func(when string) map[string]string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "rules.yaml")
		text := "actions: {c: {log: {}}}\nrules:\n  - {name: plain, on: quiz.submitted, do: [{action: c, text: hi}]}\n" +
			"  - {name: asks, on: quiz.submitted, when: '" + when + "', do: [{action: c, text: hi}]}\n" +
			"  - {name: also plain, on: quiz.submitted, do: [{action: c, text: hi}]}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := loadRules(streams{env: os.LookupEnv, out: io.Discard, err: io.Discard}, path)
		if err != nil {
			t.Fatal(err)
		}
		needed := neededEvents(loaded.Rules)
		if needed["quiz.submitted"] != "plain" {
			t.Errorf("quiz.submitted is needed by %q", needed["quiz.submitted"])
		}
		delete(needed, "quiz.submitted")
		return needed
	}
	for when, want := range map[string]string{
		`data.score < 70`:                             "",
		`user.role == "AE"`:                           "user.deprovisioned user.provisioned",
		`user == nil`:                                 "user.deprovisioned user.provisioned",
		`progress(data.userId, "m1") > 50`:            "module.progress",
		`rank(data.userId, "time") < 4`:               "module.progress user.deprovisioned",
		`rank(data.userId, "progress") < 4`:           "module.progress user.deprovisioned",
		`rank(data.userId, "score") < 4`:              "course.completed user.deprovisioned",
		`(rank(data.userId, "completions") ?? 9) < 4`: "course.completed module.progress user.deprovisioned",
	} {
		needed := set(when)
		if got := strings.Join(slices.Sorted(maps.Keys(needed)), " "); got != want {
			t.Errorf("%s needs %q, want %q", when, got, want)
		}
		for name, rule := range needed {
			if rule != "asks" {
				t.Errorf("%s: %s is needed by %s", when, name, rule)
			}
		}
	}
}
