package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"heed/internal/admin"
	"heed/internal/plain"
)

type ingestOptions struct {
	client                 clientOptions
	source, rules, against string
	dryRun                 bool
	output                 string
}

func newIngest(s streams) *cobra.Command {
	var o ingestOptions
	cmd := &cobra.Command{
		Use:   "ingest FILE",
		Short: "Read a report: a CSV, TSV or JSON lines file whose rows are events",
		Long: `Ingest reads a file of rows, or - for the standard input, by a source of the rule
file: it says how a row becomes an event. Rows that were read before are known and
cost little, so that a whole report can be read again every day.

What new events may trigger is bounded by act of the source: unless it says
otherwise, only events of the last 24 hours trigger something.

A running server reads the file; without one, heed reads it by --rules, and what is
to be sent waits for the server.

With --dry-run nothing is stored: it says how many rows are new, known or unusable,
and what the rules would do. With --against, events that another source has count
as known: so one sees which webhooks never arrived.

Exit code 0: all rows are stored or known.  1: some cannot be used.`,
		Example: `  heed ingest --source report results.csv
  heed ingest --source report --dry-run --against connector results.csv
  export-results | heed ingest --source report -`,
		Args: one("file of rows, or - for the standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return ingestFile(cmd.Context(), s, &o, args[0]) },
	}
	o.client.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.source, "source", "", "the source whose rows these are")
	flags.StringVar(&o.rules, "rules", "rules.yaml", "rule file or directory, where no server runs")
	flags.BoolVar(&o.dryRun, "dry-run", false, "only say what would happen")
	flags.StringVar(&o.against, "against", "", "with --dry-run: another source whose events count as known")
	outputFlag(cmd, &o.output, "text", "json")
	return cmd
}

func ingestFile(ctx context.Context, s streams, o *ingestOptions, name string) error {
	if o.source == "" {
		return usage("name the source of the rows: --source report")
	}
	if o.against != "" && !o.dryRun {
		return usage("--against belongs to --dry-run: add it, or leave --against out")
	}
	file, size, err := openRows(s, name)
	if err != nil {
		return err
	}
	defer file.Close()
	o.client.rules = o.rules
	if remove, err := o.spareStore(); err != nil {
		return failure(err)
	} else if remove != nil {
		defer remove()
	}
	client, err := o.client.open(ctx, s)
	if err != nil {
		return err
	}
	defer client.close()
	client.http.Timeout = 0 // a file takes as long as it takes
	bar := &upload{Reader: file, line: newProgress(s), size: size}
	query := url.Values{"source": {o.source}, "file": {name}, "dry_run": {strconv.FormatBool(o.dryRun)}}
	if o.against != "" {
		query.Set("against", o.against)
	}
	var done admin.Ingested
	err = client.call(ctx, http.MethodPost, "/api/v1/ingest?"+query.Encode(), "", bar, &done)
	bar.line.done()
	if err != nil {
		return err
	}
	if o.output == "json" {
		err = printJSON(s.out, done)
	} else {
		printIngested(s, &done)
	}
	if err == nil && (done.Unusable > 0 || done.Broken) {
		return quiet(exitProblems)
	}
	return err
}

// spareStore lets a dry run without a store have one that is removed in the end, so
// that it leaves nothing behind.
func (o *ingestOptions) spareStore() (remove func(), err error) {
	_, missing := o.client.store.existing("")
	served := o.client.admin != "" || answers(usualAdmin) && !o.client.cmd.Flags().Changed("data")
	if !o.dryRun || served || missing == nil {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "heed-dry-run-")
	if err != nil {
		return nil, fmt.Errorf("make a store for the dry run: %w", err)
	}
	o.client.store = storeFlag{data: dir}
	return func() { _ = os.RemoveAll(dir) }, nil
}

// openRows opens a file, or the standard input, whose size is not known.
func openRows(s streams, name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(s.in), 0, nil
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, 0, usage("read %s: %v", name, err)
	case !info.Mode().IsRegular():
		return nil, 0, usage("%s is not a file", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, usage("read %s: %v", name, err)
	}
	return file, info.Size(), nil
}

func printIngested(s streams, done *admin.Ingested) {
	paint := s.style(s.out)
	for _, p := range done.Problems {
		fmt.Fprintf(s.out, "%s:%d: %s\n", plain.Line(done.File), p.Line, plain.Line(p.Message))
		if p.Hint != "" {
			fmt.Fprintf(s.out, "  %shint: %s%s\n", paint.dim, plain.Line(p.Hint), paint.reset)
		}
	}
	if more := done.Unusable - len(done.Problems); more > 0 {
		fmt.Fprintf(s.out, "and %d more\n", more)
	}
	switch {
	case done.Broken && done.Rows == 0:
		fmt.Fprintf(s.out, "%snothing of the file was read%s\n", paint.red, paint.reset)
	case done.Broken:
		fmt.Fprintf(s.out, "%sthe file could not be read to its end%s\n", paint.red, paint.reset)
	}
	fmt.Fprintf(s.out, "%s: %d new, %d known, %d unusable", plain.Count(done.Rows, "row"), done.New, done.Known,
		done.Unusable)
	switch {
	case done.Inert > 0 && done.Inert == done.New:
		fmt.Fprint(s.out, "; all new ones are too old to trigger anything")
	case done.Inert > 0:
		fmt.Fprintf(s.out, "; of the new ones, %d too old to trigger anything", done.Inert)
	}
	fmt.Fprintln(s.out)
	if !done.DryRun {
		fmt.Fprintf(s.out, "%s\n", plain.Count(done.Alerts, "alert"))
		return
	}
	for _, rule := range done.Rules {
		fmt.Fprintf(s.out, "  %s would match %s and send %s at once\n", plain.Line(rule.Rule),
			plain.Count(rule.Matched, "event"), plain.Count(rule.Alerts, "alert"))
	}
	fmt.Fprintln(s.out, "nothing was stored: this was a dry run")
}
