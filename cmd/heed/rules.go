package main

import (
	"heed/engine/document"
	"heed/engine/rulefile"
	"heed/internal/app"
)

// loadRules compiles the rules at a path for a command that sends nothing. It
// prints the problems itself when there are errors.
func loadRules(s streams, path string) (*rulefile.Loaded, error) {
	snapshot, err := rulefile.Read(path)
	if err != nil {
		return nil, usage("%v", err)
	}
	loaded, problems := app.Compiler(s.env).Compile(snapshot)
	if loaded == nil {
		printProblems(s.err, s.style(s.err), document.OnlyErrors(problems))
		return nil, usage("the rules at %s cannot be used: %s", path, document.Summary(problems))
	}
	return loaded, nil
}
