package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// grow drives one heed until o.events are stored, and prints what an event costs
// meanwhile: the first tenth, and the last. With a state, ten rules have it, for
// 100,000 people each.
func grow(o options) error {
	dir, err := os.MkdirTemp("", "heed-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	heed, err := o.against, error(nil)
	if heed == "" {
		heed, err = build(dir)
	}
	if err != nil {
		return err
	}
	rules := filepath.Join(dir, "rules.yaml")
	if err := os.WriteFile(rules, []byte(twentyRules()+statefulRules(10, o.state)), 0o600); err != nil {
		return err
	}
	address, admin := freeAddress(), freeAddress()
	s := server{exec.Command(heed, "serve", "--rules", rules, "--data", filepath.Join(dir, "data"),
		"--listen", address, "--admin", admin, "--no-send", "--log-level", o.level), address, admin}
	if err := s.start(); err != nil {
		return err
	}
	defer s.stop()
	servers := []server{s}
	var first time.Duration
	for stored, tenth := 0, max(1, o.events/10); stored < o.events; {
		before, err := cpuOf(servers)
		if err != nil {
			return err
		}
		if o.profile != "" && stored+tenth >= o.events {
			go func() { _ = profile(admin, o.profile, 10*time.Second) }()
		}
		start, n := time.Now(), 0
		for n < tenth {
			latencies, err := drive(servers, publishedPath, time.Second, o.connections)
			if err != nil {
				return err
			}
			n += len(latencies)
		}
		after, err := cpuOf(servers)
		if err != nil {
			return err
		}
		stored += n
		cost := (after - before) / time.Duration(n)
		if first == 0 {
			first = cost
		}
		fmt.Printf("%9d events: %6.0f/s, %v of CPU each, %.2f of the first, %d MiB of memory\n", stored,
			float64(n)/time.Since(start).Seconds(), cost.Round(100*time.Nanosecond), float64(cost)/float64(first),
			memoryOf(s)>>20)
	}
	return nil
}

// statefulRules are so many rules that match each event and keep state.
func statefulRules(n int, state string) string {
	if state == "" {
		return ""
	}
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  - {name: more-%d, on: quiz.submitted, do: [{action: console, text: hi}], %s}\n", i, stateful[state])
	}
	return b.String()
}

// memoryOf is the resident memory of a server in bytes, as Linux tells it.
func memoryOf(s server) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.Process.Pid))
	if err != nil {
		return 0
	}
	var size, resident int64
	_, _ = fmt.Sscan(string(text), &size, &resident)
	return resident * int64(os.Getpagesize())
}
