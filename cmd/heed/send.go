package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"heed/actions/outbound"
	"heed/engine/ruletest"
	"heed/engine/source"
	"heed/internal/plain"
	"heed/internal/receiver"
)

// webhookPath is where the receiver takes what is signed as MindTickle does.
var webhookPath = source.MindtickleSource().Path

type sendOptions struct {
	url, secretFile, id, timestamp string
	repeat, concurrency            int
	rate                           float64
}

func newSend(s streams) *cobra.Command {
	var o sendOptions
	var output string
	cmd := &cobra.Command{
		Use:   "send EVENT…",
		Short: "Sign events as MindTickle does and post them to a receiver",
		Long: `Send signs each event as MindTickle does and posts it to a receiver, so that
rules can be tried end to end. Each event gets a new id unless --id is given.

EVENT is a JSON file in the webhook's own format, a directory of them, or -.
The secret is the first one in --secret-file, or in MINDTICKLE_WEBHOOK_SECRET.

Exit code 0: every event was taken.  1: one was refused.  2: bad usage.
          3: the receiver could not be reached.`,
		Example: "  heed send --url http://127.0.0.1:8080/webhooks/mindtickle testdata/events",
		Args:    needs("an event file, a directory of them, or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return send(cmd.Context(), s, o, args, output == "json")
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.url, "url", "http://127.0.0.1:8080"+webhookPath, "the receiver's webhook address")
	f.StringVar(&o.secretFile, "secret-file", "", "file with signing secrets, one a line; the first signs")
	f.StringVar(&o.id, "id", "", "event id to send instead of a new one")
	f.StringVar(&o.timestamp, "timestamp", "",
		"timestamp to sign instead of now: Unix seconds or milliseconds, or RFC 3339")
	f.IntVar(&o.repeat, "repeat", 1, "how many times to send each event")
	f.Float64Var(&o.rate, "rate", 0, "requests a second at most (0: no limit)")
	f.IntVar(&o.concurrency, "concurrency", 1, "requests at the same time")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// answer is what a receiver said to one event.
type answer struct {
	File   string `json:"file"`
	ID     string `json:"id"`
	Status int    `json:"status,omitempty"`
	Body   string `json:"body,omitempty"`
	Error  string `json:"error,omitempty"`
	// refused says that nothing listens there.
	refused bool
}

func send(ctx context.Context, s streams, o sendOptions, paths []string, asJSON bool) error {
	secret, err := signingSecret(s, o.secretFile)
	if err != nil {
		return err
	}
	if u, err := url.Parse(o.url); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return usage("--url %q is not an address: write http://host:port%s", o.url, webhookPath)
	}
	if o.repeat < 1 || o.concurrency < 1 || o.rate < 0 {
		return usage("--repeat and --concurrency start at 1, --rate at 0")
	}
	fixtures, err := ruletest.Read(paths, s.in)
	if err != nil {
		return usage("%v", err)
	}
	sender := &sender{options: o, secret: secret, client: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{Proxy: nil, MaxIdleConnsPerHost: o.concurrency},
	}}
	return sender.sendAll(ctx, fixtures, func(a answer) {
		if asJSON {
			_ = printJSON(s.out, a)
			return
		}
		if a.Error != "" {
			fmt.Fprintf(s.out, "%s  %s  %s\n", a.File, a.ID, plain.Line(a.Error))
			if a.refused {
				fmt.Fprintln(s.out, "  hint: is heed serve running there? Name its address with --url")
			}
			return
		}
		fmt.Fprintf(s.out, "%s  %s  %d %s\n", a.File, a.ID, a.Status, plain.Line(a.Body))
		hint := hints[a.Status]
		if a.Status == http.StatusForbidden && o.timestamp != "" {
			hint = "is this the secret that the receiver has, and --timestamp Unix seconds, milliseconds or RFC 3339?"
		}
		if hint != "" {
			fmt.Fprintf(s.out, "  hint: %s\n", hint)
		}
	})
}

// hints say what is probably wrong when a receiver refuses.
var hints = map[int]string{
	http.StatusForbidden:        "is this the secret that the receiver has?",
	http.StatusNotFound:         "the webhook's path is " + webhookPath,
	http.StatusMethodNotAllowed: "the webhook's path is " + webhookPath,
}

