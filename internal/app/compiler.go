package app

import (
	"log/slog"
	"time"

	"heed/actions"
	"heed/actions/email"
	"heed/actions/httpcall"
	logaction "heed/actions/log"
	"heed/actions/slack"
	"heed/engine/event"
	"heed/engine/rulefile"
)

// LookupEnv finds an environment variable, as os.LookupEnv does.
type LookupEnv = func(name string) (value string, ok bool)

// Compiler compiles rules for commands that send nothing.
func Compiler(env LookupEnv) *rulefile.Compiler {
	return newCompiler(env, slog.New(slog.DiscardHandler), false, nil)
}

// newCompiler registers the kinds of actions: adding one is one line here.
// live says that deliveries will be sent, so that a missing secret matters;
// threads stores those of Slack, and is nil where nothing is sent.
func newCompiler(env LookupEnv, log *slog.Logger, live bool, threads slack.Threads) *rulefile.Compiler {
	return &rulefile.Compiler{
		Catalog: event.Standard(),
		Actions: actions.Reader{
			Live:      live,
			LookupEnv: env,
			Registry: actions.NewRegistry(
				slack.Kind{Memory: slack.NewMemory(threads, time.Now)},
				httpcall.Kind{},
				email.Kind{},
				logaction.Kind{Log: log},
			),
		},
	}
}

// withoutSecrets compiles rules that only decide: it reads no secrets.
func withoutSecrets(env LookupEnv) *rulefile.Compiler {
	compiler := Compiler(env)
	compiler.Actions.NoSecrets = true
	return compiler
}
