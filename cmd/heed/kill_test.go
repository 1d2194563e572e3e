package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"heed/engine/record"
	"heed/engine/source"
	"heed/internal/app"
	"heed/internal/receiver"
)

// TestServe_killLosesNoAcknowledgedEvent kills a heed under load, again and
// again, and then looks for every event that was answered with 200.
func TestServe_killLosesNoAcknowledgedEvent(t *testing.T) {
	dir := t.TempDir()
	rules, data := filepath.Join(dir, "rules.yaml"), filepath.Join(dir, "data")
	if err := os.WriteFile(rules, []byte(logRule), 0o600); err != nil {
		t.Fatal(err)
	}
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	acknowledged := map[string]bool{}
	for round := range rounds {
		l, admin := listen(t), listen(t)
		address := l.Addr().String()
		l.Close()
		adminAddress := admin.Addr().String()
		admin.Close()
		cmd := exec.Command("heed", "serve", "--rules", rules, "--data", data, "--listen", address, "--admin", adminAddress,
			"--log-level", "error")
		cmd.Env = append(os.Environ(), "MINDTICKLE_WEBHOOK_SECRET="+testSecret)
		cmd.Stderr = t.Output()
		start := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitForPort(t, address)
		t.Logf("round %d: ready after %v", round, time.Since(start))
		for _, id := range loadUntilKilled(cmd.Process, address, round, 50+rand.N(250)) {
			acknowledged[id] = true
		}
		_ = cmd.Wait() // killed
	}
	s := startServer(t, logRule, held, func(o *app.Options) { o.Data = data })
	stored, cursor := map[string]record.Event{}, ""
	for {
		var page struct {
			Events []record.Event `json:"events"`
			Next   string         `json:"next_cursor"`
		}
		s.get("/api/v1/events?limit=500&cursor="+cursor, &page)
		for _, e := range page.Events {
			if _, twice := stored[e.ID]; twice {
				t.Errorf("%s is stored twice", e.ID)
			}
			stored[e.ID] = e
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	t.Logf("%d events acknowledged, %d stored, over %d kills", len(acknowledged), len(stored), rounds)
	if len(acknowledged) < rounds {
		t.Fatalf("only %d events were acknowledged: there was no load", len(acknowledged))
	}
	for id := range acknowledged {
		if _, ok := stored[id]; !ok {
			t.Errorf("%s was acknowledged and is gone", id)
		}
		if s.get("/api/v1/people/"+id, new(any)) != http.StatusOK {
			t.Errorf("%s was acknowledged and its person is not known", id)
		}
	}
}

func waitForPort(t *testing.T, address string) {
	t.Helper()
	for range 500 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond) // another process: there is nothing to wait on
	}
	t.Fatal("heed did not start")
}

var loadClient = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

// sendSigned sends a small event under an id and returns how it was answered.
func sendSigned(address, id string) (status int, err error) {
	body := `{"event":"quiz.submitted","data":{"userId":"` + id + `","quizId":"q1","score":61}}`
	timestamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
	request, err := http.NewRequest(http.MethodPost, "http://"+address+webhookPath, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(source.MindtickleHMAC.IDHeader, id)
	request.Header.Set(source.MindtickleHMAC.TimestampHeader, timestamp)
	request.Header.Set(source.MindtickleHMAC.SignatureHeader, receiver.Sign(testSecret, timestamp, []byte(body)))
	response, err := loadClient.Do(request)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	return response.StatusCode, nil
}

// loadUntilKilled sends unique events from 16 goroutines, kills the process
// once it has answered a number of them, and returns the ids that were
// answered with 200.
func loadUntilKilled(process *os.Process, address string, round, killAfter int) []string {
	var mu sync.Mutex
	var acknowledged []string
	var workers sync.WaitGroup
	for worker := range 16 {
		workers.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("r%d-w%d-n%d", round, worker, n)
				status, err := sendSigned(address, id)
				if err != nil || status != http.StatusOK {
					return // it is dead
				}
				mu.Lock()
				acknowledged = append(acknowledged, id)
				if len(acknowledged) == killAfter {
					_ = process.Kill()
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return acknowledged
}
