package receiver

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heed/engine/intake"
	"heed/engine/source"
)

// What follows is shared by the tests: a receiver on a real port, and the
// fakes on either side of it.

var (
	webhookPath     = source.MindtickleSource().Path
	signatureHeader = source.MindtickleHMAC.SignatureHeader
	timestampHeader = source.MindtickleHMAC.TimestampHeader
	eventIDHeader   = source.MindtickleHMAC.IDHeader
)

const testSecret = "whsec_Kq0-canary-7f3a"

var testBody = []byte(`{"event": "quiz.submitted", "companyId": "c1", "data": {"userId": "u1", "score": 61}}`)

type fakeIntake func(context.Context, intake.Request) (intake.Answer, error)

func (f fakeIntake) Accept(ctx context.Context, r intake.Request) ([]intake.Answer, error) {
	answer, err := f(ctx, r)
	return []intake.Answer{answer}, err
}

// rig is a receiver whose intake keeps what it is handed.
type rig struct {
	url     string
	addr    string
	keys    *Keyring
	server  *http.Server
	handler *Handler
	logs    *logBuffer

	mu       sync.Mutex
	requests []intake.Request
	answered []intake.Answer
	refused  []Reason
	// refusedOf are the sources of what was refused.
	refusedOf []string
	// observedBy are the contexts that the observer was given.
	observedBy []context.Context

	// active is the active set of sources, env what is in the environment.
	active atomic.Pointer[source.Set]
	env    sync.Map

	// accept and ready may be replaced before the first request; events, if there
	// are any, are answered instead.
	accept fakeIntake
	events []intake.Answer
	ready  func() error
}

func (g *rig) Accept(ctx context.Context, r intake.Request) ([]intake.Answer, error) {
	g.mu.Lock()
	g.requests = append(g.requests, r)
	g.mu.Unlock()
	if g.events != nil {
		return g.events, nil
	}
	return g.accept.Accept(ctx, r)
}

func (g *rig) Answered(ctx context.Context, events []intake.Answer, took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answered = append(g.answered, events...)
	g.observedBy = append(g.observedBy, ctx)
}

func (g *rig) Refused(ctx context.Context, source string, why Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusedOf = append(g.refusedOf, source)
	g.refused = append(g.refused, why)
	g.observedBy = append(g.observedBy, ctx)
}

// take returns what came since the last call.
func (g *rig) take() (requests []intake.Request, refused []Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	requests, refused = g.requests, g.refused
	g.requests, g.refused, g.refusedOf, g.answered = nil, nil, nil, nil
	return requests, refused
}

// newRig returns a rig that listens nowhere.
func newRig(t testing.TB, keys *Keyring) *rig {
	t.Helper()
	g := &rig{keys: keys, logs: &logBuffer{}}
	g.accept = func(context.Context, intake.Request) (intake.Answer, error) { return intake.Answer{}, nil }
	g.ready = func() error { return nil }
	g.activate(source.MindtickleSource())
	var err error
	g.handler, err = New(Options{
		Sources: g.active.Load,
		Keys:    keys,
		LookupEnv: func(name string) (string, bool) {
			value, ok := g.env.Load(name)
			if !ok {
				return "", false
			}
			return value.(string), true
		},
		Intake:  g,
		Ready:   func() error { return g.ready() },
		Observe: g,
		Log:     g.logs.logger(),
		Now:     time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	g.server = NewServer(g.handler, nil, time.Minute, g.logs.logger())
	return g
}

// activate makes a new set of sources the active one.
func (g *rig) activate(sources ...*source.Source) { g.active.Store(&source.Set{Sources: sources}) }

// startSource returns a rig that listens with one source, at /webhooks/partner.
func startSource(t testing.TB, verify source.Verification) *rig {
	t.Helper()
	g := start(t, nil)
	g.activate(partner(verify))
	return g
}

func partner(verify source.Verification) *source.Source {
	return &source.Source{Name: "partner", Path: "/webhooks/partner", IDs: "partner", Verify: &verify}
}

// post returns a request to the source of startSource. Of a header with several
// values each has a line of its own.
func (g *rig) post(t testing.TB, header http.Header, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("POST", g.url+"/webhooks/partner", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header.Clone()
	return r
}

// start returns a rig that listens on a port of this machine.
func start(t testing.TB, keys *Keyring) *rig {
	t.Helper()
	g := newRig(t, keys)
	g.listen(t)
	return g
}

func (g *rig) listen(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.addr = l.Addr().String()
	g.url = "http://" + g.addr
	done := make(chan error)
	go func() { done <- Serve(g.server, l) }()
	t.Cleanup(func() {
		g.server.Close()
		if err := <-done; err != http.ErrServerClosed {
			t.Errorf("Serve returned %v", err)
		}
	})
}

func fixedKeys(t testing.TB, secrets ...string) *Keyring {
	t.Helper()
	k, err := NewKeyring(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// delivery returns a request as MindTickle would send it.
func (g *rig) delivery(t testing.TB, secret string, body []byte) *http.Request {
	t.Helper()
	const timestamp = "1700000000" // whether that is too old is the intake's to say
	r, err := http.NewRequest("POST", g.url+webhookPath, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(timestampHeader, timestamp)
	r.Header.Set(signatureHeader, Sign(secret, timestamp, body))
	r.Header.Set(eventIDHeader, "evt_1")
	return r
}

// reply is what a test looks at in an answer.
type reply struct {
	Status int
	Body   string
	Header http.Header
}

func do(t testing.TB, r *http.Request) reply {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

func read(t testing.TB, response *http.Response) reply {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.Close { // net/http takes the header out
		response.Header.Set("Connection", "close")
	}
	return reply{response.StatusCode, string(body), response.Header}
}

// logBuffer collects log lines of every level as text.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBuffer) count(what string) int { return strings.Count(b.String(), what) }
