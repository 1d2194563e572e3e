package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heed/engine/record"
	"heed/internal/admin"
	"heed/internal/plain"
)

func newStatus(s streams) *cobra.Command {
	var client clientOptions
	var output string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "How heed is, and what needs a person",
		Long: `Status shows whether a server is ready, which rules are active, when the last event
came, what waits, what was given up and what is muted.

Exit code 0: all is well.  1: something needs a person.  3: heed cannot be asked.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var st admin.Status
			if err := client.fetch(cmd.Context(), s, "/api/v1/status", nil, &st); err != nil {
				return err
			}
			if output == "json" {
				if err := printJSON(s.out, &st); err != nil {
					return failure(err)
				}
			} else {
				printStatus(s, &st)
			}
			if len(st.Problems) > 0 {
				return quiet(exitProblems)
			}
			return nil
		},
	}
	client.flags(cmd)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func printStatus(s streams, st *admin.Status) {
	paint := s.style(s.out)
	server := paint.green + "ready" + paint.reset
	switch {
	case !st.Serving && len(st.Processes) > 0:
		server = plain.Count(len(st.Processes), "process")
	case !st.Serving:
		server = "not running"
	case !st.Ready:
		server = paint.red + "not ready" + paint.reset
	}
	rows := [][]string{{"server", strings.TrimSpace(server + "  " + st.Version)}}
	if st.Serving {
		rules := plain.Count(st.Rules, "rule")
		if len(st.RuleSet) >= 12 {
			rules += ", version " + st.RuleSet[:12]
		}
		if st.LastReload != nil {
			rules += ", loaded " + shortTime(st.LastReload.At)
		}
		rows = append(rows, []string{"rules", rules})
	}
	last := "none yet"
	if !st.LastGoodAt.IsZero() {
		last = fmt.Sprintf("%s, %s ago", shortTime(st.LastGoodAt), time.Since(st.LastGoodAt).Round(time.Second))
	}
	rows = append(rows, []string{"last event", last},
		[]string{"waiting", counted(st.Pending, "nothing to be sent")},
		[]string{"given up", fmt.Sprint(st.Dead)},
		[]string{"timers", counted(st.Timers, "none")})
	for i, p := range st.Processes {
		label := ""
		if i == 0 {
			label = "processes"
		}
		rows = append(rows, []string{label, processLine(&p)})
	}
	if len(st.Muted) > 0 {
		rows = append(rows, []string{"muted", plain.Line(strings.Join(st.Muted, ", "))})
	}
	if len(st.Unsubscribed) > 0 {
		rows = append(rows, []string{"not subscribed", plain.Line(strings.Join(st.Unsubscribed, ", "))})
	}
	table(s.out, rows)
	for _, problem := range st.Problems {
		fmt.Fprintf(s.out, "%s! %s%s\n", paint.yellow, plain.Line(problem), paint.reset)
	}
}

// processLine shows one of the processes that share the store.
func processLine(p *record.Process) string {
	line := fmt.Sprintf("%s %d, rules %s, since %s", plain.Line(p.Host), p.PID,
		plain.Line(p.RuleSet[:min(12, len(p.RuleSet))]), shortTime(p.StartedAt))
	if p.Gone {
		line += ", gone"
	}
	return line
}

// counted lists numbers by name.
func counted(numbers map[string]int, none string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		parts = append(parts, fmt.Sprintf("%s %d", plain.Line(name), numbers[name]))
	}
	if len(parts) == 0 {
		return none
	}
	return strings.Join(parts, ", ")
}
