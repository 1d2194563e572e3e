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

	"heed/internal/app"
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

func TestWebhooks_subscriptionFollowsTheRules(t *testing.T) {
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
	step(exitUsage, "a port is a number from 1 to 65535", append(register, "https://heed.example.com:99999999/x")...)
	step(exitUsage, "lacks the path", append(register, "https://heed.example.com")...)
	step(exitUsage, "no webhook was registered", "activate", "--data", data)
	step(exitOK, "registered wh_1 for quiz.submitted\n", append(register, public)...)
	step(exitOK, "quiz.submitted, all that the rules need, is subscribed to already; heed webhooks status shows it\n", append(register, public)...)
	step(exitOK, "quiz.submitted\n", status...)

	write("[quiz.submitted, user.provisioned]")
	step(exitProblems, "user.provisioned is used by the rule r but is not subscribed", status...)
	step(exitOK, "registered wh_2 for user.provisioned\n", append(register, public)...)
	write("user.provisioned")
	step(exitOK, "quiz.submitted is subscribed, and no rule needs it", status...)
	step(exitOK, "wh_1 is active\nwh_2 is active\n", "activate", "--data", data)
	step(exitOK, "wh_1 is active\n", "activate", "--data", data, "--id", "wh_1")
	step(exitUsage, "--body is not JSON", "activate", "--data", data, "--body", "active")

	var got []string
	for _, c := range api.got() {
		got = append(got, c.method+" "+c.path+" "+c.body)
	}
	want := []string{
		`POST /v2/webhooks {"url":"` + public + `","events":["quiz.submitted"],"companyId":"acme"}`,
		`POST /v2/webhooks {"url":"` + public + `","events":["user.provisioned"],"companyId":"acme"}`,
		`PATCH /v2/webhooks/wh_1 {"status": "active"}`, `PATCH /v2/webhooks/wh_2 {"status": "active"}`, `PATCH /v2/webhooks/wh_1 {"status": "active"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the API got (-want +got):\n%s", diff)
	}
	text, err := os.ReadFile(filepath.Join(data, "webhooks.json"))
	if err != nil || bytes.Contains(text, []byte("canary")) {
		t.Errorf("remembered: %s, %v", text, err)
	}
}

// webhookSteps runs heed webhooks on one data directory, step by step, with an
// API that answers as it is told.
type webhookSteps struct {
	t           *testing.T
	api         *sink
	data, rules string
	answers     map[string]int // of a method and path; else what the API does
}

func newWebhookSteps(t *testing.T, on string) *webhookSteps {
	dir := t.TempDir()
	w := &webhookSteps{t: t, data: filepath.Join(dir, "data"), rules: filepath.Join(dir, "rules.yaml"), answers: map[string]int{}}
	n := 0
	w.api = newSink(t, func(answer http.ResponseWriter, r *http.Request) {
		if status := w.answers[r.Method+" "+r.URL.Path]; status != 0 {
			answer.WriteHeader(status)
			return
		}
		if r.Method == http.MethodPost {
			n++
			answer.WriteHeader(http.StatusCreated)
			fmt.Fprintf(answer, `{"webhookId": "wh_%d"}`, n)
		}
	})
	w.write(on)
	return w
}

func (w *webhookSteps) write(on string) {
	w.t.Helper()
	if err := os.WriteFile(w.rules, []byte("actions: {c: {log: {}}}\nrules: [{name: r, on: "+on+", do: [{action: c, text: hi}]}]\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// step runs a command; its output must hold every line that is wanted.
func (w *webhookSteps) step(command string, wantCode int, want ...string) {
	w.t.Helper()
	args := append(strings.Fields(command), "--data", w.data)
	if args[0] == "register" || args[0] == "status" {
		args = append(args, "--rules", w.rules)
	}
	out, code := webhooksIn(w.api.URL, args...)
	for _, text := range want {
		if !strings.Contains(out, text) {
			w.t.Errorf("heed webhooks %s does not say %q:\n%s", command, text, out)
		}
	}
	if code != wantCode {
		w.t.Errorf("heed webhooks %s: exit %d, want %d\n%s", command, code, wantCode, out)
	}
}

func (w *webhookSteps) calls() int { return len(w.api.got()) }

func TestWebhooks_registersADeletedWebhookAgain(t *testing.T) {
	w := newWebhookSteps(t, "quiz.submitted")
	const register = "register --url https://heed.example.com/webhooks/mindtickle"
	w.step(register, exitOK, "registered wh_1 for quiz.submitted\n")
	w.write("[quiz.submitted, course.completed]")
	w.step(register, exitOK, "registered wh_2 for course.completed\n")
	w.answers["PATCH /v2/webhooks/wh_1"] = http.StatusNotFound
	w.step("activate", exitFailure,
		"heed: wh_1: MindTickle knows no such webhook (404 Not Found): it was probably deleted there.\n",
		"wh_1 is forgotten; heed webhooks register registers it again\n",
		"wh_2 is active\n")
	w.step("status", exitProblems, "quiz.submitted is used by the rule r but is not subscribed; heed webhooks register subscribes to it\n")
	w.step(register, exitOK, "registered wh_3 for quiz.submitted\n")
	w.step(register, exitOK, "all 2 event types that the rules need are subscribed to already; heed webhooks status shows them\n")

	// One that was named and never remembered, and one that another API has.
	w.answers["PATCH /v2/webhooks/other"] = http.StatusNotFound
	w.step("activate --id other", exitFailure, "knows no such webhook", "other was never remembered here; look at MindTickle for the id\n")
	w.answers["PATCH /elsewhere/v2/webhooks/wh_3"] = http.StatusNotFound
	w.step("activate --id wh_3 --api "+w.api.URL+"/elsewhere", exitFailure, "knows no such webhook", "wh_3 was registered at "+w.api.URL+": name that with --api\n")
	w.step("status", exitOK, "wh_3")
}

func TestWebhooks_registersAMovedHostAgain(t *testing.T) {
	w := newWebhookSteps(t, "[quiz.submitted, course.completed]")
	const before, after = "https://old.example.com/webhooks/mindtickle", "https://new.example.com/webhooks/mindtickle"
	w.step("register --url "+before, exitOK, "registered wh_1 for course.completed, quiz.submitted\n")
	w.answers["POST /v2/webhooks"] = http.StatusServiceUnavailable
	w.step("register --url "+after, exitFailure, "Try again later")
	w.step("status", exitOK, before)
	w.answers = map[string]int{}
	w.step("register --url "+after, exitOK,
		"registered wh_2 for course.completed, quiz.submitted\n",
		"wh_1 at "+before+" is still at MindTickle: delete it there, so that nothing is sent twice, then: heed webhooks forget wh_1\n")
	w.step("register --url "+after, exitOK, "are subscribed to already", "heed webhooks forget wh_1\n")
	w.step("status", exitProblems, "replaced by wh_2\n", "  still at MindTickle: delete it there, so that nothing is sent twice, then: heed webhooks forget wh_1\n")
	calls := w.calls()
	w.step("activate", exitOK, "wh_2 is active\n")
	if w.calls() != calls+1 {
		t.Error("a webhook that was replaced is activated")
	}
	w.step("register --url "+before, exitUsage, "wh_1 was registered for this address, and replaced by wh_2: if it is still at MindTickle, heed webhooks activate --id wh_1 takes it up again; if not, say heed webhooks forget wh_1")
	w.step("forget wh_1", exitOK, "wh_1 is forgotten\n")
	w.step("forget wh_1", exitProblems, "no webhook wh_1 is remembered in "+w.data)
	w.step("status", exitOK, after)

	// And back again, to a webhook that is still there.
	w.step("register --url "+before, exitOK, "registered wh_3", "wh_2 at "+after+" is still at MindTickle")
	w.step("activate --id wh_2", exitOK, "wh_2 is active\n")
	w.step("register --url "+after, exitOK, "are subscribed to already", "wh_3 at "+before+" is still at MindTickle")
}

func TestWebhooks_adoptsAWebhookMadeElsewhere(t *testing.T) {
	w := newWebhookSteps(t, "[quiz.submitted, course.completed]")
	const public = "https://heed.example.com/webhooks/mindtickle"
	w.answers["POST /v2/webhooks"] = http.StatusConflict
	w.step("register --url "+public, exitFailure, "there is such a webhook already (409 Conflict)", "heed webhooks activate --id ID --url URL --events TYPE,TYPE")
	w.answers = map[string]int{}
	w.step("activate --id theirs", exitOK, "theirs is active\n", "heed remembers theirs from now on, but not its address and event types: say them with --url and --events\n")
	w.step("status", exitOK, "theirs  activated 20", "  address not known\n", "  event types not known: heed webhooks activate --id theirs --events TYPE,TYPE says them\n")
	w.step("register --url "+public, exitUsage, "heed does not know which event types theirs has, and so not which are missing: look at MindTickle, and say heed webhooks activate --id theirs --url "+public+" --events TYPE,TYPE")
	w.step("activate --events quiz.submitted", exitUsage, "--events belongs to --id")
	w.step("activate --id theirs --events quiz.submited", exitUsage, "there is no event type \"quiz.submited\"; did you mean quiz.submitted?")
	w.step("activate --id theirs --url http://heed.example.com/x", exitUsage, "MindTickle needs an https address")
	w.step("activate --id theirs --events quiz.submitted --url "+public, exitOK, "theirs is active\n")
	w.step("status", exitProblems, public, "  quiz.submitted\n", "course.completed is used by the rule r but is not subscribed")
	w.step("register --url "+public, exitOK, "registered wh_1 for course.completed\n")
	w.step("status", exitOK, "theirs", "wh_1")
}

func TestServe_warnsOfTypesThatAreNotSubscribed(t *testing.T) {
	log := &lockedBuffer{}
	s := startServer(t, logRule, held, func(o *app.Options) {
		if err := os.MkdirAll(o.Data, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(o.Data, "webhooks.json"), []byte(`[{"id":"wh_1","events":["course.completed"]}]`), 0o600); err != nil {
			t.Fatal(err)
		}
		o.Log = newTextLog(log)
	})
	if !strings.Contains(log.String(), "type=quiz.submitted rule=every-quiz") {
		t.Errorf("the log says\n%s", log)
	}
	_ = s
}

// A rule that asks for the user, progress or a rank needs the events that tell of
// them, though it does not listen to them.
func TestNeededEvents_includesWhatLookupsNeed(t *testing.T) {
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
		needed := app.NeededEvents(loaded.Rules)
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
