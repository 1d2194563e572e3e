package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"heed/engine/record"
)

// What heed keeps to while somebody tries to fill its memory.
const (
	mostMemory = 300 // MiB
	mostWait   = time.Second
)

// flood is a kind of request that takes as much memory as it can.
type flood struct {
	name        string
	connections int
	rounds      int  // on each connection; signed bodies fill the disk
	admin       bool // of the admin listener
	attack      func(ctx context.Context, address string)
}

var floods = []flood{
	{"unsigned bodies that never end", 2000, 1000, false, endlessBody(webhookPath, maxBody)},
	{"signed events of many objects", 60, 3, false, signedEvents(`{},`)},
	{"signed events of many keys", 60, 3, false, signedEvents(`{"":0},`)},
	{"signed lists", 60, 3, false, signedLists},
	{"dry runs that never end", 500, 1000, true, endlessBody("/api/v1/dry-run", 8<<20)},
	{"dry runs of many events", 60, 1000, true, dryRuns(`{"event":"quiz.submitted","data":{"score":1}},`)},
	{"dry runs of large events", 60, 1000, true, dryRuns(`{"event":"quiz.submitted","data":{"list":[` +
		strings.Repeat("{},", 1<<18) + `0]}},`)},
}

// flood attacks the memory while good events come, in each of these ways: heed
// stays small, and the good events are answered soon, and stored.
func (t *torture) flood(ctx context.Context) (r result, err error) {
	if err := mayOpen(2 * floods[0].connections); err != nil {
		return r, &cannotError{err}
	}
	for _, f := range floods {
		b, err := t.newBench(ctx, sound, "", usual, &r)
		if err != nil {
			return r, err
		}
		err = f.run(ctx, b, t.length)
		b.close()
		if err != nil {
			return r, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return r, nil
}

func (f *flood) run(ctx context.Context, b *bench, length time.Duration) error {
	if err := b.startReady(ctx); err != nil {
		return err
	}
	attacking, stop := context.WithTimeout(ctx, length)
	defer stop()
	address := b.listen
	if f.admin {
		address = b.admin
	}
	var attackers sync.WaitGroup
	for range f.connections {
		attackers.Go(func() {
			for round := 0; round < f.rounds && attacking.Err() == nil; round++ {
				f.attack(attacking, address)
			}
		})
	}
	go func() {
		attackers.Wait()
		stop()
	}()
	seen, err := b.watch(attacking)
	if err = cmp.Or(ctx.Err(), err); err != nil {
		return err
	}
	b.result.cycles++
	b.result.note("%s: at most %d MiB; %d good events answered, p99 %v",
		f.name, seen.memory, len(seen.waits), seen.p99().Round(time.Millisecond))
	if seen.memory >= mostMemory {
		b.result.findings = append(b.result.findings, finding{grew, fmt.Sprintf("%s: to %d MiB", f.name, seen.memory)})
	}
	if seen.p99() >= mostWait {
		b.result.findings = append(b.result.findings, finding{slowAnswer, fmt.Sprintf("%s: p99 %v", f.name, seen.p99())})
	}
	return b.goodAreStored(ctx, len(seen.waits))
}

// seen is what watch saw.
type seen struct {
	memory int // MiB, at most
	waits  []time.Duration
}

func (s *seen) p99() time.Duration {
	slices.Sort(s.waits)
	return s.waits[len(s.waits)*99/100]
}

// watch sends a good event every 20 ms until ctx ends, and looks at heed's memory
// meanwhile. It sees at least one.
func (b *bench) watch(ctx context.Context) (s seen, err error) {
	for {
		kib, err := memory(b.cmd.Process.Pid)
		if err != nil {
			return s, fmt.Errorf("%w\n%s", errEnded, b.lastWords())
		}
		s.memory = max(s.memory, kib>>10)
		sent := time.Now()
		b.generator.deliver(context.WithoutCancel(ctx), goodEvent(len(s.waits)), sent, 0)
		s.waits = append(s.waits, time.Since(sent))
		select {
		case <-ctx.Done():
			return s, nil
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func goodEvent(n int) event {
	return event{id: fmt.Sprint("good-", n), kind: quiz, value: 50}
}

func (b *bench) goodAreStored(ctx context.Context, n int) error {
	from := &reader{base: "http://" + b.admin}
	events, err := from.events(ctx)
	if err != nil {
		return err
	}
	stored := map[string]bool{}
	for i := range events {
		stored[events[i].ID] = events[i].Status == record.Accepted
	}
	for i := range n {
		if e := goodEvent(i); !stored[e.id] {
			b.result.findings = append(b.result.findings, finding{lost, e.id})
		}
	}
	b.result.tally.acked += n
	b.result.tally.stored += len(events)
	return nil
}

// endlessBody sends a body a piece at a time, and in the end a byte at a time.
// Refused, it comes again after a second: sooner, what the attack costs this
// process would slow heed down.
func endlessBody(path string, size int) func(context.Context, string) {
	return func(ctx context.Context, address string) {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			pause(ctx, time.Second)
			return
		}
		defer conn.Close()
		head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
			"Content-Length: %d\r\n%s: %s\r\n%s: %d\r\n\r\n", path, address, size,
			signatureHeader, strings.Repeat("0", 64), timestampHeader, time.Now().Unix())
		_, err = io.WriteString(conn, head+`{"rules":"`)
		piece := strings.Repeat(" ", size/64)
		for left := size; err == nil && ctx.Err() == nil; left -= len(piece) {
			if left <= len(piece) {
				piece = " "
			}
			_, err = io.WriteString(conn, piece)
			pause(ctx, 100*time.Millisecond)
		}
		pause(ctx, time.Second)
	}
}

// dryRuns sends dry runs of 7 MiB, of clients that go after two seconds.
func dryRuns(event string) func(context.Context, string) {
	events := strings.Repeat(event, max(1, 7<<20/len(event)))
	body := `{"events":[` + strings.TrimSuffix(events, ",") + `]}`
	return func(ctx context.Context, address string) {
		ctx, stop := context.WithTimeout(ctx, 2*time.Second)
		defer stop()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/api/v1/dry-run",
			strings.NewReader(body))
		if err != nil {
			return
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			pause(ctx, 10*time.Millisecond)
			return
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
}

func pause(ctx context.Context, length time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(length):
	}
}

// floodCount makes each signed body another.
var floodCount atomic.Int64

// signedEvents sends events of 1 MiB with a list of elements.
func signedEvents(element string) func(context.Context, string) {
	return func(ctx context.Context, address string) {
		head := fmt.Sprintf(`{"event":"flood","companyId":"acme","data":{"n":%d,"list":[`, floodCount.Add(1))
		const tail = `0]}}`
		postSigned(ctx, address, head+strings.Repeat(element, (maxBody-len(head)-len(tail))/len(element))+tail)
	}
}

// signedLists sends lists of 1 MiB, which are no events.
func signedLists(ctx context.Context, address string) {
	postSigned(ctx, address, "["+strings.Repeat("{},", maxBody/3-20)+strconv.FormatInt(floodCount.Add(1), 10)+"]")
}

func postSigned(ctx context.Context, address, body string) {
	timestamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+webhookPath,
		strings.NewReader(body))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(timestampHeader, timestamp)
	request.Header.Set(signatureHeader, sign(secret, timestamp, []byte(body)))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		time.Sleep(10 * time.Millisecond) // heed has hung up
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}
