// Command torture proves by brute force that heed loses nothing that it
// acknowledged. It runs the real program on a store of its own, sends signed
// events over many connections, and meanwhile kills it, cuts its power, fills
// its disk or changes its rules. A ledger has each event from before it is sent
// to after it is acknowledged, and each delivery that an endpoint took; in the
// end everything that heed remembers is held against it.
//
//	go run .                   # the short form
//	go run . -run kill -cycles 200
//	go run . -run soak -seconds 3600
//
// Power cuts and full disks need the right to mount; where neither root nor a
// user namespace gives it they are skipped, and the table says so.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// torture is one call of the program.
type torture struct {
	dir    string // all that it writes
	random *rand.Rand
	cycles int
	length time.Duration
	builds map[string]string // by package
}

// run is one way of torturing.
type run struct {
	name string
	do   func(*torture, context.Context) (result, error)
}

// runs are in the order in which they happen; the soak only on demand.
var runs = []run{
	{"kill", (*torture).kill},
	{"ingest", (*torture).ingest},
	{"powercut", (*torture).powercut},
	{"firststart", (*torture).firststart},
	{"syncerror", (*torture).syncerror},
	{"checkpointerror", (*torture).checkpointerror},
	{"time", (*torture).time},
	{"crashpoints", (*torture).crashpoints},
	{"diskfull", (*torture).diskfull},
	{"reload", (*torture).reload},
	{"flood", (*torture).flood},
	{"processes", (*torture).processes},
	{"soak", (*torture).soak},
}

// usualRuns are all but the soak, and one that heed does not withstand.
const usualRuns = "kill,ingest,powercut,firststart,syncerror,time,crashpoints,diskfull,reload,flood,processes"

func main() {
	names := flag.String("run", usualRuns, "what to do, with commas: "+names())
	cycles := flag.Int("cycles", 15, "kills, power cuts and crashes")
	seconds := flag.Int("seconds", 15, "length of reload, of each flood and of soak")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()),
		"of all that is random here; how the system runs is random beyond it")
	selfcheck := flag.Bool("selfcheck", false, "also run programs that break the promise, which must be noticed")
	noskip := flag.Bool("noskip", false, "fail where a run would be skipped")
	keep := flag.Bool("keep", false, "keep the directory with stores, ledgers and logs")
	flag.Parse()
	if code, done := enterNamespace(); done {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t := &torture{
		random: rand.New(rand.NewPCG(*seed, 0)), cycles: *cycles,
		length: time.Duration(*seconds) * time.Second, builds: map[string]string{},
	}
	fmt.Printf("torture: seed %d\n", *seed)
	err := t.all(ctx, strings.Split(*names, ","), *selfcheck, *noskip)
	switch {
	case err == nil && !*keep:
		_ = os.RemoveAll(t.dir)
	case t.dir != "":
		fmt.Printf("stores, ledgers and logs are in %s\n", t.dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

func names() string {
	var all []string
	for _, r := range runs {
		all = append(all, r.name)
	}
	return strings.Join(all, ", ")
}

// all does the named runs and prints the table. One that finds something does
// not keep the next from running.
func (t *torture) all(ctx context.Context, names []string, selfcheck, noskip bool) (err error) {
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	if t.dir, err = os.MkdirTemp("", "heed-torture-"); err != nil {
		return err
	}
	if selfcheck {
		chosen = append(chosen, run{"self-check: early answers", (*torture).noticesEarlyAnswers},
			run{"self-check: no fsync", (*torture).noticesMissingSyncs},
			run{"self-check: split firings", (*torture).noticesSplitFirings})
	}
	var results []result
	for _, r := range chosen {
		started := time.Now()
		result, err := r.do(t, ctx)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		result.name, result.took = r.name, time.Since(started)
		var cannot *cannotError
		switch {
		case errors.As(err, &cannot) && !noskip:
			result.skipped = cannot.Error()
		case err != nil:
			result.findings = append(result.findings, finding{broken, err.Error()})
		}
		result.print(os.Stdout)
		results = append(results, result)
	}
	fmt.Println()
	table(os.Stdout, results)
	failed := false
	for _, r := range results {
		if len(r.findings) > 0 {
			failed = true
			r.print(os.Stdout) // again, where the end of a long log shows it
		}
	}
	if failed {
		return errors.New("heed broke a promise, see above")
	}
	return nil
}

func choose(names []string) (chosen []run, err error) {
	for _, name := range names {
		at := slices.IndexFunc(runs, func(r run) bool { return r.name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no run %q", name)
		}
		chosen = append(chosen, runs[at])
	}
	return chosen, nil
}

// cannotError says why a run is not possible on this machine.
type cannotError struct{ err error }

func (e *cannotError) Error() string { return e.err.Error() }

// program is what is tortured: heed itself, or faulty with one of its faults.
type program struct {
	module, pkg string
	flags       []string // beyond those of the plan
}

// sound is heed as it is.
var sound = program{module: "heed", pkg: "./cmd/heed"}

func faulty(flags ...string) program {
	return program{module: "heed/torture", pkg: "./faulty", flags: flags}
}

// build builds a program once.
func (t *torture) build(ctx context.Context, p program) (string, error) {
	if path, ok := t.builds[p.pkg]; ok {
		return path, nil
	}
	path := filepath.Join(t.dir, filepath.Base(p.pkg))
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", p.module).Output()
	if err != nil {
		return "", fmt.Errorf("find the module %s: %w", p.module, err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", path, p.pkg)
	cmd.Dir = strings.TrimSpace(string(root))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", p.pkg, err, out)
	}
	t.builds[p.pkg] = path
	return path, nil
}

// between is a random time from one to another.
func (t *torture) between(from, to time.Duration) time.Duration {
	return from + time.Duration(t.random.Int64N(int64(to-from)))
}
