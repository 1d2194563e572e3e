package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/actions/delivery"
	"heed/engine"
	"heed/engine/event"
	"heed/engine/record"
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
	s := startServer(t, rules, func(o *appOptions) { o.log = lines.logger(slog.LevelInfo) })
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

// At a higher level only what went wrong is left, and nothing is made ready.
func TestLog_warnLeavesOutWhatWentWell(t *testing.T) {
	var lines logLines
	a := &app{appOptions: appOptions{log: lines.logger(slog.LevelWarn)}}
	e := record.Event{ID: "e1", Type: "quiz.submitted", Status: record.Accepted}
	said := event.Event{Data: map[string]any{"userId": "u1"}}
	done := record.Delivery{ID: "d1", EventID: "e1", Attempts: 1}
	allocated := testing.AllocsPerRun(100, func() {
		a.logEvent(&e, &said, nil, nil)
		a.logAttempt(&done, delivery.End{State: record.Done}, time.Millisecond)
	})
	if lines.text.Len() > 0 || allocated > 0 {
		t.Errorf("%v allocations, logged %s", allocated, lines.text.String())
	}
	a.logAttempt(&done, delivery.End{State: record.Dead, Error: "410 Gone"}, time.Millisecond)
	if got := lines.with(t, "delivery given up"); len(got) != 1 || got[0]["error"] != "410 Gone" {
		t.Errorf("logged %v", got)
	}
}

// Whatever a sender writes is on one line, not too long, and shows no one
// something that is not there.
func TestLog_hostileValuesAreOneLine(t *testing.T) {
	for _, hostile := range []string{
		"a\nlevel=ERROR msg=forged", "a\r\x1b[2Jb", "a\u202egnp.exe", "a\u0085b\u009b2J", "a\u2028b",
		strings.Repeat("x", 5000), strings.Repeat("é", 5000),
	} {
		for format := range map[string]bool{"json": true, "text": true} {
			var lines logLines
			log, err := newLogger(streams{env: noEnv}, &lines, "info", format)
			if err != nil {
				t.Fatal(err)
			}
			a := &app{appOptions: appOptions{log: log}}
			e := record.Event{ID: "e1", Type: hostile, Status: record.Accepted}
			a.logEvent(&e, &event.Event{Data: map[string]any{"userId": hostile}}, nil, nil)
			d := record.Delivery{ID: "d1", EventID: "e1"}
			a.logAttempt(&d, delivery.End{State: record.Dead, Error: hostile[:min(len(hostile), 300)]}, 0)
			text := lines.text.String()
			raw := strings.ContainsAny(text, "\r\x1b\u202e\u0085\u009b\u2028")
			if strings.Count(text, "\n") != 2 || len(text) > 2000 || raw {
				t.Errorf("%s: %q", format, text)
			}
		}
	}
}

// BenchmarkLogEvent is what a line of the log costs acceptance.
func BenchmarkLogEvent(b *testing.B) {
	e := record.Event{ID: "evt-0123456789", Type: "quiz.submitted", Status: record.Accepted}
	said := event.Event{Data: map[string]any{"userId": "u-1042"}}
	decisions := []engine.Decision{{Rule: &engine.Rule{Name: "low-quiz-score"}, Outcome: engine.Matched}}
	deliveries := []record.Delivery{{Action: "coaching", State: record.Pending}}
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelWarn} {
		b.Run(level.String(), func(b *testing.B) {
			a := &app{appOptions: appOptions{log: slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: level}))}}
			b.ReportAllocs()
			for b.Loop() {
				a.logEvent(&e, &said, decisions, deliveries)
			}
		})
	}
}
