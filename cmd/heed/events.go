package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
	"heed/engine/ruletest"
	"heed/engine/source"
	"heed/internal/admin"
	"heed/internal/plain"
	"heed/internal/wording"
)

func newEvents(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "List recorded events; show one with its decisions and deliveries; replay, forget",
	}
	cmd.AddCommand(newEventsList(s), newEventsShow(s), newEventsReplay(s), newEventsForget(s))
	return cmd
}

func newEventsShow(s streams) *cobra.Command {
	var client clientOptions
	var output string
	var keepPersonal bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show an event: its body, every rule's decision and why, its deliveries",
		Long: `Show prints all that is known of an event: its body, every rule's decision and
why, its deliveries.

With -o fixture it prints the event alone, in the webhook's own format, ready for
heed dry-run and heed send. Personal values become pseudonyms, the same person
the same one everywhere; --keep-personal leaves them as they are.`,
		Example: "  heed events show evt-1042\n  heed events show evt-1042 -o fixture | heed dry-run --save-test " +
			"rules_test.yaml -",
		Args: one("event by its id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := onlyWith(cmd, "-o fixture", output == "fixture", "keep-personal"); err != nil {
				return err
			}
			path := "/api/v1/events/" + admin.Segment(args[0])
			if output == "fixture" {
				return showFixture(cmd.Context(), s, &client, path, keepPersonal)
			}
			return show(cmd.Context(), s, &client, path, nil, output, printEvent)
		},
	}
	client.flags(cmd)
	cmd.Flags().BoolVar(&keepPersonal, "keep-personal", false, "with -o fixture: keep the personal values")
	outputFlag(cmd, &output, "text", "json", "fixture")
	return cmd
}

// showFixture prints an event as a fixture.
func showFixture(ctx context.Context, s streams, client *clientOptions, path string, keepPersonal bool) error {
	var e admin.Event
	if err := client.fetch(ctx, s, path, nil, &e); err != nil {
		return err
	}
	if _, err := event.Decode(e.Body); err != nil {
		return &codedError{
			exitProblems,
			fmt.Errorf("%s was quarantined, since its body is not an event: %s; without -o fixture it is shown as it "+
				"came", e.ID,
				e.Reason),
		}
	}
	var known expression.Recorded
	if len(e.Facts) > 0 {
		if err := json.Unmarshal(e.Facts, &known); err != nil {
			return failure(err)
		}
	}
	fixture := ruletest.Fixture{File: e.ID, Source: e.Source, Body: e.Body, Facts: known}
	if !keepPersonal {
		redacted, err := ruletest.Redact([]ruletest.Fixture{fixture}, event.Standard())
		if err != nil {
			return failure(err)
		}
		fixture = redacted[0]
	}
	tidy, err := ruletest.Tidy(fixture, event.Standard())
	if err != nil {
		return failure(err)
	}
	fmt.Fprintln(s.out, string(tidy))
	return nil
}

// ownTime says what an event's own time is: what was signed, or what its source said.
func ownTime(e *admin.Event) string {
	if source.IsBuiltIn(e.Source) {
		return "signed"
	}
	return "happened"
}

