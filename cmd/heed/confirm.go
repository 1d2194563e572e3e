package main

import (
	"bufio"
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
func confirm(s streams, yes bool, what string) (bool, error) {
	switch {
	case yes:
		return true, nil
	case !canAsk(s.in):
		return false, usage("%s? there is no terminal to ask on, so nothing was done: add --yes", what)
	}
	fmt.Fprintf(s.err, "%s? [y/N] ", what)
	answer, err := bufio.NewReader(s.in).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, failure(fmt.Errorf("read the answer: %w", err))
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	default:
		fmt.Fprintln(s.err, "nothing was done")
		return false, nil
	}
}

// canAsk says whether a person can answer.
func canAsk(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
