package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heed/engine/event"
	"heed/engine/source"
	"heed/engine/suggest"
	"heed/internal/admin"
	"heed/internal/plain"
)

func newEventsList(s streams) *cobra.Command {
	var client clientOptions
	var eventType, from, status, user, rule, outcome, since, until, cursor, output string
	var limit int
	var follow bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List recorded events, newest first",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := queryOf("limit", strconv.Itoa(limit), "type", eventType, "source", from, "status", status,
				"user", user, "rule", rule, "outcome", outcome, "since", since, "until", until, "cursor", cursor)
			if follow {
				if output == "json" || cursor != "" {
					return usage("--follow goes on with new events, as text: leave --cursor and -o json out")
				}
				return followEvents(cmd.Context(), s, &client, query)
			}
			var page admin.EventPage
			if err := client.fetch(cmd.Context(), s, "/api/v1/events", query, &page); err != nil {
				return err
			}
			if len(page.Events) == 0 {
				hintType(s, eventType)
				hintRule(cmd.Context(), s, &client, rule)
			}
			if output == "json" {
				return printJSON(s.out, page)
			}
			printPage(s, eventRows(page.Events), "no events", page.Next)
			return nil
		},
	}
	client.flags(cmd)
	cmd.Flags().StringVar(&eventType, "type", "", "only events of this type")
	cmd.Flags().StringVar(&from, "source", "", "only events that came from this source")
	cmd.Flags().StringVar(&status, "status", "", "only events with this status: accepted, quarantined, replayed, timed")
	cmd.Flags().StringVar(&user, "user", "", "only events about this person, by data.userId")
	cmd.Flags().StringVar(&rule, "rule", "", "only events that this rule decided otherwise than not matched")
	cmd.Flags().StringVar(&outcome, "outcome", "",
		"only events with this outcome or effect: matched, unknown, throttled, …")
	cmd.Flags().StringVar(&since, "since", "", "from then on: a time, a date, or how long ago, such as 2d")
	cmd.Flags().StringVar(&until, "until", "", "before then")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on, and list new events as they come")
	listFlags(cmd, &limit, &cursor)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// eventRows returns the rows of a list of events. It leaves the source out if all
// events come from the published webhook.
func eventRows(events []admin.ListedEvent) [][]string {
	several := slices.ContainsFunc(events, func(e admin.ListedEvent) bool { return !source.IsBuiltIn(e.Source) })
	rows := [][]string{{"ID", "TYPE", "USER", "STATUS", "RULES", "RECEIVED"}}
	if several {
		rows[0] = append(rows[0], "SOURCE")
	}
	for i := range events {
		row := eventRow(&events[i])
		if several {
			row = append(row, events[i].Source)
		}
		rows = append(rows, row)
	}
	return rows
}

// eventRow returns the row of an event in a list. It ends with the rules that matched
// or, if none did, with what became of the event.
func eventRow(e *admin.ListedEvent) []string {
	status := string(e.Status)
	if e.Reason != "" {
		status += ": " + e.Reason
	}
	if e.Reuses > 1 {
		status += fmt.Sprintf(", %d times", e.Reuses)
	}
	return []string{
		plain.Line(e.ID), plain.Line(e.Type), plain.Line(e.User), status, plain.Line(strings.Join(e.Rules, ", ")),
		shortTime(e.ReceivedAt),
	}
}

// followInterval is how often new events are asked for.
const followInterval = time.Second

// followEvents lists the newest events, oldest first, and then new ones until it
// is interrupted.
func followEvents(ctx context.Context, s streams, client *clientOptions, query url.Values) error {
	c, err := client.open(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	for last := int64(0); ; {
		var page admin.EventPage
		if err := c.get(ctx, "/api/v1/events", query, &page); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		for _, e := range slices.Backward(page.Events) {
			if e.Seq > last {
				last = e.Seq
				fmt.Fprintln(s.out, strings.Join(eventRow(&e), "  "))
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followInterval):
		}
	}
}

// hintType says which event type was probably meant by one that no event has.
// One that is like none in the catalogue may be the user's own.
func hintType(s streams, name string) {
	known := event.Standard().Names()
	if meant := suggest.Closest(name, known); name != "" && meant != "" && !slices.Contains(known, name) {
		fmt.Fprintf(s.err, "there is no event type %q in the catalogue; did you mean %s?\n", plain.Line(name), meant)
	}
}

// hintRule says that there is no rule of that name now. Without a running server
// nobody knows.
func hintRule(ctx context.Context, s streams, client *clientOptions, name string) {
	var list admin.RuleList
	if name == "" || client.fetch(ctx, s, "/api/v1/rules", nil, &list) != nil {
		return
	}
	var names []string
	for _, r := range list.Rules {
		names = append(names, r.Name)
	}
	if len(names) > 0 && !slices.Contains(names, name) {
		fmt.Fprintf(s.err, "there is no rule %q now; %s\n", plain.Line(name),
			plain.Line(suggest.DidYouMean(name, names)))
	}
}
