package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"
)

// drive sends unique signed events to each server over so many connections for a
// while. It writes and reads HTTP by hand, so that the generator takes as little of
// the two cores as it can.
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

// quiz is a body, for a user, a quiz and an attempt.
const quiz = `{"event":"quiz.submitted","companyId":"acme","data":{"userId":"u-%05d","quizName":"Discovery calls",` +
	`"quizId":"q%d","quizType":"graded","score":61,"maxScore":100,"passed":false,"attemptId":"%s-%d"}}`

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
		body := fmt.Sprintf(quiz, rand.IntN(people), n%40, prefix, n)
		timestamp := fmt.Sprint(time.Now().UnixMilli())
		mac.Reset()
		mac.Write([]byte(timestamp))
		mac.Write([]byte{':'})
		mac.Write([]byte(body))
		request = fmt.Appendf(request[:0], "POST %s HTTP/1.1\r\nHost: load\r\nContent-Type: application/json\r\n"+
			"Content-Length: %d\r\nx-mt-event-id: %s-%d\r\n"+
			"x-mt-webhook-timestamp: %s\r\nx-mt-webhook-signature: %x\r\n\r\n%s",
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
var people = 100_000

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
