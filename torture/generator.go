package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	secret = "the-secret-of-the-torture"
	// connections is how many events are under way at once.
	connections = 24
)

// generator sends events, each again and again until it is acknowledged, as
// MindTickle does: with the same id, body, timestamp and signature.
type generator struct {
	url    string
	prefix string // of the ids
	ledger *ledger
	pause  time.Duration // of each connection between events
	// turn sends the n-th event, or the events that belong together.
	turn   func(g *generator, ctx context.Context, n int64)
	client *http.Client

	next     atomic.Int64
	acked    atomic.Int64
	refused  atomic.Int64 // answers of 503
	stopping chan struct{}
	workers  sync.WaitGroup

	mu  sync.Mutex
	odd []finding
}

func newGenerator(address, prefix string, l *ledger) *generator {
	return &generator{
		url: "http://" + address + webhookPath, prefix: prefix, ledger: l, stopping: make(chan struct{}),
		turn:   (*generator).one,
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: connections}},
	}
}

// start sends until finish.
func (g *generator) start(ctx context.Context) {
	for range connections {
		g.workers.Go(func() {
			for ctx.Err() == nil {
				select {
				case <-g.stopping:
					return
				case <-time.After(g.pause):
				}
				g.turn(g, ctx, g.next.Add(1))
			}
		})
	}
}

// finish begins no more events and waits until all are acknowledged. heed must
// be up.
func (g *generator) finish(ctx context.Context) ([]finding, error) {
	close(g.stopping)
	ended := make(chan struct{})
	go func() { g.workers.Wait(); close(ended) }()
	defer g.client.CloseIdleConnections()
	select {
	case <-ended:
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.odd, ctx.Err()
	case <-time.After(time.Minute):
		return nil, fmt.Errorf("some events are not acknowledged a minute after the last start")
	}
}

// one sends one event.
func (g *generator) one(ctx context.Context, n int64) {
	g.deliver(ctx, eventOf(g.prefix+strconv.FormatInt(n, 10)), time.Now(), 0)
}

// deliver sends an event signed at a time, until it is acknowledged or so many
// times, if that is not 0. It says whether it was acknowledged.
func (g *generator) deliver(ctx context.Context, e event, at time.Time, tries int) bool {
	body, timestamp := e.body(), strconv.FormatInt(at.UnixMilli(), 10)
	signature := sign(secret, timestamp, body)
	g.ledger.note(wordSent, e.id)
	for pause, try := time.Millisecond, 1; ctx.Err() == nil; pause, try = min(2*pause, 50*time.Millisecond), try+1 {
		if g.send(ctx, e.id, timestamp, signature, body) {
			g.ledger.note(wordAcked, e.id)
			g.acked.Add(1)
			return true
		}
		if try == tries {
			return false
		}
		time.Sleep(pause)
	}
	return false
}

// send says whether the event was acknowledged.
func (g *generator) send(ctx context.Context, id, timestamp, signature string, body []byte) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url, bytes.NewReader(body))
	if err != nil {
		g.note("%v", err)
		return false
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(eventIDHeader, id)
	request.Header.Set(timestampHeader, timestamp)
	request.Header.Set(signatureHeader, signature)
	response, err := g.client.Do(request)
	if err != nil {
		return false // heed is down, or went down
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	switch response.StatusCode {
	case http.StatusOK:
		return true // even if the rest of the answer is missing: the sender would not come again
	case http.StatusServiceUnavailable:
		g.refused.Add(1)
		if response.Header.Get("Retry-After") == "" && err == nil {
			g.note("%s was answered with 503 and no Retry-After", id)
		}
	default:
		g.note("%s was answered with %s", id, response.Status)
	}
	return false
}

func (g *generator) note(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.odd = append(g.odd, finding{oddAnswer, fmt.Sprintf(format, args...)})
}
