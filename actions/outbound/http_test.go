package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
)

func do(t *testing.T, ctx context.Context, url string, expect []int, secrets ...string) actions.Outcome {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	return Do(Client(true), request, Terms{Expect: expect, Secrets: secrets})
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestTheStatusDecidesWhatBecomesOfACall(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Path[1:])
		w.WriteHeader(status)
	})
	for status, want := range map[int]actions.Outcome{
		200: {Verdict: actions.Done}, 201: {Verdict: actions.Done}, 202: {Verdict: actions.Done}, 204: {Verdict: actions.Done}, 299: {Verdict: actions.Done},
		301: {Verdict: actions.Dead, Error: "answered 301 Moved Permanently; redirects are not followed, configure the final address"},
		300: {Verdict: actions.Dead, Error: "answered 300 Multiple Choices"},
		304: {Verdict: actions.Dead, Error: "answered 304 Not Modified"},
		400: {Verdict: actions.Dead, Error: "answered 400 Bad Request"},
		401: {Verdict: actions.Dead, Error: "answered 401 Unauthorized; check the credentials in the action's configuration"},
		403: {Verdict: actions.Dead, Error: "answered 403 Forbidden; check the credentials in the action's configuration"},
		404: {Verdict: actions.Dead, Error: "answered 404 Not Found"},
		408: {Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 408 Request Timeout"},
		409: {Verdict: actions.Dead, Error: "answered 409 Conflict"},
		410: {Verdict: actions.Dead, Error: "answered 410 Gone"},
		422: {Verdict: actions.Dead, Error: "answered 422 Unprocessable Entity"},
		425: {Verdict: actions.Retry, Error: "answered 425 Too Early"},
		429: {Verdict: actions.Retry, Cause: actions.CauseThrottled, Error: "answered 429 Too Many Requests"},
		499: {Verdict: actions.Dead, Error: "answered 499"},
		500: {Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 500 Internal Server Error"},
		501: {Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 501 Not Implemented"},
		502: {Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 502 Bad Gateway"},
		503: {Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 503 Service Unavailable"},
		504: {Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 504 Gateway Timeout"},
		599: {Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 599"},
	} {
		if diff := cmp.Diff(want, do(t, t.Context(), fmt.Sprintf("%s/%d", url, status), nil)); diff != "" {
			t.Errorf("%d: %s", status, diff)
		}
	}
	for status, want := range map[int]actions.Outcome{
		409: {Verdict: actions.Done}, 301: {Verdict: actions.Done}, 500: {Verdict: actions.Done},
		200: {Verdict: actions.Dead, Error: "answered 200 OK; the rule expects another status"},
		503: {Verdict: actions.Retry, Cause: actions.CauseServer, Error: "answered 503 Service Unavailable"},
	} {
		if diff := cmp.Diff(want, do(t, t.Context(), fmt.Sprintf("%s/%d", url, status), []int{409, 301, 500})); diff != "" {
			t.Errorf("%d where others are expected: %s", status, diff)
		}
	}
}

func TestRetryAfterIsReadInEveryForm(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, " 30 ": 30 * time.Second, "0": 0, "-5": 0, "+7": 7 * time.Second, "1.5": 0, "soon": 0, "1e3": 0, "0x10": 0,
		"9999999":                           9999999 * time.Second,
		"9223372036854775807":               (1 << 31) * time.Second,
		"99999999999999999999999999":        (1 << 31) * time.Second,
		"-99999999999999999999999999":       0,
		"Wed, 04 Mar 2026 12:01:30 GMT":     90 * time.Second,
		"Wed, 04 Mar 2026 11:59:30 GMT":     0,
		"Wednesday, 04-Mar-26 12:00:10 GMT": 10 * time.Second,
		"Wed Mar  4 12:00:05 2026":          5 * time.Second,
		"Wed, 04 Mar 2026 25:00:00 GMT":     0,
	} {
		if got := RetryAfter(header, now); got != want {
			t.Errorf("%q is %s, want %s", header, got, want)
		}
	}
}

func FuzzRetryAfterIsNeverNegative(f *testing.F) {
	for _, seed := range []string{"", "30", "-1", "9223372036854775807", "Wed, 04 Mar 2026 12:01:30 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if got := RetryAfter(header, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)); got < 0 {
			t.Errorf("%q is %s", header, got)
		}
	})
}

func TestRetryAfterComesWithTheOutcome(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", r.URL.Query().Get("after"))
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	for after, want := range map[string]time.Duration{"30": 30 * time.Second, "9999999": 9999999 * time.Second, "x": 0, "": 0} {
		if got := do(t, t.Context(), url+"?after="+after, nil); got.After != want || got.Verdict != actions.Retry {
			t.Errorf("%q: %+v", after, got)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	asked := make(chan struct{}, 10)
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { asked <- struct{}{} })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Path[1:])
		http.Redirect(w, r, elsewhere, status)
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		if got := do(t, t.Context(), fmt.Sprintf("%s/%d", url, status), nil); got.Verdict != actions.Dead {
			t.Errorf("%d: %+v", status, got)
		}
	}
	if len(asked) > 0 {
		t.Error("a redirect was followed")
	}
}

func TestAnAnswerIsKeptOnlyByItsStart(t *testing.T) {
	long := strings.Repeat("ä", 5000)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, map[string]string{"/long": long, "/odd": "x" + long, "/binary": "\xff\xfe\x00a", "/short": "no such user"}[r.URL.Path])
	})
	for path, want := range map[string]string{
		"/long": strings.Repeat("ä", 1024), "/odd": "x" + strings.Repeat("ä", 1023), "/binary": "\uFFFD\x00a", "/short": "no such user",
	} {
		if got := do(t, t.Context(), url+path, nil); got.Response != want || len(got.Response) > actions.MaxResponse {
			t.Errorf("%s: %d bytes, %.20q", path, len(got.Response), got.Response)
		}
	}
}

