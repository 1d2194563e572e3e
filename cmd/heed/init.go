package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newInit(s streams) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write first rules, a test and an .env, and say what to do next",
		Long: `Init writes rules.yaml with a rule, rules_test.yaml with a test of it, and .env with
the settings that heed needs, into DIR or the current directory. It never
overwrites a file.

--from says how events come: from MindTickle's webhook; from a connector such as
Workato or Zapier, which posts JSON with a token; or from a report, a CSV file that
is dropped into a folder. docs/sources.md has more of these.`,
		Example: `  heed init
  heed init --from report enablement`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("name one directory, not %d", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			first := firstFiles(from, time.Now())
			if first == nil {
				return usage("there is no start from %q; it is from %s", from, strings.Join(starts, ", "))
			}
			return first.writeIn(s, dir)
		},
	}
	cmd.Flags().StringVar(&from, "from", starts[0], "how events come: "+strings.Join(starts, ", "))
	return cmd
}

// start is what init writes, and what to do then.
type start struct {
	files []startFile
	next  string
}

type startFile struct {
	name, text string
	mode       fs.FileMode
}

// writeIn writes the files. If one of them exists, none is written.
func (f *start) writeIn(s streams, dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return usage("%s is a file: name a directory", dir)
	}
	for _, file := range f.files {
		if _, err := os.Lstat(filepath.Join(dir, file.name)); !errors.Is(err, fs.ErrNotExist) {
			return usage("%s exists already, and nothing is overwritten: name another directory, heed init DIR",
				filepath.Join(dir, file.name))
		}
	}
	for _, file := range f.files {
		name := filepath.Join(dir, file.name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return failure(err)
		}
		if err := writeNew(name, file.text, file.mode); err != nil {
			return failure(err)
		}
		fmt.Fprintf(s.out, "wrote %s\n", name)
	}
	cd := ""
	if dir != "." {
		cd = "  cd " + dir + "\n"
	}
	fmt.Fprintf(s.out, "\nNext:\n%s%s", cd, f.next)
	return nil
}

// writeNew writes a file that does not exist.
func writeNew(name, text string, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}
