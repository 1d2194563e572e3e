package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"heed/engine"
	"heed/engine/expression"
	"heed/engine/ruletest"
	"heed/internal/plain"
)

// printResult shows what the rules make of an event, readable at a glance.
func printResult(w io.Writer, paint style, title string, r *ruletest.Result) {
	fmt.Fprintf(w, "%s%s%s  %s%s%s\n", paint.bold, plain.Line(r.Event), paint.reset, paint.dim,
		plain.Line(title), paint.reset)
	if len(r.Decisions) == 0 {
		fmt.Fprintf(w, "  %sno rule listens to this event type%s\n", paint.dim, paint.reset)
	}
	width := 0
	for i := range r.Decisions {
		width = max(width, len([]rune(r.Decisions[i].Rule)))
	}
	for i := range r.Decisions {
		d := &r.Decisions[i]
		printDecision(w, paint, width, &d.Shown)
		effects := effectsOfMode(&d.Shown)
		shown := len(d.Actions) > 0 && d.Mode != engine.ModeShadow
		effectPrinter{d.Mode, r.ID, zoneOf(d.Timezone)}.print(w, paint, withoutSent(effects, shown))
		for _, a := range d.Actions {
			problem := a.Problem
			if problem != "" {
				problem = "cannot be sent: " + problem
			}
			printAction(w, paint, a.Action, a.Kind, "", a.Request, problem)
		}
	}
}

type mark struct{ sign, word, color string }

func marks(paint style) map[engine.Outcome]mark {
	return map[engine.Outcome]mark{
		"matched":     {"✔", "matched", paint.green},
		"not_matched": {"·", "not matched", paint.dim},
		"unknown":     {"?", "unknown", paint.yellow},
		"error":       {"✘", "error", paint.red},
	}
}

func printDecision(w io.Writer, paint style, width int, d *engine.Shown) {
	m, rule := marks(paint)[d.Outcome], plain.Line(d.Rule)
	why := plain.Line(d.Reason)
	if why == "" && d.Explain != nil {
		why = because(d.Explain)
	}
	if why == "" {
		fmt.Fprintf(w, "  %s%s%s %-*s  %s%s%s\n", m.color, m.sign, paint.reset, width, rule, m.color, m.word, paint.reset)
		return
	}
	fmt.Fprintf(w, "  %s%s%s %-*s  %s%-11s%s  %s%s%s\n", m.color, m.sign, paint.reset, width, rule,
		m.color, m.word, paint.reset, paint.dim, why, paint.reset)
}

// because names the clauses that decided, with their values, each as it counts
// in the condition: one that stands in a not with that not.
func because(c *expression.Clause) string {
	var parts []string
	for _, leaf := range c.Deciding() {
		if leaf.Text == "always" {
			return "no condition"
		}
		part := leaf.Text
		if leaf.Result != c.Result {
			part = "not (" + part + ")"
		}
		var values []string
		for _, name := range leaf.Names() {
			values = append(values, name+" is "+short(leaf.Values[name]))
		}
		if len(values) > 0 {
			part += " (" + strings.Join(values, ", ") + ")"
		}
		parts = append(parts, part)
	}
	return plain.Line(strings.Join(parts, "; "))
}

func short(value any) string {
	if value == nil {
		return "missing"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "?"
	}
	return plain.Cut(string(text), 60)
}

// printTree shows every clause of a condition with its values. The clauses that
// made the result what it is are marked.
func printTree(w io.Writer, paint style, c *expression.Clause, indent string) {
	deciding := map[*expression.Clause]bool{}
	if len(c.Clauses) > 0 { // a single clause needs no mark
		for _, leaf := range c.Deciding() {
			deciding[leaf] = true
		}
	}
	printClause(w, paint, c, indent, deciding)
}

func printClause(w io.Writer, paint style, c *expression.Clause, indent string, deciding map[*expression.Clause]bool) {
	color := map[expression.Truth]string{
		expression.True: paint.green, expression.False: paint.red,
		expression.Undecided: paint.yellow, expression.Failed: paint.red,
	}[c.Result]
	text := c.Text
	if c.Op != "" {
		text = c.Op
	}
	mark, bold := "", ""
	if deciding[c] {
		mark, bold = color+" ◂ decides"+paint.reset, paint.bold
	}
	fmt.Fprintf(w, "%s%s%-7s%s %s%s%s", indent, color, c.Result, paint.reset, bold, plain.Line(text), paint.reset)
	if detail := clauseDetail(c); detail != "" {
		fmt.Fprintf(w, "  %s%s%s", paint.dim, plain.Line(detail), paint.reset)
	}
	fmt.Fprintln(w, mark)
	for _, child := range c.Clauses {
		printClause(w, paint, child, indent+"  ", deciding)
	}
}

