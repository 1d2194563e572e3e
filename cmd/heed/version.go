package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the Makefile; a plain go build takes the module's.
var version = ""

func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

func newVersion(s streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print heed's version",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			if output == "json" {
				return printJSON(s.out, map[string]string{
					"version": buildVersion(), "go": runtime.Version(),
					"os": runtime.GOOS, "arch": runtime.GOARCH,
				})
			}
			fmt.Fprintf(s.out, "heed %s (%s, %s/%s)\n", buildVersion(), runtime.Version(), runtime.GOOS,
				runtime.GOARCH)
			return nil
		},
	}
	outputFlag(cmd, &output, "text", "json")
	return cmd
}
