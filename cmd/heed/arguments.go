package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"heed/engine/suggest"
)

// What the commands share to read their flags and arguments.

// flagsFromEnvironment gives each flag that was not set the value of its
// HEED_… variable: --log-level is HEED_LOG_LEVEL.
func flagsFromEnvironment(cmd *cobra.Command, s streams) error {
	var first error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := variableOf(f)
		value, ok := s.env(name)
		if !ok || value == "" || f.Changed || f.Name == "help" || first != nil {
			return
		}
		f.Changed = true
		if err := f.Value.Set(value); err != nil {
			first = usage("the environment variable %s: %q is not a value for --%s: %s", name, value, f.Name, takes(f, err))
		}
	})
	return first
}

// takes says what a flag takes, if the error is that of a parser of Go's, which does
// not say it.
func takes(f *pflag.Flag, err error) string {
	switch f.Value.Type() {
	case "bool":
		return "write true or false"
	case "int":
		return "write a whole number"
	case "float64":
		return "write a number"
	default:
		return err.Error()
	}
}

// flagError says what is wrong with a flag, and what was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		f := invalid.GetFlag()
		return usage("%q is not a value for --%s: %s", invalid.GetValue(), f.Name, takes(f, errors.Unwrap(err)))
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok || unknown.GetSpecifiedShortnames() != "" {
		return err
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if meant := suggest.Closest(unknown.GetSpecifiedName(), known); meant != "" {
		return usage("unknown flag: --%s; did you mean --%s?", unknown.GetSpecifiedName(), meant)
	}
	return usage("unknown flag: --%s; %s --help lists them", unknown.GetSpecifiedName(), cmd.CommandPath())
}

// variableOf names the environment variable of a flag.
func variableOf(f *pflag.Flag) string {
	return "HEED_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

// misspelt returns environment variables that are probably misspelt names of flags'
// variables, such as HEED_LISEN. Other variables that begin with HEED_ are ignored:
// Kubernetes, for example, makes some from the name of a service.
func misspelt(flags *pflag.FlagSet, environ []string) (hints []string) {
	var known []string
	flags.VisitAll(func(f *pflag.Flag) { known = append(known, variableOf(f)) })
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "HEED_") || slices.Contains(known, name) {
			continue
		}
		if meant := suggest.Closest(name, known); meant != "" {
			hints = append(hints, name+": did you mean "+meant+"?")
		}
	}
	return hints
}

// group makes a command that only has others. Without arguments it shows its help;
// any other word is an error.
func group(cmd *cobra.Command) {
	cmd.DisableFlagsInUseLine = true
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		return usage("there is no command %q; %s", cmd.CommandPath()+" "+args[0], suggest.DidYouMean(args[0], names))
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// helpable refuses to show help for a command that does not exist.
func helpable(help *cobra.Command, args []string) error {
	cmd, rest, err := help.Root().Find(args)
	if err != nil || !cmd.HasSubCommands() {
		return err
	}
	return cmd.ValidateArgs(rest)
}

// noArguments refuses arguments of a command that takes only flags.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("unexpected argument %q: %s takes only flags; %s --help lists them", args[0],
			cmd.CommandPath(), cmd.CommandPath())
	}
	return nil
}

// needs refuses a command without arguments in words.
func needs(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage("name %s: %s", what, cmd.UseLine())
		}
		return nil
	}
}

// one is like needs, for commands that take exactly one argument.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage("name one %s: %s", what, cmd.UseLine())
		}
		return nil
	}
}

// onlyWith refuses flags on the command line that were given without the flag that they
// belong to, and would be ignored. A variable of the environment is for all commands, so
// it is not refused; the other flag may come from one, so RunE calls onlyWith, and not
// Args.
func onlyWith(cmd *cobra.Command, other string, given bool, names ...string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) { // only those of the command line
		if !given && err == nil && slices.Contains(names, f.Name) {
			err = usage("--%s belongs to %s: add it, or leave --%s out", f.Name, other, f.Name)
		}
	})
	return err
}

// outputFlag adds -o to a command.
func outputFlag(cmd *cobra.Command, value *string, formats ...string) {
	cmd.Flags().StringVarP(value, "output", "o", formats[0], "output format: "+strings.Join(formats, ", "))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if slices.Contains(formats, *value) {
			return nil
		}
		return usage("there is no output format %q here; write -o %s", *value, strings.Join(formats, " or -o "))
	}
}