// Row 23: an endless answer is read to a bound; one that drips is ended by the
// deadline. Either way the status has been said.
func TestAnEndlessAnswerEnds(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		w.WriteHeader(status)
		if r.URL.Path == "/drip" {
			_, _ = io.WriteString(w, "a start")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		for chunk := strings.Repeat("x", 32<<10); ; {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	})
	for status, want := range map[int]actions.Verdict{200: actions.Done, 400: actions.Dead, 500: actions.Retry} {
		t.Run(fmt.Sprintf("flood after %d", status), func(t *testing.T) {
			t.Parallel()
			if got := do(t, t.Context(), fmt.Sprintf("%s/flood?status=%d", url, status), nil); got.Verdict != want || len(got.Response) > actions.MaxResponse {
				t.Errorf("%+v", got)
			}
		})
		t.Run(fmt.Sprintf("drip after %d", status), func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer stop()
			got := do(t, ctx, fmt.Sprintf("%s/drip?status=%d", url, status), nil)
			if got.Verdict != want || want != actions.Done && got.Response != "a start" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// raw serves each connection with a function.
func raw(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-done })
	go func() {
		defer close(done)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			handle(connection)
			connection.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}

func TestAConnectionThatFailsIsTriedAgainAndSaysWhy(t *testing.T) {
	readRequest := func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, c := range map[string]struct{ url, want string }{
		"refused":      {"http://" + closed.Addr().String(), "nothing accepts connections at " + closed.Addr().String() + " (connection refused)"},
		"unknown host": {"http://no-such-host.invalid/secret-path", "the host no-such-host.invalid cannot be found: "},
		"hung up":      {raw(t, readRequest), "the connection was closed before the answer"},
		"no HTTP":      {raw(t, func(c net.Conn) { readRequest(c); _, _ = io.WriteString(c, "SSH-2.0-x\r\n\r\n") }), "malformed HTTP "},
		"huge headers": {raw(t, func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20))
		}), "server response headers exceeded 65536 bytes"},
		"no TLS":           {strings.Replace(raw(t, readRequest), "http:", "https:", 1), ""},
		"unknown protocol": {"gopher://127.0.0.1/", "unsupported protocol scheme"},
	} {
		got := do(t, t.Context(), c.url, nil)
		if got.Verdict != actions.Retry || !strings.Contains(got.Error, c.want) || got.Error == "" || strings.Contains(got.Error, "secret-path") || len(got.Error) > actions.MaxResponse {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAnAttemptEndsWithItsContext(t *testing.T) {
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		<-r.Context().Done()
	})
	late, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if got := do(t, late, url, nil); !reflect.DeepEqual(got, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "no answer in time"}) {
		t.Errorf("after its time: %+v", got)
	}
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	if got := do(t, cut, url, nil); !reflect.DeepEqual(got, actions.Outcome{Verdict: actions.Retry, Error: "interrupted"}) {
		t.Errorf("when cut off: %+v", got)
	}
}

func TestAPrivateAddressIsRefusedForGood(t *testing.T) {
	asked := make(chan struct{}, 10)
	url := serve(t, func(http.ResponseWriter, *http.Request) { asked <- struct{}{} })
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(url, "127.0.0.1", host, 1), nil)
		got := Do(Client(false), request, Terms{})
		if got.Verdict != actions.Dead || !strings.Contains(got.Error, "is a loopback, link-local or private address; set allow_private: true") {
			t.Errorf("%s: %+v", host, got)
		}
	}
	if len(asked) > 0 {
		t.Error("it was connected to all the same")
	}
}

func TestClientsAreSharedSoThatAReloadLeavesNoConnectionsBehind(t *testing.T) {
	open, guarded := Client(true), Client(false)
	if open != Client(true) || guarded != Client(false) || open == guarded {
		t.Error("there is not exactly one client of each sort")
	}
	for _, allowPrivate := range []bool{true, false} {
		if Client(allowPrivate).Transport.(*http.Transport).Proxy != nil {
			t.Error("a proxy could get round the guard")
		}
	}
}

func TestAnyFailureWithoutACodeIsTriedAgain(t *testing.T) {
	if got := Failed(errors.New("odd")); !reflect.DeepEqual(got, actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: "odd"}) {
		t.Errorf("%+v", got)
	}
}
