package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// setting is one setting of heed serve.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// From is flag, default, or the name of an environment variable.
	From string `json:"from"`
}

func newConfig(s streams) *cobra.Command {
	var output string
	var serveFlags *pflag.FlagSet
	cmd := &cobra.Command{
		Use:   "config [flags of serve]",
		Short: "Every setting of heed serve, its value and where it comes from",
		Long: `Config shows the settings that heed serve would have here: each flag with its value,
and whether that comes from the command line, an environment variable or the
default. Secrets are masked. Give it the flags that you give heed serve.`,
		Example: "  heed config\n  HEED_LOG_LEVEL=debug heed config --rules rules/",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings := settingsOf(s, serveFlags)
			if output == "json" {
				return printJSON(s.out, map[string]any{"settings": settings})
			}
			rows := [][]string{{"SETTING", "VALUE", "FROM"}}
			for _, setting := range settings {
				rows = append(rows, []string{setting.Name, setting.Value, setting.From})
			}
			table(s.out, rows)
			return nil
		},
	}
	serveFlags = newServe(s).Flags()
	serveFlags.VisitAll(func(f *pflag.Flag) { cmd.Flags().AddFlag(f) })
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// settingsOf returns the settings. Those that come from the environment and have no
// flag are last.
func settingsOf(s streams, flags *pflag.FlagSet) (settings []setting) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		from := "default"
		if f.Changed {
			from = "flag"
			name := variableOf(f)
			if value, ok := s.env(name); ok && value == f.Value.String() {
				from = name
			}
		}
		settings = append(settings, setting{"--" + f.Name, f.Value.String(), from})
	})
	for _, name := range []string{"MINDTICKLE_WEBHOOK_SECRET", "MINDTICKLE_COMPANY_ID"} {
		value, ok := s.env(name)
		switch {
		case !ok || value == "":
			settings = append(settings, setting{name, "", "not set"})
		case strings.Contains(name, "SECRET"):
			settings = append(settings, setting{name, fmt.Sprintf("*** (%d characters)", len(value)), "environment"})
		default:
			settings = append(settings, setting{name, value, "environment"})
		}
	}
	return settings
}