// clauseDetail is what a clause read, or why it has no result.
func clauseDetail(c *expression.Clause) string {
	if c.Reason != "" && len(c.Clauses) == 0 {
		return c.Reason
	}
	var values []string
	for _, name := range c.Names() {
		values = append(values, name+" = "+short(c.Values[name]))
	}
	return strings.Join(values, ", ")
}

// printAction shows what would be sent, or was.
func printAction(w io.Writer, paint style, action, kind, state string, request json.RawMessage, problem string) {
	if state != "" {
		state = "  " + state
	}
	fmt.Fprintf(w, "      %s→ %s%s (%s)%s", paint.cyan, plain.Line(action), paint.reset, kind, state)
	if problem != "" {
		fmt.Fprintf(w, "  %s%s%s\n", paint.red, plain.Line(problem), paint.reset)
		if len(request) == 0 {
			return
		}
	} else {
		fmt.Fprintln(w)
	}
	for _, l := range describeRequest(kind, request) {
		// An empty line has no blanks, which editors would take from a copy.
		fmt.Fprintln(w, strings.TrimRight("        "+l, " "))
	}
}

// describeRequest writes a request as people read it; one of an unknown kind
// as it is.
func describeRequest(kind string, request json.RawMessage) []string {
	var r struct {
		Channel, Text, Level, Method, URL string
		From, Subject, HTML, ReplyTo      string
		Thread                            string
		To, Cc, Mentions                  addresses
		Headers                           map[string]string
		Body                              json.RawMessage
		Blocks                            []json.RawMessage
		Encoding                          string
	}
	if len(request) == 0 || json.Unmarshal(request, &r) != nil {
		return nil
	}
	var lines []string
	add := func(text string) {
		lines = append(lines, strings.Split(strings.TrimRight(plain.Text(text), "\n"), "\n")...)
	}
	switch kind {
	case "slack":
		if target := slackTarget(r.Channel, r.To, r.Thread); target != "" {
			add(target)
		}
		if r.Text != "" {
			add(asMentioned(r.Text, r.Mentions))
		}
		for _, block := range r.Blocks {
			add(asMentioned(blockText(block), r.Mentions))
		}
	case "http":
		add(r.Method + " " + r.URL)
		if len(r.Body) > 0 {
			add(bodyText(r.Encoding, r.Body))
		}
	case "email":
		add("to " + strings.Join(append(r.To, r.Cc...), ", ") + ": " + r.Subject)
		if r.Text != "" {
			add(r.Text)
		} else {
			add(r.HTML)
		}
	case "log":
		add(r.Level + ": " + r.Text)
	default:
		add(string(request))
	}
	return lines
}

// addresses are one address or a list of them: Slack has one recipient, an
// e-mail several.
type addresses []string

// UnmarshalJSON reads either.
func (a *addresses) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = addresses{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// slackTarget is where a message of Slack's goes.
func slackTarget(channel string, to addresses, thread string) string {
	var parts []string
	if channel != "" {
		parts = append(parts, channel)
	}
	if len(to) > 0 {
		parts = append(parts, "to "+strings.Join(to, ", "))
	}
	if thread != "" {
		parts = append(parts, "in the thread "+thread)
	}
	return strings.Join(parts, ", ")
}

// asMentioned shows <@ada@example.com> as people know a mention.
func asMentioned(text string, mentions addresses) string {
	for _, address := range mentions {
		text = strings.ReplaceAll(text, "<@"+address+">", "@"+address)
	}
	return text
}

// blockText is a block of Slack's as its type and its texts.
func blockText(block json.RawMessage) string {
	var value any
	if json.Unmarshal(block, &value) != nil {
		return string(block)
	}
	kind := ""
	if object, ok := value.(map[string]any); ok {
		kind, _ = object["type"].(string)
	}
	return strings.TrimSpace("[" + kind + "] " + strings.Join(textsIn(value), " | "))
}

// textsIn are the texts in a block, in the order in which Slack shows them:
// a block's own before its fields and elements.
func textsIn(value any) []string {
	var texts []string
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			texts = append(texts, textsIn(item)...)
		}
	case map[string]any:
		for _, key := range []string{"text", "fields", "elements", "accessory", "alt_text", "title", "url"} {
			if text, ok := v[key].(string); ok {
				texts = append(texts, text)
			} else {
				texts = append(texts, textsIn(v[key])...)
			}
		}
	}
	return texts
}

func bodyText(encoding string, body json.RawMessage) string {
	if encoding != "json" {
		var text string
		if json.Unmarshal(body, &text) == nil {
			return text
		}
	}
	return string(body)
}
