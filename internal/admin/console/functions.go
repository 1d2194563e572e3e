package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/expression"
	"heed/engine/record"
	"heed/engine/state"
	"heed/internal/admin"
	"heed/internal/plain"
	"heed/internal/wording"
)

// functions are what templates may call.
var functions = template.FuncMap{
	"asset": asset, "moment": moment, "ago": ago, "day": day, "count": count, "bounded": bounded, "esc": admin.Segment,
	"base": filepath.Base, "mark": markOf, "because": wording.Because, "detail": wording.ClauseDetail,
	"decides": decides, "effects": effectsOf, "request": requestLines, "pretty": pretty, "key": state.ShowKey,
	"number":  number,
	"number2": func(n int) float64 { return float64(n) }, "percent": percent, "join": strings.Join, "cut": plain.Cut,
	"first": first, "list": func(all ...any) []any { return all },
	"hours": hourBars, "bar": bar, "histogram": histogram, "add": func(a, b int) int { return a + b },
	"outcomeWord": func(o any) string { return strings.ReplaceAll(fmt.Sprint(o), "_", " ") },
	"plainly":     plainly,
	"safe":        plain.Text, // on pages that are exact
	"lines":       func(text string) int { return strings.Count(text, "\n") + 1 },
	"upto": func(n int) (all []int) {
		for i := range n {
			all = append(all, i+1)
		}
		return all
	},
}

// moment renders a time as a <time> element in UTC. A script changes it to the reader's
// time zone.
func moment(t time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`,
		t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05 UTC"), t.Format("2 Jan 15:04 UTC")))
}

// ago renders how long ago a time was, with the time itself on hover.
func ago(t time.Time) template.HTML {
	if t.IsZero() {
		return "never"
	}
	since := time.Since(t)
	text := ""
	switch {
	case since < 0:
		return moment(t)
	case since < time.Minute:
		text = "just now"
	case since < time.Hour:
		text = fmt.Sprintf("%d min ago", int(since.Minutes()))
	case since < 48*time.Hour:
		text = fmt.Sprintf("%d h ago", int(since.Hours()))
	default:
		text = fmt.Sprintf("%d days ago", int(since.Hours()/24))
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s" data-ago>%s</time>`,
		t.UTC().Format(time.RFC3339), t.UTC().Format("2006-01-02 15:04:05 UTC"), text))
}

func day(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2 Jan 2006")
}

// count formats a number with separated thousands.
func count(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// bounded formats a number that was only counted up to admin.MostCounted.
func bounded(n int) string {
	if n >= admin.MostCounted {
		return "10,000+"
	}
	return count(n)
}

// number formats a number for people.
func number(v any) string {
	switch n := v.(type) {
	case *float64:
		if n == nil {
			return "–"
		}
		return number(*n)
	case float64:
		return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64)
	case int:
		return count(n)
	default:
		return fmt.Sprint(v)
	}
}

func percent(part, whole int) int {
	if whole == 0 {
		return 0
	}
	return int(math.Round(100 * float64(part) / float64(whole)))
}

func first(n int, text string) string {
	if len(text) > n {
		return text[:n]
	}
	return text
}

// plainly returns a problem without the command that shows more of it: the page has a
// link for that.
func plainly(text string) string {
	text, _, _ = strings.Cut(text, ": heed ")
	return text
}

// mark is a word with a sign and a tone: state is never told by a colour alone.
type mark struct{ Sign, Word, Tone string }

var marks = map[string]mark{
	"matched": {"✔", "matched", "good"}, "not_matched": {"·", "not matched", "quiet"},
	"unknown": {"?", "unknown", "warn"}, "error": {"✘", "error", "bad"},
	"done": {"✔", "sent", "good"}, "pending": {"…", "pending", "wait"}, "retrying": {"↻", "retrying", "warn"},
	"dead": {"✘", "given up", "bad"}, "held": {"⏸", "held", "quiet"}, "discarded": {"⊘", "discarded", "quiet"},
	"accepted": {"✔", "accepted", "good"}, "quarantined": {"⊘", "set aside", "bad"},
	"replayed": {"↻", "replayed", "quiet"}, "timed": {"◷", "timed", "quiet"},
	"ok": {"✔", "ok", "good"}, "failing": {"✘", "failing", "bad"}, "waiting": {"…", "waiting", "wait"},
	"missing": {"✘", "not configured", "bad"}, "idle": {"·", "nothing sent", "quiet"},
	"yes": {"✔", "YES", "good"}, "no": {"✘", "NO", "bad"}, "partly": {"◐", "PARTLY", "warn"},
	"not_yet": {"…", "NOT YET", "wait"},
	"true":    {"✔", "true", "good"}, "false": {"✘", "false", "bad"}, "undecided": {"?", "unknown", "warn"},
	"running": {"…", "running", "wait"}, "finished": {"✔", "done", "good"}, "stopped": {"⊘", "stopped", "warn"},
	"failed": {"✘", "failed", "bad"},
	"added":  {"+", "added", "good"}, "removed": {"−", "removed", "bad"}, "changed": {"~", "changed", "warn"},
	"live": {"●", "live", "good"}, "shadow": {"○", "shadow", "quiet"}, "passed": {"✔", "passed", "good"},
	"warning": {"!", "warning", "warn"}, "retry": {"↻", "retry", "warn"}, "interrupted": {"⊘", "cut short", "warn"},
	"left": {"⊘", "left", "quiet"}, "active": {"✔", "active", "good"},
}

func markOf(word any) mark {
	text := fmt.Sprint(word)
	if m, ok := marks[text]; ok {
		return m
	}
	return mark{"·", strings.ReplaceAll(text, "_", " "), "quiet"}
}

// clauseView is one line of the tree of a condition.
type clauseView struct {
	Depth   int
	Result  string
	Text    string
	Detail  string
	Decides bool
}

// decides returns the lines of the tree of a condition.
func decides(c *expression.Clause) (lines []clauseView) {
	if c == nil {
		return nil
	}
	deciding := c.Deciding()
	var walk func(c *expression.Clause, depth int)
	walk = func(c *expression.Clause, depth int) {
		line := clauseView{
			Depth: min(depth, 8), Result: fmt.Sprint(c.Result), Text: c.Text,
			Detail: wording.ClauseDetail(c),
		}
		if c.Op != "" {
			line.Text = c.Op
		}
		line.Decides = len(c.Clauses) == 0 && depth > 0 && slices.Contains(deciding, c)
		lines = append(lines, line)
		for _, child := range c.Clauses {
			walk(child, depth+1)
		}
	}
	walk(c, 0)
	return lines
}

// effectsOf describes the effects of a decision.
func effectsOf(eventID string, d engine.Shown) (texts []string) {
	words := wording.Effects{Mode: d.Mode, Event: eventID, Zone: wording.ZoneOf(d.Timezone)}
	for _, effect := range wording.EffectsOf(&d) {
		if effect.Effect != record.Sent || d.Mode == engine.ModeShadow {
			texts = append(texts, words.Text(&effect))
		}
	}
	return texts
}

// requestLines formats a request for people.
func requestLines(kind string, request json.RawMessage) string {
	return strings.Join(wording.Request(kind, request), "\n")
}

// pretty indents JSON; other text stays as it is.
func pretty(raw json.RawMessage) string {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return string(raw)
	}
	return out.String()
}
