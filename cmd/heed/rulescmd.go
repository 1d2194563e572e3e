package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"heed/engine/state"
	"heed/internal/admin"
	"heed/internal/admin/api"
	"heed/internal/plain"
)

func newRules(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List the active rules; mute one for a time",
	}
	cmd.AddCommand(newRulesList(s), newRulesMute(s), newRulesUnmute(s), newRulesMutes(s), newRulesPromote(s))
	return cmd
}

func newRulesList(s streams) *cobra.Command {
	var client clientOptions
	var output string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the rules that a running server uses",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(cmd.Context(), s, &client, "/api/v1/rules", nil, output, printRules)
		},
	}
	client.flags(cmd)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// printRules shows each rule with the sentence that says what it does.
func printRules(s streams, list *admin.RuleList) {
	paint := s.style(s.out)
	if len(list.Rules) == 0 {
		fmt.Fprintln(s.out, "no rules")
	}
	for i := range list.Rules {
		r := &list.Rules[i]
		mode := ""
		if r.Mode != "live" {
			mode = "  " + paint.yellow + r.Mode + paint.reset
		}
		fmt.Fprintf(s.out, "%s%s%s%s  %s%s%s\n  %s\n", paint.bold, plain.Line(r.Name), paint.reset, mode,
			paint.dim, hits(&r.Stats), paint.reset, plain.Line(r.Sentence))
		for _, odd := range r.Stats.Health {
			fmt.Fprintf(s.out, "  %s! %s%s\n", paint.yellow, plain.Line(odd.Text), paint.reset)
		}
	}
}

// hits says how often a rule matched.
func hits(st *admin.RuleStats) string {
	text := fmt.Sprintf("matched %d of %d in 24 h, %d of %d in 7 d",
		st.Day["matched"], st.Day["events"], st.Week["matched"], st.Week["events"])
	if !st.LastMatch.IsZero() {
		text += ", last " + shortTime(st.LastMatch)[:13] + "h"
	}
	return text
}

func newRulesMute(s streams) *cobra.Command {
	var client clientOptions
	var request api.NewMute
	cmd := &cobra.Command{
		Use:   "mute RULE",
		Short: "Send no alerts of a rule for a time",
		Long: `Mute keeps the alerts of a rule from being sent for a time. What would have been
sent is recorded as muted, and heed rules unmute lists it. A digest keeps its items
for the first one after the mute.`,
		Example: "  heed rules mute tell-manager --for 2h --reason \"quiz under repair\"\n" +
			"  heed rules mute not-passed --for 1d --key '[\"u1\",\"q1\"]' --reason \"on leave\"",
		Args: one("rule by its name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case request.For == "":
				return usage("say how long: --for 2h")
			case request.Reason == "":
				return usage("give a reason: --reason \"quiz under repair\"")
			}
			request.Rule = args[0]
			var mute state.Mute
			if err := client.send(cmd.Context(), s, "/api/v1/mutes", request, &mute); err != nil {
				return err
			}
			fmt.Fprintf(s.out, "%s is muted until %s\n", muted(&mute), shortTime(mute.Until))
			return nil
		},
	}
	client.flags(cmd)
	cmd.Flags().StringVar(&request.For, "for", "", "how long, such as 2h or 3d (required)")
	cmd.Flags().StringVar((*string)(&request.Key), "key", "",
		"only this key of the rule; of several parts a JSON array: '[\"u1\",\"q1\"]'")
	cmd.Flags().StringVar(&request.Reason, "reason", "", "why (required)")
	return cmd
}

func newRulesUnmute(s streams) *cobra.Command {
	var client clientOptions
	var key, output string
	cmd := &cobra.Command{
		Use:   "unmute RULE",
		Short: "End the mutes of a rule, and list what was not sent",
		Args:  one("rule by its name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.open(cmd.Context(), s)
			if err != nil {
				return err
			}
			defer c.close()
			var done admin.Unmuted
			path := "/api/v1/mutes?" + queryOf("rule", args[0], "key", key).Encode()
			if err := c.call(cmd.Context(), http.MethodDelete, path, "", nil, &done); err != nil {
				return err
			}
			if output == "json" {
				return printJSON(s.out, done)
			}
			fmt.Fprintf(s.out, "%s ended; %s not sent meanwhile\n", plain.Count(len(done.Mutes), "mute"),
				plain.Were(len(done.Missed), "alert"))
			if len(done.Missed) > 0 {
				printWhy(s, &admin.WhyPage{Entries: done.Missed})
			}
			return nil
		},
	}
	client.flags(cmd)
	cmd.Flags().StringVar(&key, "key", "", "only the mute of this key")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func newRulesMutes(s streams) *cobra.Command {
	var client clientOptions
	var all bool
	var output string
	cmd := &cobra.Command{
		Use:   "mutes",
		Short: "List the mutes",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := queryOf()
			if all {
				query.Set("all", "true")
			}
			return show(cmd.Context(), s, &client, "/api/v1/mutes", query, output, printMutes)
		},
	}
	client.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "also those that are over")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func printMutes(s streams, list *admin.MuteList) {
	rows := [][]string{{"RULE", "KEY", "UNTIL", "REASON"}}
	for i := range list.Mutes {
		m := &list.Mutes[i]
		rows = append(rows, []string{
			plain.Line(m.Rule), plain.Line(state.ShowKey(m.Key)), shortTime(m.Until), plain.Line(m.Reason),
		})
	}
	printPage(s, rows, "nothing is muted", "")
}

// muted names what a mute applies to.
func muted(m *state.Mute) string {
	if m.Key == "" {
		return plain.Line(m.Rule)
	}
	return plain.Line(m.Rule) + " for " + plain.Line(state.ShowKey(m.Key))
}

func newRulesPromote(s streams) *cobra.Command {
	var client clientOptions
	var since, output string
	cmd := &cobra.Command{
		Use:   "promote RULE",
		Short: "What a rule in shadow mode would have sent, and the edit that makes it live",
		Args:  one("rule by its name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "/api/v1/rules/" + admin.Segment(args[0]) + "/promote"
			return show(cmd.Context(), s, &client, path, queryOf("since", since), output, printPromotion)
		},
	}
	client.flags(cmd)
	cmd.Flags().StringVar(&since, "since", "7d", "count from then on: a time, a date, or how long ago")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func printPromotion(s streams, p *admin.Promotion) {
	fmt.Fprintf(s.out, "%s would have sent %s about %s", plain.Line(p.Rule), plain.Count(p.Alerts, "alert"),
		plain.Count(p.People, "person"))
	if p.Alerts > 0 {
		fmt.Fprintf(s.out, ", from %s to %s", shortTime(p.First), shortTime(p.Last))
	}
	fmt.Fprintf(s.out, "\nto make it live: %s\n", plain.Line(p.Edit))
}
