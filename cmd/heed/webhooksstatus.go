package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"heed/internal/admin"
	"heed/internal/app"
	"heed/internal/mindtickle"
	"heed/internal/plain"
)

func newWebhooksStatus(s streams) *cobra.Command {
	var client clientOptions
	var rules string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Compare what was registered with what the rules need, and show the last event",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return webhooksStatus(cmd.Context(), s, &client, rules) },
	}
	client.flags(cmd)
	cmd.Flags().StringVar(&rules, "rules", "rules.yaml", "rule file, or directory of rule files")
	return cmd
}

func webhooksStatus(ctx context.Context, s streams, client *clientOptions, rules string) error {
	loaded, err := loadRules(s, rules)
	if err != nil {
		return err
	}
	memory, err := mindtickle.Remember(client.store.data)
	if err != nil {
		return failure(err)
	}
	if len(memory.Subscriptions) == 0 {
		fmt.Fprintf(s.out, "no webhook was registered from %s; heed webhooks register does\n", client.store.data)
	}
	code := exitOK
	for i := range memory.Subscriptions {
		printWebhook(s, &memory.Subscriptions[i])
		if memory.Subscriptions[i].ReplacedBy != "" {
			code = exitProblems
		}
	}
	printLastEvent(ctx, s, client)
	needed := app.NeededEvents(loaded.Rules)
	if len(memory.Subscriptions) > 0 {
		for _, name := range memory.Missing(slices.Sorted(maps.Keys(needed))) {
			fmt.Fprintf(s.out,
				"%s is used by the rule %s but is not subscribed; heed webhooks register subscribes to it\n", name,
				plain.Line(needed[name]))
			code = exitProblems
		}
	}
	for _, name := range memory.Events() {
		if _, used := needed[name]; !used {
			fmt.Fprintf(s.out, "%s is subscribed, and no rule needs it\n", name)
		}
	}
	return quiet(code)
}

func printWebhook(s streams, w *mindtickle.Subscription) {
	since := "registered " + shortTime(w.RegisteredAt)
	if w.RegisteredAt.IsZero() {
		since = "activated " + shortTime(w.ActivatedAt)
	}
	if w.ReplacedBy != "" {
		since += ", replaced by " + plain.Line(w.ReplacedBy)
	}
	address, events := cmp.Or(plain.Line(w.URL), "address not known"), plain.Line(strings.Join(w.Events, ", "))
	if events == "" {
		events = "event types not known: heed webhooks activate --id " + plain.Line(w.ID) +
			" --events TYPE,TYPE says them"
	}
	fmt.Fprintf(s.out, "%s  %s\n  %s\n  %s\n", plain.Line(w.ID), since, address, events)
	if w.ReplacedBy != "" {
		fmt.Fprintf(s.out, "  still at MindTickle: %s\n", deleteThere(w))
	}
}

// printLastEvent says when the last event came that shows that the source works:
// none of heed's own, none that was here before, none that was signed too long
// ago. Without a store there was none.
func printLastEvent(ctx context.Context, s streams, client *clientOptions) {
	var source admin.Source
	switch err := client.fetch(ctx, s, "/api/v1/source", nil, &source); {
	case err != nil:
		fmt.Fprintf(s.out, "last event: not known (%v)\n", err)
	case source.LastGoodAt.IsZero():
		fmt.Fprintln(s.out, "last event: none came yet")
	case source.LastGood == nil:
		fmt.Fprintf(s.out, "last event: at %s\n", shortTime(source.LastGoodAt))
	default:
		what := cmp.Or(plain.Line(source.LastGood.Type), "one without a type")
		if source.LastGood.Reason != "" {
			what += ", quarantined: " + source.LastGood.Reason
		}
		fmt.Fprintf(s.out, "last event: %s at %s\n", what, shortTime(source.LastGoodAt))
	}
}
