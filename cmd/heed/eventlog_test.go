package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/internal/app"
)

// logLines collects a log.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with gives the lines of a message, without what differs from run to run.
func (l *logLines) with(t *testing.T, message string) (found []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for text := range strings.Lines(l.text.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		if fields["msg"] != message {
			continue
		}
		for _, name := range []string{"time", "msg", "took", "delivery", "due"} {
			if fields[name] == "" {
				t.Errorf("%s is empty in %s", name, text)
			}
			delete(fields, name)
		}
		found = append(found, fields)
	}
	return found
}

func (l *logLines) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: level}))
}

const loggedRules = `
actions:
  hook: {http: {url: %q, allow_private: true, retry: {attempts: 2, min: 1ms, max: 2ms}}}
rules:
  - {name: low, on: quiz.submitted, when: data.score < 70, do: [{action: hook}]}
  - {name: all, on: quiz.submitted, do: [{action: hook}]}
`

// Each event and each attempt at a delivery is a line, with the same names of
// fields.
func TestLog_eachEventAndAttemptIsALine(t *testing.T) {
	hook := newSink(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	var lines logLines
	rules := strings.Replace(loggedRules, "%q", `"`+hook.URL+`"`, 1)
	s := startServer(t, rules, func(o *app.Options) { o.Log = lines.logger(slog.LevelInfo) })
	body := `{"event":"quiz.submitted","companyId":"c1","data":{"userId":"u1","score":61}}`
	now := time.Now()
	s.post("e1", body, signedAt(now, body))
	s.post("e1", body, signedAt(now, body))
	s.post("e2", body, signedAt(now, body))
	s.post("e3", body, signedAt(now, body))
	s.post("e4", `{"event":"course.completed","companyId":"c1","data":{"userId":7}}`)
	s.settled("e1")
	s.stop()
	type line = map[string]any
	for message, want := range map[string][]line{
		"event accepted": {
			{
				"level": "INFO", "event": "e1", "type": "quiz.submitted", "user": "u1", "status": "accepted",
				"rules": "low,all", "actions": "hook",
			},
			{"level": "INFO", "event": "e4", "type": "course.completed", "user": "7", "status": "accepted"},
		},
		"event received again": {{"level": "INFO", "event": "e1", "type": "quiz.submitted", "status": "duplicate"}},
		"event quarantined": {
			{
				"level": "WARN", "event": "e2", "type": "quiz.submitted", "user": "u1", "status": "quarantined",
				"reason": "signature_reused",
			},
		},
		"request repeated under another id": {
			{"level": "INFO", "event": "e3", "type": "quiz.submitted", "status": "quarantined", "reason": "signature_reused"},
		},
	} {
		if diff := cmp.Diff(want, lines.with(t, message)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", message, diff)
		}
	}
	ended := map[string]int{}
	for _, message := range []string{"delivery will be tried again", "delivery given up"} {
		for _, l := range lines.with(t, message) {
			ended[message]++
			for _, name := range []string{"rule", "state", "attempts", "error"} {
				if l[name] == nil {
					t.Errorf("%s has no %s: %v", message, name, l)
				}
			}
			if l["event"] != "e1" || l["action"] != "hook" || l["kind"] != "http" {
				t.Errorf("%s: %v", message, l)
			}
		}
	}
	if ended["delivery will be tried again"] == 0 || ended["delivery will be tried again"] != ended["delivery given up"] {
		t.Errorf("attempts: %v\n%s", ended, lines.text.String())
	}
}
