// Package log is the kind of action that writes a line to heed's own log.
package log

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"

	"heed/actions"
	"heed/engine/expression"
)

// Kind makes log actions. Lines go to Log.
type Kind struct{ Log *slog.Logger }

// Name returns "log".
func (Kind) Name() string { return "log" }

// Defaults returns the settings of a log action.
func (Kind) Defaults() actions.Settings {
	return actions.Settings{Retry: actions.DefaultRetry, Timeout: 5 * time.Second, Concurrency: 8}
}

// Configure reads a log action, which has nothing of its own to configure.
func (k Kind) Configure(*actions.Config) actions.Action { return action{k.Log} }

type action struct{ log *slog.Logger }

// Request is a rendered line.
type Request struct {
	Text  string `json:"text"`
	Level string `json:"level"`
}

type step struct {
	text  *expression.Template
	table *actions.Table
	level string
}

var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn,
	"error": slog.LevelError,
}

const defaultLevel = "info"

// Step reads text, table and level.
func (a action) Step(p *actions.Params) actions.Step {
	s := step{level: defaultLevel}
	if p.Require("text", `write text: "{{ data.userId }} …"`) != nil {
		s.text = p.Template("text")
	}
	s.table = p.Table()
	if level, ok := p.Literal("level"); ok {
		if _, known := levels[strings.ToLower(level)]; !known {
			p.Report().Errorf(p.Take("level").Place(), "wrong-type", "there is no log level %s", level).
				Suggest("write debug, info, warn or error")
		}
		s.level = strings.ToLower(level)
	}
	return s
}

// Render makes the line for an event.
func (s step) Render(env *expression.Env) (any, error) {
	r := Request{Text: s.text.Text(env, expression.Plain), Level: s.level}
	if s.table != nil {
		r.Text = strings.TrimRight(r.Text, "\n") + "\n" + s.table.Text(env, expression.Plain)
	}
	return r, nil
}

// Send writes the line.
func (a action) Send(ctx context.Context, m actions.Message) actions.Outcome {
	var r Request
	if err := json.Unmarshal(m.Request, &r); err != nil {
		return actions.Outcome{Verdict: actions.Dead, Error: "the recorded request cannot be read: " + err.Error()}
	}
	a.log.LogAttrs(ctx, levels[r.Level], oneLine(r.Text), slog.String("delivery", m.ID))
	return actions.Outcome{Verdict: actions.Done}
}

// oneLine escapes what could make a second line, steer a terminal or turn the
// line's direction round: not every log handler does.
func oneLine(text string) string {
	text = strings.TrimRight(text, "\n") // that of a block scalar
	if !strings.ContainsFunc(text, isUnsafe) {
		return text
	}
	var line strings.Builder
	for _, r := range text {
		if isUnsafe(r) {
			line.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			continue
		}
		line.WriteRune(r)
	}
	return line.String()
}

func isUnsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}
