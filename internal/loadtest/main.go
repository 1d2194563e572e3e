// Command loadtest measures durable acceptance: how many unique signed events
// a second heed takes in, each stored and decided by 20 rules before it is
// answered, against a bare net/http handler that checks the same signature,
// decodes the same JSON and stores nothing. It starts both as processes of
// their own, drives them in turn from this one over 64 connections, and prints
// each round and the median ratio.
//
//	go run ./internal/loadtest -seconds 10 -rounds 3
//
// With -state it measures heed with a rule that keeps state of 100,000 people
// against heed without that rule instead; with -mapped a source with a mapping
// against the published webhook, with the same bodies; with -against FILE another
// program of heed's against the one of this tree; with -store URL as many -processes
// on a database of PostgreSQL against one on SQLite, each with so many connections.
package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const secret = "the-secret-of-the-load-test"

func main() {
	seconds := flag.Int("seconds", 10, "length of each measurement")
	rounds := flag.Int("rounds", 3, "measurements of each server, in turn")
	connections := flag.Int("connections", 64, "connections")
	level := flag.String("log-level", "warn", "of heed, whose log goes to standard error")
	state := flag.String("state", "", "measure what a rule with throttle or count costs")
	mapped := flag.Bool("mapped", false, "measure what the mapping of a source costs")
	against := flag.String("against", "", "another heed to compare with")
	store := flag.String("store", "", "measure heed on this database of PostgreSQL against heed on SQLite")
	processes := flag.Int("processes", 1, "how many share the database")
	profile := flag.String("profile", "", "write a profile of heed's processor time in the last round to this file")
	events := flag.Int("events", 0, "measure what an event costs until so many are stored")
	bare := flag.String("bare", "", "run as the bare server on this address")
	flag.Parse()
	if *bare != "" {
		fmt.Fprintln(os.Stderr, serveBare(*bare))
		os.Exit(1)
	}
	o := options{
		length: time.Duration(*seconds) * time.Second, rounds: *rounds, connections: *connections, level: *level,
		state: *state, mapped: *mapped, against: *against, store: *store, processes: *processes,
		profile: *profile, events: *events,
	}
	run := compare
	if o.events > 0 {
		run = grow
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

type options struct {
	length      time.Duration
	rounds      int
	connections int
	level       string
	state       string // a block that heed's rules have in addition
	mapped      bool   // compare the sources published and mapped
	against     string // a program
	store       string // a URL
	profile     string // a file
	events      int    // stored in the end
	processes   int    // on store
}

// stateful are rules that keep state, by the block that they have.
var stateful = map[string]string{
	"throttle": "throttle: {per: data.userId, at_most: 1, within: 1s}",
	"count":    "count: {at_least: 3, within: 1h, per: data.userId}",
	"rare":     "count: {at_least: 50, within: 1h, per: data.userId}",
}

func compare(o options) error {
	dir, err := os.MkdirTemp("", "heed-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	heed, err := build(dir)
	if err != nil {
		return err
	}
	program, path := heed, publishedPath
	serve := func(name, rules string) (result, error) {
		file, data := filepath.Join(dir, name+".yaml"), filepath.Join(dir, "data")
		if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
			return result{}, err
		}
		defer os.RemoveAll(data)
		where, processes := []string{"--data", data}, 1
		if o.store != "" && name == "heed" {
			where, processes = []string{"--store", o.store}, o.processes
		}
		var servers []server
		for range processes {
			address, admin := freeAddress(), freeAddress()
			args := append([]string{
				"serve", "--rules", file, "--listen", address, "--admin", admin, "--no-send", "--log-level", o.level,
			}, where...)
			servers = append(servers, server{exec.Command(program, args...), address, admin})
		}
		return measure(servers, path, o)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	first, name := func() (result, error) {
		address := freeAddress()
		return measure([]server{{exec.Command(self, "-bare", address), address, ""}}, publishedPath, o)
	}, "bare"
	more := ""
	if o.state != "" {
		block, ok := stateful[o.state]
		if !ok {
			return fmt.Errorf("-state is throttle or count, not %s", o.state)
		}
		rule := "  - {name: more, on: quiz.submitted, do: [{action: console, text: hi}]%s}\n"
		more = fmt.Sprintf(rule, ", "+block)
		first, name = func() (result, error) { return serve("stateless", twentyRules()+fmt.Sprintf(rule, "")) }, "without state"
	}
	switch {
	case o.mapped:
		more = mappedSource
		first, name = func() (result, error) {
			path = publishedPath
			return serve("published", twentyRules()+more)
		}, "published"
	case o.store != "":
		first, name = func() (result, error) { return serve("sqlite", twentyRules()) }, "SQLite"
	case o.against != "":
		first, name = func() (result, error) { program = o.against; return serve("other", twentyRules()) }, "other"
	}
	var ratios []float64
	for round := range o.rounds {
		reference, err := first()
		if err != nil {
			return err
		}
		program, path = heed, publishedPath
		if o.mapped {
			path = mappedPath
		}
		heed, err := serve("heed", twentyRules()+more)
		if err != nil {
			return err
		}
		ratios = append(ratios, heed.rate/reference.rate)
		fmt.Printf("round %d: %s %6.0f requests/s (%v of CPU each, p99 %v), heed %6.0f events/s (%v of CPU each, p99 %v), ratio %.2f\n",
			round+1, name, reference.rate, reference.cpu, reference.p99.Round(100*time.Microsecond),
			heed.rate, heed.cpu, heed.p99.Round(100*time.Microsecond), heed.rate/reference.rate)
	}
	slices.Sort(ratios)
	fmt.Printf("median ratio %.2f over %d rounds of %v, %d connections, 20 rules, fsync before each answer\n",
		ratios[len(ratios)/2], o.rounds, o.length, o.connections)
	return nil
}

// build makes the heed of this tree.
func build(dir string) (string, error) {
	heed := filepath.Join(dir, "heed")
	if out, err := exec.Command("go", "build", "-o", heed, "./cmd/heed").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build heed: %w\n%s", err, out)
	}
	return heed, nil
}

// The paths of the two sources that are measured.
const (
	publishedPath = "/webhooks/mindtickle"
	mappedPath    = "/webhooks/mapped"
)

// mappedSource makes of the same bodies the same events, by expressions.
const mappedSource = `sources:
  mindtickle: {}
  mapped:
    path: /webhooks/mapped
    verify: mindtickle
    event: body.event
    id: body.data.attemptId
    company: body.companyId
    data:
      userId: body.data.userId
      quizName: body.data.quizName
      quizId: body.data.quizId
      quizType: body.data.quizType
      score: body.data.score
      maxScore: body.data.maxScore
      passed: body.data.passed
`

// twentyRules listen to the event that is sent; each compares something, a few
// match and leave a delivery.
func twentyRules() string {
	var b strings.Builder
	b.WriteString("actions: {console: {log: {}}}\nrules:\n")
	for i := range 20 {
		when := fmt.Sprintf(`data.quizId == "q%d" and data.score < 70`, i)
		fmt.Fprintf(&b, "  - {name: rule-%d, on: quiz.submitted, when: '%s', do: [{action: console, text: \"{{ data.userId }} scored {{ data.score }}\"}]}\n", i, when)
	}
	return b.String()
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer l.Close()
	return l.Addr().String()
}

// result is how a server did.
type result struct {
	rate float64       // requests a second
	p99  time.Duration // from request to answer
	cpu  time.Duration // of the server, for each request
}

// server is a program and the address at which it takes requests.
type server struct {
	*exec.Cmd
	address string
	admin   string // the address of heed's API; the bare one has none
}

func (s *server) start() error {
	s.Env = append(os.Environ(), "MINDTICKLE_WEBHOOK_SECRET="+secret)
	s.Stderr = os.Stderr
	if err := s.Start(); err != nil {
		return err
	}
	for range 400 {
		if c, err := net.Dial("tcp", s.address); err == nil {
			return c.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("%s does not listen on %s", s.Path, s.address)
}

func (s *server) stop() {
	if s.Process != nil {
		_ = s.Process.Signal(syscall.SIGTERM)
		_ = s.Wait() // the bare one ends by the signal
	}
}

// measure starts servers, drives them all at once, and ends them.
func measure(servers []server, path string, o options) (r result, err error) {
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	for i := range servers {
		if err := servers[i].start(); err != nil {
			return r, err
		}
	}
	warmUp := 500 * time.Millisecond
	if o.state != "" {
		warmUp = 20 * time.Second // until most people have a row
	}
	if _, err := drive(servers, path, warmUp, o.connections); err != nil {
		return r, err
	}
	before, err := cpuOf(servers)
	if err != nil {
		return r, err
	}
	var profiled chan error
	if o.profile != "" && servers[0].admin != "" {
		profiled = make(chan error, 1)
		go func() { profiled <- profile(servers[0].admin, o.profile, o.length) }()
	}
	start := time.Now()
	latencies, err := drive(servers, path, o.length, o.connections)
	if err != nil {
		return r, err
	}
	if profiled != nil {
		if err := <-profiled; err != nil {
			return r, err
		}
	}
	after, err := cpuOf(servers)
	if err != nil {
		return r, err
	}
	r.cpu = ((after - before) / time.Duration(max(1, len(latencies)))).Round(100 * time.Nanosecond)
	r.rate = float64(len(latencies)) / time.Since(start).Seconds()
	slices.Sort(latencies)
	r.p99 = latencies[len(latencies)*99/100]
	return r, nil
}

// profile writes to file where a heed's processor time goes.
func profile(admin, file string, length time.Duration) error {
	seconds := max(1, int(length.Seconds())-1)
	answer, err := http.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", admin, seconds))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("profile: heed answered %s", answer.Status)
	}
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

// cpuOf is the processor time that servers have used, as Linux tells it.
func cpuOf(servers []server) (all time.Duration, err error) {
	for _, s := range servers {
		one, err := cpuOfProcess(s.Process.Pid)
		if err != nil {
			return 0, err
		}
		all += one
	}
	return all, nil
}

func cpuOfProcess(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold spaces
	fields := strings.Fields(rest)
	const utime, stime, tick = 11, 12, 10 * time.Millisecond
	var user, system int64
	if len(fields) > stime {
		_, _ = fmt.Sscan(fields[utime], &user)
		_, _ = fmt.Sscan(fields[stime], &system)
	}
	return time.Duration(user+system) * tick, nil
}

// drive sends unique signed events to each server over so many connections for a while. It writes
// and reads HTTP by hand, so that the generator takes as little of the two
// cores as it can.
func drive(servers []server, path string, length time.Duration, connections int) ([]time.Duration, error) {
	type outcome struct {
		latencies []time.Duration
		err       error
	}
	results := make(chan outcome)
	end := time.Now().Add(length)
	connections *= len(servers)
	for worker := range connections {
		address := servers[worker%len(servers)].address
		go func() {
			latencies, err := driveOne(address, path, fmt.Sprintf("%d-%d", worker, time.Now().UnixNano()), end)
			results <- outcome{latencies, err}
		}()
	}
	var all []time.Duration
	var first error
	for range connections {
		r := <-results
		all = append(all, r.latencies...)
		if first == nil {
			first = r.err
		}
	}
	return all, first
}

func driveOne(address, path, prefix string, end time.Time) ([]time.Duration, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	reader := bufio.NewReader(c)
	var latencies []time.Duration
	var request []byte
	mac := hmac.New(sha256.New, []byte(secret))
	for n := 0; time.Now().Before(end); n++ {
		body := fmt.Sprintf(`{"event":"quiz.submitted","companyId":"acme","data":{"userId":"u-%05d","quizName":"Discovery calls","quizId":"q%d","quizType":"graded","score":61,"maxScore":100,"passed":false,"attemptId":"%s-%d"}}`,
			rand.IntN(people), n%40, prefix, n)
		timestamp := fmt.Sprint(time.Now().UnixMilli())
		mac.Reset()
		mac.Write([]byte(timestamp))
		mac.Write([]byte{':'})
		mac.Write([]byte(body))
		request = fmt.Appendf(request[:0], "POST %s HTTP/1.1\r\nHost: load\r\nContent-Type: application/json\r\nContent-Length: %d\r\nx-mt-event-id: %s-%d\r\nx-mt-webhook-timestamp: %s\r\nx-mt-webhook-signature: %x\r\n\r\n%s",
			path, len(body), prefix, n, timestamp, mac.Sum(nil), body)
		start := time.Now()
		if _, err := c.Write(request); err != nil {
			return nil, err
		}
		if err := readAnswer(reader); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(start))
	}
	return latencies, nil
}

// people is how many people the events are about.
const people = 100_000

// readAnswer reads one answer, which must be a 200 with a Content-Length.
func readAnswer(r *bufio.Reader) error {
	status, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(status, "HTTP/1.1 200") {
		return fmt.Errorf("answered %s", strings.TrimSpace(status))
	}
	length := 0
	for {
		header, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(header) <= 2 {
			break
		}
		if name, value, ok := strings.Cut(string(header), ":"); ok && strings.EqualFold(name, "Content-Length") {
			if _, err := fmt.Sscan(value, &length); err != nil {
				return err
			}
		}
	}
	_, err = r.Discard(length)
	return err
}

// serveBare is the yardstick: it checks the signature, decodes the JSON, and
// forgets everything.
func serveBare(address string) error {
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(r.Header.Get("x-mt-webhook-timestamp") + ":"))
		mac.Write(body)
		given, err := hex.DecodeString(r.Header.Get("x-mt-webhook-signature"))
		if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
			http.Error(w, "Invalid signature", http.StatusForbidden)
			return
		}
		var event struct {
			Event     string         `json:"event"`
			CompanyID string         `json:"companyId"`
			Data      map[string]any `json:"data"`
		}
		if err := json.Unmarshal(body, &event); err != nil || event.Event == "" {
			http.Error(w, "bad", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"received": true}`)
	}))
}
