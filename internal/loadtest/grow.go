package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// grow drives one heed until o.events are stored, and prints what an event costs
// in each tenth. With a state, ten rules have it, for 100,000 people each.
func grow(o options, dir, heed string) error {
	rules := twentyRules()
	if o.state != "" {
		rules += moreRules(10, o.state)
	}
	start := o.starting(heed, rules, 1, "--data", filepath.Join(dir, "data"))
	servers, err := start(dir)
	if err != nil {
		return err
	}
	defer func() { _ = servers[0].end() }()
	for stored, tenth := 0, max(1, o.events/10); stored < o.events; {
		profile := ""
		if stored+tenth >= o.events {
			profile = o.profile
		}
		n, err := growBy(servers, tenth, profile, o)
		if err != nil {
			return err
		}
		stored += n
	}
	if !o.idle {
		return nil
	}
	for range o.rounds {
		if servers, err = startAgain(servers, start, dir); err != nil {
			return err
		}
	}
	return nil
}

// growBy stores at least so many events more and prints what they cost.
func growBy(servers []server, events int, profile string, o options) (n int, err error) {
	profiled := servers[0].profile(profile, 10*time.Second)
	before, err := cpuOf(servers)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for n < events {
		latencies, err := drive(servers, publishedPath, time.Second, o.connections)
		if err != nil {
			return n, err
		}
		n += len(latencies)
	}
	took := time.Since(start)
	after, err := cpuOf(servers)
	if err != nil {
		return n, err
	}
	memory, err := servers[0].memory()
	if err != nil {
		return n, err
	}
	fmt.Printf("BenchmarkGrow/events=%d 1 %.0f events/s %.1f cpu-µs/event %d MiB\n",
		o.events, float64(n)/took.Seconds(), micros(after-before)/float64(n), memory>>20)
	return n, <-profiled
}

// startAgain kills the server, starts it again, and prints how long it took until it
// listened, and what it takes when nothing comes for a while.
func startAgain(servers []server, start func(string) ([]server, error), dir string) ([]server, error) {
	if err := servers[0].Process.Kill(); err != nil {
		return nil, err
	}
	_ = servers[0].Wait() // it was killed
	began := time.Now()
	servers, err := start(dir)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	var idle []int64
	for range 30 {
		time.Sleep(time.Second)
		memory, err := servers[0].memory()
		if err != nil {
			return nil, err
		}
		idle = append(idle, memory)
	}
	fmt.Printf("BenchmarkStart 1 %.0f ready-ms %d idle-MiB %d most-MiB\n",
		micros(took)/1000, idle[len(idle)-1]>>20, slices.Max(idle)>>20)
	return servers, nil
}
