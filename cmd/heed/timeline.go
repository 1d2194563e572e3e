package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"heed/engine/event"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/internal/app"
	"heed/internal/plain"
)

// timelineDryRun runs the entries of a file through the rules on a virtual clock.
func timelineDryRun(ctx context.Context, s streams, o dryRunOptions) error {
	loaded, err := loadRules(s, o.rules)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(o.timeline)
	if err != nil {
		return usage("read --timeline: %v", err)
	}
	entries, problems := app.Compiler(s.env).ReadTimeline(loaded, rulefile.File{Name: o.timeline, Text: text})
	if entries == nil && len(problems) > 0 {
		printProblems(s.err, s.style(s.err), problems)
		return usage("the timeline %s cannot be used", o.timeline)
	}
	if len(entries) == 0 || entries[0].At.IsZero() {
		return usage("the first entry of %s has no time: write at: \"2026-03-02T10:00Z\"", o.timeline)
	}
	t, err := ruletest.NewTimeline(loaded.Rules, entries[0].At)
	if err == nil {
		err = t.Run(ctx, entries)
	}
	if err != nil {
		return usage("%s: %v", o.timeline, err)
	}
	if o.until != "" {
		until, err := untilOf(o.until, t.Now())
		if err != nil {
			return err
		}
		if err := t.Advance(ctx, until); err != nil {
			return failure(err)
		}
	}
	return showTimeline(s, o, t)
}

// untilOf is a time, or + and how long after another.
func untilOf(text string, after time.Time) (time.Time, error) {
	if offset, relative := strings.CutPrefix(text, "+"); relative {
		if d, err := model.ParseDuration(offset); err == nil {
			return after.Add(time.Duration(d)), nil
		}
	} else if at, ok := event.ParseTime(text); ok {
		return at, nil
	}
	return time.Time{}, usage("--until %s is no time: write 2026-03-09T12:00:00Z, or +7d for a time after the last entry", text)
}

func showTimeline(s streams, o dryRunOptions, t *ruletest.Timeline) error {
	code := exitOK
	paint := s.style(s.out)
	for i := range t.Happened {
		h := &t.Happened[i]
		for j := range h.Decisions {
			if h.Decisions[j].Outcome == "error" {
				code = exitProblems
			}
		}
		if o.output == "json" {
			if err := printJSON(s.out, h); err != nil {
				return failure(err)
			}
			continue
		}
		printHappened(s, paint, h)
	}
	if o.output != "json" {
		fmt.Fprintf(s.out, "%s\n", plain.Count(len(t.Alerts("")), "alert"))
	}
	return quiet(code)
}

// printHappened shows what became of an event, or what was due at a time.
func printHappened(s streams, paint style, h *ruletest.Happened) {
	fmt.Fprintf(s.out, "%s%s%s  %s  %s%s%s\n", paint.bold, h.At.Format(time.RFC3339), paint.reset, plain.Line(h.Event),
		paint.dim, plain.Line(h.EventID), paint.reset)
	for i := range h.Decisions {
		d := &h.Decisions[i]
		if len(d.Effects) == 0 && d.Outcome == "not_matched" {
			continue
		}
		printDecision(s.out, paint, 0, d.Rule, string(d.Outcome), d.Reason, d.Explain)
		printEffects(s.out, paint, d.Mode, withoutSent(d.Effects, len(h.Alerts) > 0))
		for _, a := range h.Alerts {
			if a.Rule == d.Rule {
				printAction(s.out, paint, a.Action, a.Kind, "", a.Request, a.Problem)
			}
		}
	}
}

// withoutSent leaves out what the alerts below say anyway.
func withoutSent(effects []record.Effect, shown bool) (rest []record.Effect) {
	for _, e := range effects {
		if e.Effect != record.Sent || !shown {
			rest = append(rest, e)
		}
	}
	return rest
}
