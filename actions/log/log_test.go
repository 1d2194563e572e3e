package log_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heed/actions"
	"heed/actions/actiontest"
	"heed/actions/log"
)

// bare writes a line as it is: a log handler that escapes nothing.
func bare(out *bytes.Buffer) slog.Handler {
	return slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.MessageKey {
			out.WriteString("[" + a.Value.String() + "]")
		}
		return slog.Attr{}
	}})
}

func rule(out *bytes.Buffer, step string) actiontest.Rule {
	return actiontest.Rule{Kind: log.Kind{Log: slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))}, Config: "log: {}", Step: step}
}

func TestALineIsWrittenAtItsLevel(t *testing.T) {
	for step, want := range map[string][2]string{
		`text: "{{ data.userId }} got {{ data.score }}, {{ data.quizType }}"`: {"INFO", "u1 got 61, n/a"},
		"text: |\n  {{ data.userId }}\n  b\n":                                 {"INFO", `u1\nb`},
		`{text: a, level: debug}`:                                             {"DEBUG", "a"},
		`{text: a, level: Info}`:                                              {"INFO", "a"},
		`{text: a, level: WARN}`:                                              {"WARN", "a"},
		`{text: a, level: error}`:                                             {"ERROR", "a"},
	} {
		var out bytes.Buffer
		if got := actiontest.MustCompile(t, rule(&out, step)).Send(t, `{"userId":"u1","score":61}`); !reflect.DeepEqual(got, actions.Outcome{Verdict: actions.Done}) {
			t.Fatalf("%+v", got)
		}
		var line struct{ Level, Msg, Delivery string }
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", out.String(), err)
		}
		if line.Level != want[0] || line.Msg != want[1] || line.Delivery != actiontest.DeliveryID {
			t.Errorf("%s wrote %s", step, out.String())
		}
	}
}

func TestARenderedLineIsWhatTheRuleSays(t *testing.T) {
	c := actiontest.MustCompile(t, rule(new(bytes.Buffer), `{text: "a\n{{ data.userId }}", level: Warn}`))
	if got := string(c.MustRender(t, `{"userId":"<b>"}`)); got != `{"text":"a\n<b>","level":"warn"}` {
		t.Error(got)
	}
}

// Row 28.
func TestHostileTextIsOneEscapedLine(t *testing.T) {
	var out bytes.Buffer
	r := rule(&out, `text: "user {{ data.userId }}"`)
	r.Kind = log.Kind{Log: slog.New(bare(&out))}
	c := actiontest.MustCompile(t, r)
	for value, want := range map[string]string{
		"a\nb":                   `[user a\nb]`,
		"a\r\n2026 level=ERROR":  `[user a\r\n2026 level=ERROR]`,
		"\x1b[31mred\x1b[0m":     `[user \x1b[31mred\x1b[0m]`,
		"\u009b31m":              `[user \u009b31m]`,
		"\u202egnp.exe":          `[user \u202egnp.exe]`,
		"a\u2028b\u2029c":        `[user a\u2028b\u2029c]`,
		"\x00\a\b\x7f":           `[user \x00\a\b\x7f]`,
		"é 日本 👩‍👧 'a' \"b\" \\n": "[user é 日本 👩‍👧 'a' \"b\" \\n]",
	} {
		out.Reset()
		data, _ := json.Marshal(map[string]string{"userId": value})
		c.Send(t, string(data))
		if got := strings.TrimSuffix(out.String(), "\n"); got != want {
			t.Errorf("%q is logged as %q, want %q", value, got, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		out.Reset()
		data, _ := json.Marshal(map[string]string{"userId": rapid.String().Draw(rt, "value")})
		c.Send(t, string(data))
		if line := strings.TrimSuffix(out.String(), "\n"); strings.ContainsFunc(line, unicode.IsControl) {
			rt.Fatalf("%q", line)
		}
	})
}

func TestEachMistakeIsReportedAtItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ config, step, want string }{
		"a key":         {`log: {file: x}`, ``, `config:1:7: error: the log action act has no key file [unknown-key]`},
		"no text":       {`log: {}`, `{}`, `step:1:1: error: the log action act has no text [missing-key]`},
		"empty":         {`log:`, `text:`, `step:1:6: error: text of the log action act is empty [missing-key]`},
		"a level":       {`log: {}`, `{text: a, level: loud}`, `step:1:18: error: there is no log level loud [wrong-type] (write debug, info, warn or error)`},
		"a level's own": {`log: {}`, `{text: a, level: "{{ data.userId }}"}`, `step:1:18: error: level of the log action act is fixed: it cannot hold a template [template-not-allowed]`},
		"a field":       {`log: {}`, `text: "{{ data.scor }}"`, `step:1:16: error: quiz.submitted has no field scor [unknown-field]`},
		"fine":          {`log: {rate: 1/s}`, `{text: a, level: debug}`, ``},
	} {
		r := rule(new(bytes.Buffer), c.step)
		r.Config = c.config
		got := strings.TrimSuffix(actiontest.Lines(actiontest.Compile(t, r).Problems), "\n")
		if !strings.HasSuffix(c.want, ")") {
			got, _, _ = strings.Cut(got, " (")
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestARecordedLineThatCannotBeReadIsDead(t *testing.T) {
	c := actiontest.MustCompile(t, rule(new(bytes.Buffer), `text: a`))
	if got := c.SendRequest(t.Context(), json.RawMessage(`x`)); got.Verdict != actions.Dead || got.Error == "" {
		t.Errorf("%+v", got)
	}
}
