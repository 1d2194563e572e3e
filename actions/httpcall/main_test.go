package httpcall_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"heed/actions/actiontest"
	"heed/actions/httpcall"
)

func TestMain(m *testing.M) { actiontest.VerifyNoLeaks(m) }

// rule is an http action and a step that uses it.
func rule(config, step string) actiontest.Rule {
	return actiontest.Rule{Kind: httpcall.Kind{}, Config: config, Step: step, Live: true, Env: map[string]string{
		"AUTH": "Bearer canary-token", "URL": "https://hooks.example.com/x/canary-path?k=canary-query", "BROKEN": "a\nb",
	}}
}

const lms = `http: {url: https://lms.example.com/api}`

// call is a request that arrived.
type call struct {
	Method, URI string
	Header      http.Header
	Body        string
	Remote      string
}

// sink is an endpoint that remembers what it was asked.
type sink struct {
	URL   string
	mu    sync.Mutex
	calls []call
}

func newSink(t *testing.T, answer http.HandlerFunc) *sink {
	t.Helper()
	s := &sink{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.calls = append(s.calls, call{r.Method, r.RequestURI, r.Header, string(body), r.RemoteAddr})
		s.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// newSinkOf is the address of a handler.
func newSinkOf(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func (s *sink) got() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// request is a rendered request, for comparison.
func request(t testing.TB, raw json.RawMessage) map[string]any {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// rawServer answers 200 to each request, and shows its head as it came over the
// wire.
func rawServer(t *testing.T, show func(head string)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			head := make([]byte, 64<<10)
			n, _ := conn.Read(head)
			show(string(head[:n]))
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return "http://" + listener.Addr().String()
}
