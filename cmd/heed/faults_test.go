package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"heed/internal/app"
)

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newTextLog logs everything.
func newTextLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Row 29: everything fails, and everybody out there echoes what they got; no
// secret shows in the log, the API, the metrics, a dry run or the store.
func TestServe_showsNoSecretWhateverFails(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%v %s %s", r.Header, r.URL, body)
	}
	slack, api, hook := newSink(t, echo), newSink(t, echo), newSink(t, echo)
	canaries := map[string]string{
		"C_TOKEN": "xoxb-canary-token-1", "C_AUTH": "Bearer canary-bearer-2", "C_URL": api.URL + "/canary-path-3",
		"C_HOOK": hook.URL + "/services/canary-hook-4", "C_PASSWORD": "canary-password-5",
	}
	for name, value := range canaries {
		t.Setenv(name, value)
	}
	l := listen(t)
	nobody := l.Addr().String()
	l.Close()
	rules := fmt.Sprintf(`
actions:
  bot: {slack: {token: {env: C_TOKEN}, channel: c, api_url: %q, allow_private: true, retry: {attempts: 1}}}
  hook: {slack: {webhook_url: {env: C_HOOK}, allow_private: true, retry: {attempts: 1}}}
  api: {http: {url: {env: C_URL}, headers: {Authorization: {env: C_AUTH}, X-Api-Key: {env: C_PASSWORD}}, allow_private: true, retry: {attempts: 1}}}
  gone: {http: {url: "http://%s", headers: {Authorization: {env: C_AUTH}}, allow_private: true, retry: {attempts: 1}}}
  mail: {email: {smtp: "smtp://%s", username: heed, password: {env: C_PASSWORD}, from: a@example.com, allow_private: true, retry: {attempts: 1}}}
rules:
  - name: all
    on: quiz.submitted
    do:
      - {action: bot, text: hi}
      - {action: hook, text: hi}
      - {action: api, json: {a: 1}}
      - {action: gone, json: {a: 1}}
      - {action: mail, to: a@example.com, subject: s, text: t}
`, slack.URL, nobody, nobody)
	log := &lockedBuffer{}
	s := startServer(t, rules, func(o *app.Options) {
		o.Log = newTextLog(log)
	})
	s.post("e1", `{"event":"quiz.submitted","data":{"userId":"u1"}}`)
	s.post("e2", `{"event":"quiz.submitted","data":`)
	for _, d := range s.settled("e1") {
		if d.State != "dead" {
			t.Errorf("%s is %s", d.Action, d.State)
		}
	}
	if err := os.WriteFile(s.app.Rules, []byte(strings.Replace(rules, "text: hi", "txt: hi", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if response, err := http.Post(s.app.AdminURL()+"/-/reload", "", nil); err == nil {
		response.Body.Close()
	}
	seen := map[string]string{"the log": log.String()}
	for _, path := range []string{"/api/v1/events", "/api/v1/events/e1", "/api/v1/events/e2", "/api/v1/deliveries", "/api/v1/rules", "/metrics", "/"} {
		var text string
		s.get(path, &text)
		seen[path] = text
	}
	for _, d := range s.settled("e1") {
		var text string
		s.get("/api/v1/deliveries/"+d.ID, &text)
		seen["delivery of "+d.Action] = text
	}
	if err := os.WriteFile(s.app.Rules, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	seen["heed dry-run"], _ = inDir(t, s.dir, "heed", "dry-run", "--rules", s.app.Rules, "-o", "json", filepath.Join(repository(t), "testdata/events/quiz-low-score.json"))
	for where, text := range seen {
		if text == "" {
			t.Errorf("%s is empty", where)
		}
		for _, secret := range []string{"canary-token-1", "canary-bearer-2", "canary-path-3", "canary-hook-4", "canary-password-5", testSecret} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %s:\n%s", where, secret, text)
			}
		}
	}
	s.stop()
	s.noSecretIn("canary-token-1", "canary-bearer-2", "canary-path-3", "canary-hook-4", "canary-password-5", testSecret)
}

// repository is the repository's root, wherever the test stands by now.
func repository(t *testing.T) string {
	t.Helper()
	return root
}

var root = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

// Row 30: SIGTERM under load. Ready goes 503 or the port closes, what was taken
// in is answered, and the process ends with 0 in time.
func TestServe_SIGTERMUnderLoadAnswersWhatItAccepted(t *testing.T) {
	dir := t.TempDir()
	rules := filepath.Join(dir, "rules.yaml")
	slow := newSink(t, func(w http.ResponseWriter, _ *http.Request) { time.Sleep(50 * time.Millisecond) })
	text := fmt.Sprintf("actions: {a: {http: {url: %q, allow_private: true}}}\nrules: [{name: r, on: quiz.submitted, do: [{action: a, json: {u: \"{{ data.userId }}\"}}]}]\n", slow.URL)
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	public, admin := listen(t), listen(t)
	address, adminAddress := public.Addr().String(), admin.Addr().String()
	public.Close()
	admin.Close()
	data := filepath.Join(dir, "data")
	cmd := exec.Command("heed", "serve", "--rules", rules, "--data", data, "--listen", address, "--admin", adminAddress,
		"--log-level", "error")
	cmd.Env = append(os.Environ(), "MINDTICKLE_WEBHOOK_SECRET="+testSecret)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitForPort(t, address)
	var acknowledged, cut atomic.Int64
	var workers sync.WaitGroup
	stop := make(chan struct{})
	for worker := range 8 {
		workers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				status, err := sendSigned(address, fmt.Sprintf("w%d-%d", worker, n))
				switch {
				case err != nil && strings.Contains(err.Error(), "EOF"):
					cut.Add(1) // taken in and not answered
					return
				case err != nil:
					return // nobody listens any more
				case status == http.StatusOK:
					acknowledged.Add(1)
				}
			}
		})
	}
	for acknowledged.Load() < 200 {
		time.Sleep(time.Millisecond) // the load is another process's
	}
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	took := time.Since(began)
	close(stop)
	workers.Wait()
	if err != nil || took > 30*time.Second {
		t.Errorf("heed ended with %v after %v", err, took)
	}
	if cut.Load() > 0 {
		t.Errorf("%d requests were cut off without an answer", cut.Load())
	}
	t.Logf("%d acknowledged, ended after %v", acknowledged.Load(), took)
	s := startServer(t, text, held, func(o *app.Options) { o.Data = data })
	var page struct{ Events []struct{ ID string } }
	s.get("/api/v1/events?limit=500", &page)
	if int64(len(page.Events)) < min(acknowledged.Load(), 500) {
		t.Errorf("%d events were acknowledged, %d are stored", acknowledged.Load(), len(page.Events))
	}
}
