// Command heed is a rules-driven automation engine for MindTickle's webhooks.
package main

import (
	"os"
	_ "time/tzdata" // rules name time zones, wherever heed runs
)

func main() {
	s := streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv, environ: os.Environ}
	os.Exit(run(os.Args[1:], s))
}
