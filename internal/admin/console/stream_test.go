package console_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// message is one message of the stream.
type message struct {
	ID   string
	Data struct {
		Events []struct {
			ID, User string
			Seq      int64
		}
		More int
		Seq  int64
	}
}

// follow opens the stream and gives its messages; the channel is closed with it.
func (s *server) follow(path, token, last string) <-chan message {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = answer.Body.Close() })
	if got := answer.Header.Get("Content-Type"); got != "text/event-stream" {
		s.t.Fatalf("the stream is %d %s", answer.StatusCode, got)
	}
	messages := make(chan message, 100)
	go func() {
		defer close(messages)
		var m message
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); {
			case name == "id":
				m.ID = value
			case name == "data" && json.Unmarshal([]byte(value), &m.Data) == nil:
				messages <- m
				m = message{}
			}
		}
	}()
	return messages
}

func TestStream_goesOnAfterTheLastMessage(t *testing.T) {
	s := start(t, nil)
	m := <-s.follow("/api/v1/stream?type=quiz.submitted", "", "1")
	if m.ID != fmt.Sprint(m.Data.Seq) || len(m.Data.Events) != 1 || m.Data.Events[0].Seq <= 1 {
		t.Errorf("after the first event comes %+v", m)
	}
	status, body := s.do("GET", "/api/v1/stream?outcome=perhaps", "", nil)
	if status != http.StatusBadRequest || !strings.Contains(body, "outcome is one of") {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := s.do("GET", "/api/v1/stream", "", nil, "Last-Event-ID", "x"); status != http.StatusBadRequest {
		t.Errorf("Last-Event-ID x: %d", status)
	}
}

func TestStream_masksForViewers(t *testing.T) {
	s := start(t, withTokens)
	m := <-s.follow("/api/v1/stream?type=user.provisioned", viewer, "1")
	if len(m.Data.Events) != 1 || !strings.HasPrefix(m.Data.Events[0].User, "user-") {
		t.Errorf("a viewer gets %+v", m)
	}
}

func TestStream_endsWhenHeedStops(t *testing.T) {
	var messages <-chan message
	t.Run("serving", func(serving *testing.T) {
		s := start(serving, nil)
		s.t = t // which does not end yet
		messages = s.follow("/api/v1/stream", "", "")
	})
	for range messages {
		continue // until it ends
	}
}
