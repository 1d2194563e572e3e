// Command loadtest measures durable acceptance: how many unique signed events
// a second heed takes in, each stored and decided by 20 rules before it is
// answered, against a bare net/http handler that checks the same signature,
// decodes the same JSON and stores nothing. It starts both as processes of
// their own, drives them in turn from this one, and prints each round as a line of
// Go's benchmarks, for benchstat, and then the median ratio with its spread.
//
//	go run ./internal/loadtest -length 10s -rounds 3
//
// With -state it measures heed with a rule that keeps state of 100,000 people
// against heed without that rule instead; with -mapped a source with a mapping
// against the published webhook, with the same bodies; with -against other programs
// of heed's, separated by commas, against the one of this tree; with -store URL as many
// -processes on a database of PostgreSQL against one on SQLite, each with so many
// connections; with -peer also another receiver, such as those in peers. With -events
// it stores as many, and prints what an event costs meanwhile; with -idle as well, what
// heed takes when it is started again.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

const secret = "the-secret-of-the-load-test"

// options are what is measured and how.
type options struct {
	length      time.Duration
	rounds      int
	connections int
	level       string
	heed        string // a program; the one of this tree if empty
	profile     string // a file
	state       string // a block that heed's rules have in addition
	mapped      bool   // compare the sources published and mapped
	against     string // programs
	peer        string // a command
	store       string // a URL
	processes   int    // on store
	events      int    // stored in the end
	idle        bool
}

func main() {
	var o options
	flag.DurationVar(&o.length, "length", 10*time.Second, "of each measurement")
	flag.IntVar(&o.rounds, "rounds", 3, "measurements of each server, in turn")
	flag.IntVar(&o.connections, "connections", 64, "connections")
	flag.IntVar(&people, "people", people, "people whom the events are about")
	flag.StringVar(&o.level, "log-level", "warn", "of heed, whose log goes to standard error")
	flag.StringVar(&o.heed, "heed", "", "measure this program instead of the one of this tree")
	flag.StringVar(&o.profile, "profile", "", "write a profile of heed's processor time in the last round to this file")
	flag.StringVar(&o.state, "state", "", "measure what a rule with throttle, count or rare costs")
	flag.BoolVar(&o.mapped, "mapped", false, "measure what the mapping of a source costs")
	flag.StringVar(&o.against, "against", "", "other programs of heed's to compare with")
	flag.StringVar(&o.peer, "peer", "", "compare with this command, which listens on $ADDRESS")
	flag.StringVar(&o.store, "store", "", "measure heed on this database of PostgreSQL against heed on SQLite")
	flag.IntVar(&o.processes, "processes", 1, "how many share the database")
	flag.IntVar(&o.events, "events", 0, "measure what an event costs until so many are stored")
	flag.BoolVar(&o.idle, "idle", false, "with -events, measure a start after a kill, and the memory then")
	bare := flag.String("bare", "", "run as the bare server on this address")
	flag.Parse()
	err := error(nil)
	switch {
	case *bare != "":
		err = serveBare(*bare)
	case o.events > 0:
		err = o.run(grow)
	default:
		err = o.run(compare)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

// subject is what is measured: one or more servers that are driven at once.
type subject struct {
	name  string
	path  string
	start func(dir string) ([]server, error)
}

// subjects returns what o compares, with the reference first and heed last.
func (o *options) subjects(heed string) (all []subject, err error) {
	rules := twentyRules()
	own := o.serving("heed", heed, rules)
	switch {
	case o.state != "":
		if stateful[o.state] == "" {
			return nil, fmt.Errorf("-state is throttle, count or rare, not %s", o.state)
		}
		own = o.serving("heed", heed, rules+moreRules(1, o.state))
		return []subject{o.serving("stateless", heed, rules+moreRules(1, "")), own}, nil
	case o.mapped:
		own = o.serving("heed", heed, rules+mappedSource)
		published := own
		published.name, own.path = "published", mappedPath
		return []subject{published, own}, nil
	case o.store != "":
		own.start = o.starting(heed, rules, o.processes, "--store", o.store)
		return []subject{o.serving("sqlite", heed, rules), own}, nil
	case o.against != "":
		for i, program := range strings.Split(o.against, ",") {
			all = append(all, o.serving(fmt.Sprint("other-", i+1), program, rules))
		}
		return append(all, own), nil
	case o.peer != "":
		return []subject{{"bare", publishedPath, startBare}, {"peer", publishedPath, o.startPeer}, own}, nil
	default:
		return []subject{{"bare", publishedPath, startBare}, own}, nil
	}
}

// run measures the program of o, with a directory for its files.
func (o options) run(measure func(o options, dir, heed string) error) error {
	dir, err := os.MkdirTemp("", "heed-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	heed, err := o.program(dir)
	if err != nil {
		return err
	}
	return measure(o, dir, heed)
}

// compare measures all subjects in turn.
func compare(o options, dir, heed string) error {
	subjects, err := o.subjects(heed)
	if err != nil {
		return err
	}
	ratios := make([][]float64, len(subjects))
	for range o.rounds {
		var reference result
		for i, s := range subjects {
			r, err := s.measure(dir, o)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if i == 0 {
				reference = r
			}
			ratios[i] = append(ratios[i], r.rate/reference.rate)
			fmt.Printf("BenchmarkLoad/server=%s/connections=%d 1 %.0f events/s %.1f cpu-µs/event %.1f p99-ms\n",
				s.name, o.connections, r.rate, micros(r.cpu), micros(r.p99)/1000)
		}
	}
	for i, s := range subjects[1:] {
		all := slices.Sorted(slices.Values(ratios[i+1]))
		fmt.Printf("# %s: %.2f of %s (%.2f to %.2f) in %d rounds of %v\n",
			s.name, all[len(all)/2], subjects[0].name, all[0], all[len(all)-1], o.rounds, o.length)
	}
	return nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// result is how a subject did.
type result struct {
	rate float64       // requests a second
	p99  time.Duration // from request to answer
	cpu  time.Duration // of the servers, for each request
}

// measure starts the subject's servers, drives them all at once, and ends them.
func (s *subject) measure(dir string, o options) (r result, err error) {
	servers, err := s.start(dir)
	defer func() {
		for i := range servers {
			err = cmp.Or(err, servers[i].end())
		}
	}()
	if err != nil {
		return r, err
	}
	warmUp := 500 * time.Millisecond
	if o.state != "" {
		warmUp = 20 * time.Second // until most people have a row
	}
	if _, err := drive(servers, s.path, warmUp, o.connections); err != nil {
		return r, err
	}
	before, err := cpuOf(servers)
	if err != nil {
		return r, err
	}
	profiled := servers[0].profile(o.profile, o.length-time.Second)
	start := time.Now()
	latencies, err := drive(servers, s.path, o.length, o.connections)
	if err != nil {
		return r, err
	}
	took := time.Since(start)
	if err := <-profiled; err != nil {
		return r, err
	}
	after, err := cpuOf(servers)
	if err != nil {
		return r, err
	}
	slices.Sort(latencies)
	return result{
		rate: float64(len(latencies)) / took.Seconds(),
		p99:  latencies[len(latencies)*99/100],
		cpu:  (after - before) / time.Duration(len(latencies)),
	}, nil
}
