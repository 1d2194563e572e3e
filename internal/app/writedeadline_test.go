package app

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestWriteDeadline_endsAnAnswerThatNobodyReads is row 10 of the attacks.
func TestWriteDeadline_endsAnAnswerThatNobodyReads(t *testing.T) {
	ended := make(chan error, 1)
	server := httptest.NewServer(withWriteDeadline(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		part := []byte(strings.Repeat("x", 1<<20))
		for {
			if _, err := w.Write(part); err != nil {
				ended <- err
				return
			}
		}
	}), 50*time.Millisecond))
	defer server.Close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the handler still writes")
	}
}

func TestWriteDeadline_leavesSlowAnswersAlone(t *testing.T) {
	server := httptest.NewServer(withWriteDeadline(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 3 { // each write is in time, all together are not
			_, _ = io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			time.Sleep(60 * time.Millisecond) // longer than one write may take
		}
	}), 50*time.Millisecond))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); string(body) != "aaa" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
}
