package main

import (
	"log/slog"
	"strings"
	"time"

	"heed/actions"
	"heed/actions/email"
	"heed/actions/httpcall"
	logaction "heed/actions/log"
	"heed/actions/slack"
	"heed/engine/event"
	"heed/engine/rulefile"
	"heed/engine/source"
)

// newCompiler registers the kinds of actions: adding one is one line here.
// live says that deliveries will be sent, so that a missing secret matters;
// threads remembers those of Slack, and is nil where nothing is sent.
func newCompiler(s streams, log *slog.Logger, live bool, threads slack.Threads) *rulefile.Compiler {
	return &rulefile.Compiler{
		Catalog: event.Standard(),
		Actions: actions.Reader{
			Live:      live,
			LookupEnv: s.env,
			Registry: actions.NewRegistry(
				slack.Kind{Memory: slack.NewMemory(threads, time.Now)},
				httpcall.Kind{},
				email.Kind{},
				logaction.Kind{Log: log},
			),
		},
	}
}

// secretless is a compiler of rules that only decide: it looks for no secrets.
func secretless(s streams) *rulefile.Compiler {
	compiler := newCompiler(s, slog.New(slog.DiscardHandler), false, nil)
	compiler.Actions.NoSecrets = true
	return compiler
}

// loadRules compiles the rules at a path for a command that sends nothing. It
// prints the problems itself when there are errors.
func loadRules(s streams, path string) (*rulefile.Loaded, error) {
	snapshot, err := rulefile.Read(path)
	if err != nil {
		return nil, usage("%v", err)
	}
	loaded, problems := newCompiler(s, slog.New(slog.DiscardHandler), false, nil).Compile(snapshot)
	if loaded == nil {
		printProblems(s.err, s.style(s.err), onlyErrors(problems))
		return nil, usage("the rules at %s cannot be used: %s", path, summary(problems))
	}
	return loaded, nil
}

// onlyErrors leaves the warnings out, which would bury what must be mended.
func onlyErrors(problems []source.Problem) []source.Problem {
	var errors []source.Problem
	for _, p := range problems {
		if p.Severity == source.Error {
			errors = append(errors, p)
		}
	}
	return errors
}

// summary is "2 errors, 1 warning".
func summary(problems []source.Problem) string {
	errors, warnings := tally(problems)
	var parts []string
	if errors > 0 {
		parts = append(parts, count(errors, "error"))
	}
	if warnings > 0 {
		parts = append(parts, count(warnings, "warning"))
	}
	return strings.Join(parts, ", ")
}

func tally(problems []source.Problem) (errors, warnings int) {
	for i := range problems {
		if problems[i].Severity == source.Error {
			errors++
		} else {
			warnings++
		}
	}
	return errors, warnings
}
