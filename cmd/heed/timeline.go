package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
	"heed/engine/state"
	"heed/internal/app"
	"heed/internal/plain"
	"heed/internal/store"
	"heed/internal/wording"
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
	from, err := o.timelineStart(entries)
	if err != nil {
		return err
	}
	var remembered ruletest.Store // nothing
	var known ruletest.People     // nobody
	if o.withState {
		reader, copied, err := copyState(ctx, &o.store, loaded.Rules)
		if err != nil {
			return err
		}
		defer reader.Close()
		remembered = copied
		if known, err = app.CopyPeople(ctx, reader); err != nil {
			return failure(err)
		}
	}
	t, err := ruletest.NewTimeline(loaded.Rules, from, remembered)
	if err == nil {
		t.KnowPeople(known)
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
	return showTimeline(s, o, t, timelineZone(loaded.Zone, entries))
}

// timelineStart returns the time of the first entry. With a store's state, a timeline
// may begin now.
func (o *dryRunOptions) timelineStart(entries []rulefile.Given) (time.Time, error) {
	switch {
	case len(entries) > 0 && !entries[0].At.IsZero():
		return entries[0].At, nil
	case o.withState:
		return time.Now(), nil
	}
	return time.Time{}, usage("the first entry of %s has no time: write at: \"2026-03-02T10:00Z\"", o.timeline)
}

// copyState copies what the rules of a store remember, from a store that stays open.
func copyState(
	ctx context.Context, from *storeFlag, rules *engine.RuleSet,
) (*store.Reader, *app.CopiedState, error) {
	reader, err := from.reader(ctx)
	if err != nil {
		return nil, nil, err
	}
	copied, err := app.CopyState(ctx, reader, rules)
	if err != nil {
		_ = reader.Close()
		return nil, nil, failure(err)
	}
	return reader, copied, nil
}

// untilOf reads a time, or + and a duration after another time.
func untilOf(text string, after time.Time) (time.Time, error) {
	if offset, relative := strings.CutPrefix(text, "+"); relative {
		if d, err := model.ParseDuration(offset); err == nil {
			return after.Add(time.Duration(d)), nil
		}
	} else if at, ok := event.ParseTime(text); ok {
		return at, nil
	}
	return time.Time{}, usage("--until %s is not a time: write 2026-03-09T12:00:00Z, or +7d for a time after the last "+
		"entry", text)
}

func showTimeline(s streams, o dryRunOptions, t *ruletest.Timeline, zone *time.Location) error {
	code := exitOK
	paint := s.style(s.out)
	for i := range t.Happened {
		h := &t.Happened[i]
		for j := range h.Decisions {
			if h.Decisions[j].Outcome == engine.Errored {
				code = exitProblems
			}
		}
		if o.output == "json" {
			if err := printJSON(s.out, h); err != nil {
				return failure(err)
			}
			continue
		}
		printHappened(s.out, paint, h, zone, false)
		fmt.Fprintln(s.out)
	}
	if o.output != "json" {
		fmt.Fprintf(s.out, "%s until %s\n", countAlerts(t.Alerts("")), t.Now().In(zone).Format(time.RFC3339))
	}
	return quiet(code)
}

// countAlerts says how many alerts there were, and how many of them come from rules
// in shadow mode.
func countAlerts(alerts []ruletest.Alert) string {
	shadow := 0
	for i := range alerts {
		if alerts[i].Mode == engine.ModeShadow {
			shadow++
		}
	}
	text := plain.Count(len(alerts)-shadow, "alert")
	if shadow > 0 {
		text += fmt.Sprintf(", and %d in shadow mode,", shadow)
	}
	return text
}

// printHappened shows what became of an event, or what was due at a time. Rules
// that did not match and did nothing are shown if all is set.
func printHappened(w io.Writer, paint style, h *ruletest.Happened, zone *time.Location, all bool) {
	what := plain.Line(h.Event) + "  " + paint.dim + plain.Line(h.EventID) + paint.reset
	if h.Timed() {
		what = "due" // whose id says nothing
	}
	fmt.Fprintf(w, "%s%s%s  %s\n", paint.bold, h.At.In(zone).Format(time.RFC3339), paint.reset, what)
	shown := 0
	for i := range h.Decisions {
		d := &h.Decisions[i]
		if !all && len(d.Effects) == 0 && d.Outcome == engine.NotMatched {
			continue
		}
		shown++
		decided := d.Shown
		decided.Reason = cmp.Or(d.Reason, firedFor(h, d))
		printDecision(w, paint, 0, &decided)
		var alerts []ruletest.Alert
		for _, a := range h.Alerts {
			if a.Rule == d.Rule {
				alerts = append(alerts, a)
			}
		}
		effects := withoutSent(wording.EffectsOf(&d.Shown), len(alerts) > 0 && d.Mode != engine.ModeShadow)
		printEffects(w, paint, wording.Effects{Mode: d.Mode, Event: h.EventID, Zone: zone}, effects)
		for _, a := range alerts {
			printAction(w, paint, a.Action, a.Kind, "", a.Request, a.Problem)
		}
	}
	if shown == 0 {
		fmt.Fprintf(w, "  %sno rule matched%s\n", paint.dim, paint.reset)
	}
}

// firedFor says what a firing is about: its key and the event that led to it.
func firedFor(h *ruletest.Happened, d *ruletest.Decision) string {
	if !h.Timed() || len(d.Effects) == 0 {
		return ""
	}
	e := d.Effects[len(d.Effects)-1]
	var about []string
	if e.Key != "" {
		about = append(about, "for "+state.ShowKey(e.Key))
	}
	if e.By != "" && e.Effect == record.Sent {
		about = append(about, "after "+e.By)
	}
	return strings.Join(about, ", ")
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

// timelineZone returns the time zone in which people read a timeline: the rules' own
// or, without one, the one in which its first time is written.
func timelineZone(rules *time.Location, entries []rulefile.Given) *time.Location {
	if rules != nil && rules != time.UTC {
		return rules
	}
	for i := range entries {
		if at := entries[i].At; !at.IsZero() {
			return at.Location()
		}
	}
	return time.UTC
}
