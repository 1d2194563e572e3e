package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"heed/internal/plain"
)

// The exit codes of every command.
const (
	exitOK       = 0 // clean
	exitProblems = 1 // problems were found
	exitUsage    = 2 // bad usage, or input that cannot be read
	exitFailure  = 3 // heed could not do its work
)

// codedError is an error with its exit code. A nil err exits without a word:
// everything was said already.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *codedError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &codedError{exitUsage, fmt.Errorf(format, args...)}
}

func failure(err error) error { return &codedError{exitFailure, err} }

// quiet ends a command with a code and no further word.
func quiet(code int) error {
	if code == exitOK {
		return nil
	}
	return &codedError{code: code}
}

// run runs one command and returns its exit code.
func run(args []string, s streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot(s)
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var coded *codedError
	if !errors.As(err, &coded) {
		coded = &codedError{exitUsage, err} // cobra's own: unknown commands and flags
	}
	if coded.err != nil {
		printProblem(s, coded.err)
	}
	return coded.code
}

// printProblem says what is wrong, as every command does.
func printProblem(s streams, err error) {
	paint := s.style(s.err)
	fmt.Fprintf(s.err, "%sheed:%s %s\n", paint.red, paint.reset, plain.Text(err.Error()))
}

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "heed",
		Short: "Rules-driven automation for MindTickle's webhook events",
		Long: `heed receives MindTickle's webhook events, decides each by rules in YAML files
and acts: Slack alerts, HTTP calls, e-mail. Nothing that was acknowledged is
lost, and for every event and every rule it can say why.

Try it on the example rules, with nothing set up:  heed demo`,
		Version:       buildVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return flagsFromEnvironment(cmd, s)
		},
	}
	root.AddGroup(
		&cobra.Group{ID: "run", Title: "Run:"},
		&cobra.Group{ID: "rules", Title: "Write rules:"},
		&cobra.Group{ID: "look", Title: "Look into a store, and repair:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("run", newInit(s), newServe(s), newConfig(s), newDemo(s), newSend(s), newWebhooks(s))
	add("rules", newCheck(s), newFmt(s), newDryRun(s), newTest(s), newBacktest(s), newCatalog(s), newSchema(s))
	add("look", newStatus(s), newWhy(s), newEvents(s), newDeliveries(s), newRules(s), newPeople(s),
		newLeaderboard(s), newIngest(s), newBackup(s), newRebuild(s), newMigrate(s))
	root.AddCommand(newVersion(s), newMan(root))
	b := thisBuild()
	root.SetVersionTemplate(b.String() + "\n")
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	// Cobra looks at flags first, but those after a word that is not a command
	// are not what is wrong.
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if args := cmd.Flags().Args(); cmd.HasSubCommands() && len(args) > 0 {
			return cmd.ValidateArgs(args)
		}
		return flagError(cmd, err)
	})
	group(root)
	for _, c := range root.Commands() {
		switch {
		case c.HasSubCommands():
			group(c)
		case c.Name() == "help":
			c.Args = helpable
		}
	}
	return root
}
