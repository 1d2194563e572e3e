package receiver

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"heed/engine/intake"
	"heed/engine/source"
)

type nobody struct{}

func (nobody) Answered(context.Context, []intake.Answer, time.Duration) {}
func (nobody) Refused(context.Context, string, Reason)                  {}

func benchHandler(b *testing.B, keys *Keyring) *Handler {
	b.Helper()
	var active atomic.Pointer[source.Set]
	active.Store(&source.Set{Sources: []*source.Source{source.MindtickleSource()}})
	h, err := New(Options{
		Sources:   active.Load,
		Keys:      keys,
		LookupEnv: os.LookupEnv,
		Intake:    fakeIntake(func(context.Context, intake.Request) (intake.Answer, error) { return intake.Answer{}, nil }),
		Ready:     func() error { return nil },
		Observe:   nobody{},
		Log:       slog.New(slog.DiscardHandler),
		Now:       time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	return h
}

func fileKeys(b *testing.B, secrets ...string) *Keyring {
	b.Helper()
	path := filepath.Join(b.TempDir(), "secrets")
	writeOldFile(b, path, strings.Join(secrets, "\n"))
	k, err := NewFileKeyring(path, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	return k
}

func BenchmarkVerify(b *testing.B) {
	large := bytes.Repeat([]byte("a"), MaxBody)
	for _, c := range []struct {
		name string
		keys *Keyring
		body []byte
	}{
		{"fixed", fixedKeys(b, testSecret), testBody},
		{"fixed/second", fixedKeys(b, "other", testSecret), testBody},
		{"file", fileKeys(b, testSecret), testBody},
		{"fixed/1MiB", fixedKeys(b, testSecret), large},
	} {
		mac := macOfHex(Sign(testSecret, "1700000000", c.body))
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !verify(c.keys, "1700000000", c.body, mac) {
					b.Fatal("refused")
				}
			}
		})
		b.Run(c.name+"/parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					verify(c.keys, "1700000000", c.body, mac)
				}
			})
		})
	}
}

// BenchmarkHandler is the handler without a network.
func BenchmarkHandler(b *testing.B) {
	for _, c := range []struct {
		name   string
		keys   *Keyring
		change func(http.Header)
		status int
	}{
		{"good", fixedKeys(b, testSecret), func(http.Header) {}, 200},
		{"good/file", fileKeys(b, testSecret), func(http.Header) {}, 200},
		{"unsigned", fixedKeys(b, testSecret), func(h http.Header) { h.Del(signatureHeader) }, 401},
		{"wrong", fixedKeys(b, "other"), func(http.Header) {}, 403},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := benchHandler(b, c.keys)
			header := (&rig{}).delivery(b, testSecret, testBody).Header
			c.change(header)
			body := bytes.NewReader(testBody)
			r := httptest.NewRequest("POST", webhookPath, body)
			r.Header = header
			w := &discardWriter{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				body.Seek(0, io.SeekStart)
				h.ServeHTTP(w, r)
				if w.status != c.status {
					b.Fatalf("got %d", w.status)
				}
			}
		})
	}
}

// BenchmarkServer is the handler behind a real port, with a client that does
// as little as it can, for both share the machine.
func BenchmarkServer(b *testing.B) {
	h := benchHandler(b, fileKeys(b, testSecret))
	g := &rig{server: NewServer(h, nil, time.Minute, slog.New(slog.DiscardHandler))}
	g.listen(b)
	var request bytes.Buffer
	if err := g.delivery(b, testSecret, testBody).Write(&request); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", g.addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		answer := make([]byte, 4<<10)
		for pb.Next() {
			if _, err := conn.Write(request.Bytes()); err != nil {
				b.Error(err)
				return
			}
			n, err := conn.Read(answer)
			if err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200")) {
				b.Errorf("got %q, %v", answer[:n], err)
				return
			}
		}
	})
}

type discardWriter struct {
	header http.Header
	status int
}

func (w *discardWriter) Header() http.Header         { return w.header }
func (w *discardWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *discardWriter) WriteHeader(status int)      { w.status = status }
