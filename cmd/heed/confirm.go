package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
)

// What the commands that change a store share.

func yesFlag(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "do not ask")
}

// confirm asks on the terminal whether to do what is said; yes says that it was
// answered already. Where nobody can be asked, nothing may happen that nobody
// wanted: that is an error. false without one is a no.
func confirm(ctx context.Context, s streams, yes bool, what string) (bool, error) {
	switch {
	case yes:
		return true, nil
	case !canAsk(s.in):
		return false, usage("%s? there is no terminal to ask on, so nothing was done: add --yes", what)
	case ask(ctx, s, what):
		return true, nil
	default:
		fmt.Fprintln(s.err, "nothing was done")
		return false, nil
	}
}

// ask asks and waits for the answer. Whoever interrupts it, or ends the input,
// says no.
func ask(ctx context.Context, s streams, what string) bool {
	fmt.Fprintf(s.err, "%s? [y/N] ", what)
	answered := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(s.in).ReadString('\n')
		answered <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-answered:
		return answer == "y" || answer == "yes"
	case <-ctx.Done():
		fmt.Fprintln(s.err)
		return false
	}
}

// canAsk says whether a person can answer.
func canAsk(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