func printEvent(s streams, e *admin.Event) {
	paint := s.style(s.out)
	status := string(e.Status)
	if e.Reason != "" {
		status += ": " + e.Reason
	}
	if e.Detail != "" {
		status += ", " + plain.Line(e.Detail)
	}
	if e.Inert {
		status += ", too old to trigger anything, by its source"
	}
	table(s.out, [][]string{
		{"id", plain.Line(e.ID)},
		{"type", plain.Line(e.Type)},
		{"source", e.Source},
		{"status", status},
		{"received", e.ReceivedAt.Format(time.RFC3339Nano)},
		{ownTime(e), e.SignedAt.Format(time.RFC3339Nano)},
		{"rules", e.RuleSet},
	})
	var body bytes.Buffer
	if err := json.Indent(&body, e.Body, "", "  "); err == nil && e.Reuses == 0 { // else another event has it
		fmt.Fprintf(s.out, "\n%sbody%s\n%s\n", paint.bold, paint.reset, plain.Text(body.String()))
	}
	if e.Status == record.Accepted || e.Status == record.Timed {
		fmt.Fprintf(s.out, "\n%sdecisions%s\n", paint.bold, paint.reset)
		printEventDecisions(s, paint, e)
		printOtherRules(s, paint, e)
	}
	if e.Reuses > 0 {
		fmt.Fprintf(s.out, "\nrequests with the signature of %s came under other ids, %s; that event has the body\n",
			cmp.Or(plain.Line(e.Original), "a deleted event"), plain.Count(e.Reuses, "time"))
	}
	if e.Note != "" {
		fmt.Fprintf(s.out, "%s\n", plain.Line(e.Note))
	}
	for i := range e.Also {
		printOther(s, paint, e, &e.Also[i])
	}
}

// printOtherRules says which event types the rules are for that did not decide
// the event: how many, and the first few by name.
func printOtherRules(s streams, paint style, e *admin.Event) {
	const most = 5
	for _, r := range e.OtherRules[:min(most, len(e.OtherRules))] {
		fmt.Fprintf(s.out, "  %s· %s  listens to %s, not to %s%s\n",
			paint.dim, plain.Line(r.Rule), plain.Line(strings.Join(r.On, ", ")), plain.Line(e.Type), paint.reset)
	}
	if more := len(e.OtherRules) - most; more > 0 {
		fmt.Fprintf(s.out, "  %s· %s more for other event types%s\n", paint.dim, plain.Count(more, "rule"),
			paint.reset)
	}
}

// printOther shows another event under the same id: a replay, with what it
// sent, or one that was quarantined.
func printOther(s streams, paint style, e *admin.Event, other *admin.Other) {
	at := other.ReceivedAt.Format(time.RFC3339)
	if other.Status != record.Replayed {
		fmt.Fprintf(s.out, "\nanother request came under this id at %s: %s, %s\n", at, other.Status, other.Reason)
		return
	}
	fmt.Fprintf(s.out, "\nreplayed at %s, %s\n", at, plain.Count(len(other.Deliveries), "delivery"))
	for i := range e.Deliveries {
		if d := &e.Deliveries[i]; slices.Contains(other.Deliveries, d.ID) {
			fmt.Fprintf(s.out, "  %s\n", plain.Line(d.Rule))
			printEventDelivery(s, paint, d)
		}
	}
}

// replayed returns the ids of the deliveries that replays made.
func replayed(e *admin.Event) []string {
	var ids []string
	for i := range e.Also {
		ids = append(ids, e.Also[i].Deliveries...)
	}
	return ids
}

func printEventDelivery(s streams, paint style, d *admin.Delivery) {
	printAction(s.out, paint, d.Action, d.Kind, fmt.Sprintf("%s  %s", d.State, d.ID), d.Request, d.LastError)
}

func printEventDecisions(s streams, paint style, e *admin.Event) {
	later := replayed(e)
	if len(e.Decisions) == 0 {
		fmt.Fprintln(s.out, "  no rule listened to this event type")
	}
	for i := range e.Decisions {
		d := &e.Decisions[i]
		printDecision(s.out, paint, 0, d)
		if d.Explain != nil && d.Explain.Text != "always" {
			printTree(s.out, paint, d.Explain, "      ")
		}
		printEffects(s.out, paint, wording.Effects{Mode: d.Mode, Event: e.ID, Zone: wording.ZoneOf(d.Timezone)},
			wording.EffectsOf(d))
		for j := range e.Deliveries {
			if delivery := &e.Deliveries[j]; delivery.Rule == d.Rule && !slices.Contains(later, delivery.ID) {
				printEventDelivery(s, paint, delivery)
			}
		}
	}
}
