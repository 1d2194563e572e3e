package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"heed/engine/event"
	"heed/engine/suggest"
)

func newCatalog(s streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "catalog [EVENT]",
		Short: "List the event types and their fields",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("unexpected argument %q: heed catalog takes one event type, or none for all", args[1])
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return event.Standard().Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			types := event.Standard().Types()
			if len(args) == 1 {
				t := event.Standard().Lookup(args[0])
				if t == nil {
					return usage("there is no event type %q; %s", args[0],
						suggest.DidYouMean(args[0], event.Standard().Names()))
				}
				types = []*event.Type{t}
			}
			if output == "json" {
				return catalogJSON(s, types)
			}
			catalogText(s, types)
			return nil
		},
	}
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func catalogText(s streams, types []*event.Type) {
	paint := s.style(s.out)
	for i, t := range types {
		if i > 0 {
			fmt.Fprintln(s.out)
		}
		fmt.Fprintf(s.out, "%s%s%s  %s\n", paint.bold, t.Name, paint.reset, t.Description)
		var rows [][]string
		for _, f := range t.Fields {
			rows = append(rows, []string{"  data." + f.Name, string(f.Kind), f.Description})
		}
		table(s.out, rows)
	}
	fmt.Fprintf(s.out,
		"\n%sAny field may be missing from any event; a comparison with a missing field is unknown and never "+
			"matches.\nRules see also %s.%s\n",
		paint.dim, strings.Join([]string{"event", "id", "source", "companyId", "receivedAt", "now"}, ", "), paint.reset)
}

func catalogJSON(s streams, types []*event.Type) error {
	type field struct {
		Name        string `json:"name"`
		Type        string `json:"type"`
		Description string `json:"description"`
	}
	for _, t := range types {
		fields := []field{}
		for _, f := range t.Fields {
			fields = append(fields, field{f.Name, string(f.Kind), f.Description})
		}
		if err := printJSON(s.out, map[string]any{
			"event": t.Name, "description": t.Description,
			"fields": fields,
		}); err != nil {
			return failure(err)
		}
	}
	return nil
}
