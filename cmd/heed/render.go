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
	"heed/internal/wording"
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
		effects := wording.EffectsOf(&d.Shown)
		shown := len(d.Actions) > 0 && d.Mode != engine.ModeShadow
		printEffects(w, paint, wording.Effects{Mode: d.Mode, Event: r.ID, Zone: wording.ZoneOf(d.Timezone)},
			withoutSent(effects, shown))
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
		why = wording.Because(d.Explain)
	}
	if why == "" {
		fmt.Fprintf(w, "  %s%s%s %-*s  %s%s%s\n", m.color, m.sign, paint.reset, width, rule, m.color, m.word,
			paint.reset)
		return
	}
	fmt.Fprintf(w, "  %s%s%s %-*s  %s%-11s%s  %s%s%s\n", m.color, m.sign, paint.reset, width, rule,
		m.color, m.word, paint.reset, paint.dim, why, paint.reset)
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
	if detail := wording.ClauseDetail(c); detail != "" {
		fmt.Fprintf(w, "  %s%s%s", paint.dim, plain.Line(detail), paint.reset)
	}
	fmt.Fprintln(w, mark)
	for _, child := range c.Clauses {
		printClause(w, paint, child, indent+"  ", deciding)
	}
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
	for _, l := range wording.Request(kind, request) {
		// An empty line has no blanks, which editors would take from a copy.
		fmt.Fprintln(w, strings.TrimRight("        "+l, " "))
	}
}