// signingSecret returns the first secret of the file or the environment.
func signingSecret(s streams, file string) (string, error) {
	if file == "" {
		secrets, err := receiver.SecretsInVariable(s.getenv("MINDTICKLE_WEBHOOK_SECRET"))
		switch {
		case err != nil:
			return "", usage("MINDTICKLE_WEBHOOK_SECRET: %v", err)
		case len(secrets) == 0:
			return "", usage("no signing secret: give --secret-file FILE or set MINDTICKLE_WEBHOOK_SECRET")
		}
		return secrets[0], nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", usage("read --secret-file: %v", err)
	}
	secrets, err := receiver.SecretsInFile(raw)
	switch {
	case err != nil:
		return "", usage("%s: %v", file, err)
	case len(secrets) == 0:
		return "", usage("%s holds no secret: write one on a line of its own", file)
	}
	return secrets[0], nil
}

type sender struct {
	options sendOptions
	secret  string
	client  *http.Client
	last    atomic.Int64 // the last timestamp, in milliseconds
}

// stamp returns the time in milliseconds, but never the same value twice: two equal
// bodies signed at the same time have the same signature, and a receiver takes the
// second for a replay under another id.
func (s *sender) stamp() int64 {
	for {
		last := s.last.Load()
		next := max(time.Now().UnixMilli(), last+1)
		if s.last.CompareAndSwap(last, next) {
			return next
		}
	}
}

// sendAll sends every fixture the requested number of times and reports each answer.
// The error's code says how it went.
func (s *sender) sendAll(ctx context.Context, fixtures []ruletest.Fixture, report func(answer)) error {
	jobs := make(chan ruletest.Fixture)
	var refused, unreached atomic.Bool
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range s.options.concurrency {
		workers.Go(func() {
			for f := range jobs {
				a := s.send(ctx, f)
				switch {
				case a.Error != "":
					unreached.Store(true)
				case a.Status != http.StatusOK:
					refused.Store(true)
				}
				mu.Lock()
				report(a)
				mu.Unlock()
			}
		})
	}
	s.feed(ctx, fixtures, jobs)
	close(jobs)
	workers.Wait()
	switch {
	case ctx.Err() != nil:
		return failure(errors.New("interrupted"))
	case unreached.Load():
		return quiet(exitFailure)
	case refused.Load():
		return quiet(exitProblems)
	default:
		return nil
	}
}

func (s *sender) feed(ctx context.Context, fixtures []ruletest.Fixture, jobs chan<- ruletest.Fixture) {
	var pace <-chan time.Time
	if s.options.rate > 0 {
		ticker := time.NewTicker(max(1, time.Duration(float64(time.Second)/s.options.rate)))
		defer ticker.Stop()
		pace = ticker.C
	}
	for range s.options.repeat {
		for _, f := range fixtures {
			if pace != nil {
				select {
				case <-pace:
				case <-ctx.Done():
					return
				}
			}
			select {
			case jobs <- f:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (s *sender) send(ctx context.Context, f ruletest.Fixture) answer {
	a := answer{File: f.File, ID: s.options.id}
	if a.ID == "" {
		a.ID = "heed-send-" + strings.ToLower(rand.Text()[:12])
	}
	timestamp := s.options.timestamp
	if timestamp == "" {
		timestamp = strconv.FormatInt(s.stamp(), 10)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.options.url, bytes.NewReader(f.Body))
	if err != nil {
		a.Error = err.Error()
		return a
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(source.MindtickleHMAC.IDHeader, a.ID)
	request.Header.Set(source.MindtickleHMAC.TimestampHeader, timestamp)
	request.Header.Set(source.MindtickleHMAC.SignatureHeader, receiver.Sign(s.secret, timestamp, f.Body))
	response, err := s.client.Do(request)
	if err != nil {
		a.refused = errors.Is(err, syscall.ECONNREFUSED)
		a.Error = fmt.Sprintf("the receiver at %s cannot be reached: %s", request.URL.Redacted(),
			outbound.Failed(err).Error)
		return a
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 4096)) // what was cut off does not change the status
	a.Status, a.Body = response.StatusCode, strings.TrimSpace(string(body))
	return a
}
