package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"heed/internal/admin"
	"heed/internal/plain"
)

type importOptions struct {
	client      clientOptions
	dryRun, yes bool
	output      string
}

func newPeopleImport(s streams) *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import people from a CSV file, for those who were provisioned before heed was installed",
		Long: `Import reads people from a CSV file as a spreadsheet exports it; - is the
standard input. The first line names the columns: userId or email, and any of name, role,
teamId, manager and active; others are ignored. A line without a userId is about
the person who is known by its e-mail address. An empty cell changes nothing.
Each line counts like a user.provisioned at the moment of the import, or like a
user.deprovisioned if active is false. Without active, a new person is
active, and a person who has left stays so.

It says what it would do and asks. With any mistake in the file nothing is
imported. Importing a file twice changes nothing.

Exit code 0: imported, or nothing to do.  1: the file has mistakes.`,
		Example: "  heed people import --dry-run reps.csv\n  heed people import --yes reps.csv",
		Args:    one("CSV file, or - for the standard input"),
		RunE:    func(cmd *cobra.Command, args []string) error { return importPeople(cmd.Context(), s, &o, args[0]) },
	}
	o.client.flags(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only say what it would do")
	yesFlag(cmd, &o.yes)
	outputFlag(cmd, &o.output, "text", "json")
	return cmd
}

func importPeople(ctx context.Context, s streams, o *importOptions, file string) error {
	sheet, err := readSheet(s, file)
	if err != nil {
		return usage("read %s: %v", file, err)
	}
	client, err := o.client.open(ctx, s)
	if err != nil {
		return err
	}
	defer client.close()
	plan, err := client.importSheet(ctx, sheet, true)
	if err != nil {
		return err
	}
	if len(plan.Problems) > 0 || o.dryRun || plan.New+plan.Changed == 0 {
		if o.output == "json" {
			err = printJSON(s.out, &plan)
		} else {
			printPlan(s, file, &plan)
		}
		if err == nil && len(plan.Problems) > 0 {
			return quiet(exitProblems)
		}
		return err
	}
	if o.output != "json" {
		printPlan(s, file, &plan)
	}
	ok, err := confirm(ctx, s, o.yes, fmt.Sprintf("import %s", plain.Count(plan.New+plan.Changed, "person")))
	if err != nil || !ok {
		return err
	}
	done, err := client.importSheet(ctx, sheet, false)
	if err != nil {
		return err
	}
	if o.output == "json" {
		return printJSON(s.out, &done)
	}
	fmt.Fprintf(s.out, "%s imported\n", plain.Count(done.New+done.Changed, "person"))
	return nil
}

func readSheet(s streams, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(s.in)
	}
	return os.ReadFile(file)
}

// importSheet has the API import a CSV file or, in a dry run, say what would be
// done.
func (c *apiClient) importSheet(ctx context.Context, sheet []byte, dryRun bool) (result admin.Import, err error) {
	err = c.call(ctx, http.MethodPost, fmt.Sprintf("/api/v1/people/import?dry_run=%t", dryRun), "text/csv",
		bytes.NewReader(sheet), &result)
	return result, err
}

// mostProblems is how many mistakes are shown; -o json has all.
const mostProblems = 20

func printPlan(s streams, file string, plan *admin.Import) {
	for _, p := range plan.Problems[:min(mostProblems, len(plan.Problems))] {
		fmt.Fprintf(s.out, "%s:%d: %s\n", file, p.Line, plain.Line(p.Message))
	}
	if more := len(plan.Problems) - mostProblems; more > 0 {
		fmt.Fprintf(s.out, "and %d more; -o json has all\n", more)
	}
	if len(plan.Ignored) > 0 {
		fmt.Fprintf(s.out, "ignored columns: %s\n", plain.Line(strings.Join(plan.Ignored, ", ")))
	}
	for _, p := range plan.Unmatched[:min(mostProblems, len(plan.Unmatched))] {
		fmt.Fprintf(s.out, "%s:%d: left out: %s\n", file, p.Line, plain.Line(p.Message))
	}
	if more := len(plan.Unmatched) - mostProblems; more > 0 {
		fmt.Fprintf(s.out, "and %d more are left out; -o json has all\n", more)
	}
	fmt.Fprintf(s.out, "%d new, %d changed, %d the same, %s with mistakes\n", plan.New, plan.Changed, plan.Same,
		plain.Count(len(plan.Problems), "line"))
	if len(plan.Problems) > 0 {
		fmt.Fprintln(s.out, "nothing is imported while there are mistakes")
	}
}
