package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

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

// build is what a program tells of itself.
type build struct {
	Version string `json:"version"`
	// Commit is the revision it was built from, and Date when that was committed;
	// empty if it was built without its repository.
	Commit string `json:"commit,omitempty"`
	Date   string `json:"date,omitempty"`
	Go     string `json:"go"`
	OS     string `json:"os"`
	Arch   string `json:"arch"`
}

func thisBuild() build {
	b := build{Version: buildVersion(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.Commit = setting.Value[:min(12, len(setting.Value))]
		case "vcs.time":
			b.Date = setting.Value
		}
	}
	return b
}

func (b *build) String() string {
	parts := []string{b.Go, b.OS + "/" + b.Arch}
	if b.Commit != "" {
		parts = append([]string{"commit " + b.Commit + " of " + b.Date}, parts...)
	}
	return fmt.Sprintf("heed %s (%s)", b.Version, strings.Join(parts, ", "))
}

func newVersion(s streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print heed's version",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if output == "json" {
				return printJSON(s.out, &b)
			}
			fmt.Fprintln(s.out, b.String())
			return nil
		},
	}
	outputFlag(cmd, &output, "text", "json")
	return cmd
}
