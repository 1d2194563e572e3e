package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heed/actions/delivery"
	"heed/engine/record"
	"heed/internal/admin"
	"heed/internal/plain"
)

func newDeliveries(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deliveries",
		Short: "List deliveries; show one with its request and attempts; retry, discard",
	}
	cmd.AddCommand(newDeliveriesList(s), newDeliveriesShow(s), newDeliveriesRetry(s), newDeliveriesDiscard(s))
	return cmd
}

func newDeliveriesList(s streams) *cobra.Command {
	var client clientOptions
	var state, action, rule, cursor, output string
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List deliveries, newest first",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := queryOf("limit", strconv.Itoa(limit), "state", state, "action", action, "rule", rule,
				"cursor", cursor)
			return show(cmd.Context(), s, &client, "/api/v1/deliveries", query, output, printDeliveries)
		},
	}
	client.flags(cmd)
	cmd.Flags().StringVar(&state, "state", "",
		"only deliveries in this state: pending, retrying, done, dead, held, discarded")
	cmd.Flags().StringVar(&action, "action", "", "only deliveries of this action")
	cmd.Flags().StringVar(&rule, "rule", "", "only deliveries of this rule")
	listFlags(cmd, &limit, &cursor)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func printDeliveries(s streams, page *admin.DeliveryPage) {
	rows := [][]string{{"ID", "STATE", "RULE", "ACTION", "ATTEMPTS", "CREATED", "LAST ERROR"}}
	for i := range page.Deliveries {
		d := &page.Deliveries[i]
		lastError := plain.Line(d.LastError)
		if d.Waits != nil {
			lastError = "waits: " + waitText(d.Waits)
		}
		if isTerminal(s.out) {
			lastError = plain.Cut(lastError, 60)
		}
		rows = append(rows, []string{
			d.ID, string(d.State), plain.Line(d.Rule), plain.Line(d.Action),
			strconv.Itoa(d.Attempts), shortTime(d.CreatedAt), lastError,
		})
	}
	printPage(s, rows, "no deliveries", page.Next)
}

func newDeliveriesShow(s streams) *cobra.Command {
	var client clientOptions
	var output string
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a delivery: its request and every attempt",
		Args:  one("delivery by its id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), s, &client, "/api/v1/deliveries/"+admin.Segment(args[0]), nil, output,
				printDelivery)
		},
	}
	client.flags(cmd)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// waitText says what a delivery that is due waits for.
func waitText(w *record.Wait) string {
	text, known := map[string]string{
		delivery.WaitRate:       "for its turn, by the rate of its destination",
		delivery.WaitRetryAfter: "for the end of a pause that the other side asked for",
		delivery.WaitFailing:    "while the other side fails; one delivery at a time is tried",
		delivery.WaitAction:     "for an action with its name: none is configured",
		delivery.WaitOrder:      "for an earlier delivery with the same order_per",
	}[w.For]
	if !known {
		text = plain.Line(w.For)
	}
	if !w.Until.IsZero() {
		text += ", until " + w.Until.Format(time.RFC3339)
	}
	return text
}

func printDelivery(s streams, d *admin.Delivery) {
	paint := s.style(s.out)
	rows := [][]string{
		{"id", d.ID},
		{"event", plain.Line(d.EventID)},
		{"rule", plain.Line(d.Rule)},
		{"state", string(d.State)},
		{"attempts", strconv.Itoa(d.Attempts)},
		{"created", d.CreatedAt.Format(time.RFC3339)},
	}
	if !d.DueAt.IsZero() && (d.State == record.Pending || d.State == record.Retrying) {
		rows = append(rows, []string{"due", d.DueAt.Format(time.RFC3339)})
	}
	if d.Waits != nil {
		rows = append(rows, []string{"waits", waitText(d.Waits)})
	}
	if d.OrderKey != "" {
		rows = append(rows, []string{"order", "of " + plain.Line(d.OrderKey)})
	}
	for _, r := range d.Recipients {
		said := plain.Line(r.Address) + " " + string(r.State) + " " + plain.Line(r.Error)
		rows = append(rows, []string{"recipient", strings.TrimRight(said, " ")})
	}
	if d.Generation > 0 {
		rows = append(rows, []string{"generation", fmt.Sprintf("%d: a person had it sent again", d.Generation)})
	}
	table(s.out, rows)
	fmt.Fprintln(s.out)
	printAction(s.out, paint, d.Action, d.Kind, "", d.Request, d.LastError)
	for _, a := range d.History {
		outcome := a.Outcome
		if outcome == "" {
			outcome = "running"
		}
		fmt.Fprintf(s.out, "\n  attempt %d at %s: %s", a.N, a.StartedAt.Format(time.RFC3339), outcome)
		if a.Error != "" {
			fmt.Fprintf(s.out, ": %s", plain.Line(a.Error))
		}
		fmt.Fprintln(s.out)
		if a.Response != "" {
			fmt.Fprintf(s.out, "    answered: %s\n", plain.Cut(plain.Line(a.Response), 500))
		}
	}
}
