package app

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lmittmann/tint"

	"heed/actions/delivery"
	"heed/engine"
	"heed/engine/event"
	"heed/engine/record"
)

// At a higher level only what went wrong is left, and nothing is made ready.
func TestLog_warnLeavesOutWhatWentWell(t *testing.T) {
	var logged bytes.Buffer
	a := &App{Options: Options{Log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn}))}}
	e := record.Event{ID: "e1", Type: "quiz.submitted", Status: record.Accepted}
	said := event.Event{Data: map[string]any{"userId": "u1"}}
	done := record.Delivery{ID: "d1", EventID: "e1", Attempts: 1}
	allocated := testing.AllocsPerRun(100, func() {
		a.logEvent(t.Context(), &e, &said, nil, nil)
		a.logAttempt(t.Context(), &done, delivery.End{State: record.Done}, time.Millisecond)
	})
	if logged.Len() > 0 || allocated > 0 {
		t.Errorf("%v allocations, logged %s", allocated, logged.String())
	}
	a.logAttempt(t.Context(), &done, delivery.End{State: record.Dead, Error: "410 Gone"}, time.Millisecond)
	if got := logged.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `msg="delivery given up"`) ||
		!strings.Contains(got, `error="410 Gone"`) {
		t.Errorf("logged %s", got)
	}
}

// Whatever a sender writes is on one line, not too long, and shows no one
// something that is not there.
func TestLog_hostileValuesAreOneLine(t *testing.T) {
	for _, hostile := range []string{
		"a\nlevel=ERROR msg=forged", "a\r\x1b[2Jb", "a\u202egnp.exe", "a\u0085b\u009b2J", "a\u2028b",
		strings.Repeat("x", 5000), strings.Repeat("é", 5000),
	} {
		var text bytes.Buffer
		for format, handler := range map[string]slog.Handler{
			"json": slog.NewJSONHandler(&text, nil), "text": tint.NewTextHandler(&text, &tint.Options{NoColor: true}),
		} {
			text.Reset()
			a := &App{Options: Options{Log: slog.New(handler)}}
			e := record.Event{ID: "e1", Type: hostile, Status: record.Accepted}
			a.logEvent(t.Context(), &e, &event.Event{Data: map[string]any{"userId": hostile}}, nil, nil)
			d := record.Delivery{ID: "d1", EventID: "e1"}
			a.logAttempt(t.Context(), &d, delivery.End{State: record.Dead, Error: hostile[:min(len(hostile), 300)]}, 0)
			logged := text.String()
			raw := strings.ContainsAny(logged, "\r\x1b\u202e\u0085\u009b\u2028")
			if strings.Count(logged, "\n") != 2 || len(logged) > 2000 || raw {
				t.Errorf("%s: %q", format, logged)
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
			a := &App{Options: Options{Log: slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: level}))}}
			b.ReportAllocs()
			for b.Loop() {
				a.logEvent(b.Context(), &e, &said, decisions, deliveries)
			}
		})
	}
}
