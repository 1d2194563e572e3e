package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"heed/engine/document"
	"heed/engine/rulefile"
	"heed/internal/plain"
)

func newFmt(s streams) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt [PATH…]",
		Short: "Lay out rule files in the one canonical way",
		Long: `Fmt lays out rule files: the order of keys, indentation, blank lines. It changes
nothing that they say. Values stay as they are written, and comments with what
they stand by. It rewrites a file only if that changes it, and prints its name.

PATH is a rule file, a directory of them (with the files that end in _test), or
- for standard input, which is laid out to standard output; rules.yaml if none
is given. With --check it writes nothing and prints the names of the files that
are not laid out.

Exit code 0: done, or with --check: nothing to do.  1: with --check: there is.
          2: a file cannot be read.  3: a file cannot be laid out or written.`,
		Example: "  heed fmt rules.yaml\n  heed fmt --check rules/\n  heed fmt - < rules.yaml",
		RunE: func(_ *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{"rules.yaml"}
			}
			f := &formatting{streams: s, check: check}
			for _, path := range paths {
				f.path(path)
			}
			return quiet(f.code)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false,
		"write nothing; print the files that are not laid out and exit with 1 if there is one")
	return cmd
}

// formatting is one run of heed fmt. It continues after a file that it cannot lay
// out.
type formatting struct {
	streams
	check bool
	code  int // the worst so far
}

func (f *formatting) path(path string) {
	if path == "-" {
		f.standardInput()
		return
	}
	files, err := rulefile.ReadEach(path)
	if err != nil {
		f.complain(exitUsage, err)
		return
	}
	for _, file := range files {
		text, ok := f.layOut(file)
		if !ok || bytes.Equal(text, file.Text) {
			continue
		}
		if f.check {
			f.code = max(f.code, exitProblems)
		} else if err := rulefile.ReplaceFile(file.Name, text); err != nil {
			f.complain(exitFailure, err)
			continue
		}
		fmt.Fprintln(f.out, plain.Line(file.Name))
	}
}

func (f *formatting) standardInput() {
	given, err := io.ReadAll(io.LimitReader(f.in, document.MaxBytes+1))
	if err != nil {
		f.complain(exitUsage, fmt.Errorf("read standard input: %w", err))
		return
	}
	file := rulefile.File{Name: "standard input", Text: given}
	text, ok := f.layOut(file)
	switch {
	case !ok:
	case !f.check:
		if _, err := f.out.Write(text); err != nil {
			f.complain(exitFailure, err)
		}
	case !bytes.Equal(text, given):
		f.code = max(f.code, exitProblems)
		fmt.Fprintln(f.out, file.Name)
	}
}

// layOut lays a file out, or says why it cannot.
func (f *formatting) layOut(file rulefile.File) ([]byte, bool) {
	text, problems, err := rulefile.Format(file)
	switch {
	case err != nil:
		f.complain(exitFailure, fmt.Errorf("%s: %w", file.Name, err))
		return nil, false
	case len(problems) > 0:
		printProblems(f.err, f.style(f.err), problems)
		f.code = max(f.code, exitUsage)
		return nil, false
	}
	return text, true
}

// complain says what went wrong, as run does, without ending the run.
func (f *formatting) complain(code int, err error) {
	f.code = max(f.code, code)
	printProblem(f.streams, err)
}
