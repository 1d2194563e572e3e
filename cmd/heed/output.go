package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/prometheus/common/model"

	"heed/engine/document"
)

// streams are a command's surroundings.
type streams struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)
	// environ are all variables of the environment, as os.Environ gives them.
	environ func() []string
}

// getenv returns an environment variable; empty if it is not set.
func (s streams) getenv(name string) string {
	value, _ := s.env(name)
	return value
}

// style holds the escape codes for colours; its zero value is plain text.
type style struct{ bold, dim, red, green, yellow, cyan, reset string }

// style returns the escape codes for a writer: colours only on a terminal, and only
// without NO_COLOR.
func (s streams) style(w io.Writer) style {
	if !isTerminal(w) || s.getenv("NO_COLOR") != "" || s.getenv("TERM") == "dumb" {
		return style{}
	}
	return style{
		bold: "\x1b[1m", dim: "\x1b[2m", red: "\x1b[31m", green: "\x1b[32m", yellow: "\x1b[33m",
		cyan: "\x1b[36m", reset: "\x1b[0m",
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// table writes aligned columns.
func table(w io.Writer, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	_ = t.Flush()
}

// printJSON writes one JSON value on a line.
func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

func printProblems(w io.Writer, paint style, problems []document.Problem) {
	for i := range problems {
		problems[i].Print(w, document.Paint{
			Error: paint.red + paint.bold, Warning: paint.yellow + paint.bold,
			Place: paint.bold, Hint: paint.cyan, Reset: paint.reset,
		})
	}
}

// shortTime formats a time for tables: in UTC, like every time that heed shows and
// keeps, so that it can be compared with the log and with other machines.
func shortTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// durationFlag is a flag for durations such as 30m, 8h or 90d.
type durationFlag time.Duration

func (d *durationFlag) String() string { return model.Duration(*d).String() }

func (d *durationFlag) Set(text string) error {
	parsed, err := model.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("write a duration such as 30m, 8h or 90d")
	}
	*d = durationFlag(parsed)
	return nil
}

func (*durationFlag) Type() string { return "duration" }
