package receiver

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Each case is one way to hold a connection without ever completing a
// request, played against the real limits on a clock that is not real.
func TestDawdlersAreDroppedWithinTenSeconds(t *testing.T) {
	head := "POST " + webhookPath + " HTTP/1.1\r\nHost: x\r\n"
	signed := head + signatureHeader + ": " + strings.Repeat("0", 64) + "\r\n" + timestampHeader + ": 1700000000\r\n"
	for name, c := range map[string]struct {
		start, drip string
		want        string
	}{
		"silent":                   {"", "", ""},
		"headers drip":             {head, "X-A: b\r\n", ""},
		"one header drips":         {head + "X-A: ", "b", ""},
		"body never starts":        {signed + "Content-Length: 100\r\n\r\n", "", "408"},
		"declared body drips":      {signed + "Content-Length: 1000\r\n\r\n", "a", "408"},
		"chunked body drips":       {signed + "Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", "408"},
		"unsigned body drips":      {head + "Content-Length: 1000\r\n\r\n", "a", "401"},
		"refused, then a new head": {"GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST", " ", "404"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, fixedKeys(t, testSecret))
				client, server := net.Pipe()
				l := &pipeListener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
				l.conns <- server
				go g.server.Serve(l)
				defer g.server.Close()

				begin := time.Now()
				var dawdler sync.WaitGroup
				dawdler.Go(func() {
					_, err := io.WriteString(client, c.start)
					for err == nil && c.drip != "" {
						time.Sleep(time.Second)
						_, err = io.WriteString(client, c.drip)
					}
				})
				got, _ := io.ReadAll(client)
				if took := time.Since(begin); took > 10*time.Second {
					t.Errorf("dropped after %v", took)
				}
				status, _, _ := strings.Cut(strings.TrimPrefix(string(got), "HTTP/1.1 "), " ")
				if status != c.want {
					t.Errorf("got %q", got)
				}
				client.Close()
				dawdler.Wait()
				if requests, _ := g.take(); len(requests) != 0 {
					t.Errorf("%d were handed over", len(requests))
				}
			})
		})
	}
}

// A crowd of dawdlers on real connections, with the times made short, does not
// keep good deliveries waiting.
func TestGoodDeliveriesPassACrowdOfDawdlers(t *testing.T) {
	g := newRig(t, fixedKeys(t, testSecret))
	g.server.ReadHeaderTimeout, g.server.ReadTimeout = 300*time.Millisecond, 600*time.Millisecond
	g.listen(t)
	var crowd sync.WaitGroup
	for i := range 500 {
		conn, err := net.Dial("tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		start := "POST " + webhookPath + " HTTP/1.1\r\nHost: x\r\n"
		if i%2 == 0 {
			start += signatureHeader + ": " + strings.Repeat("0", 64) + "\r\n" +
				timestampHeader + ": 1700000000\r\nContent-Length: 1000000\r\n\r\na"
		}
		if _, err := io.WriteString(conn, start); err != nil {
			t.Fatal(err)
		}
		crowd.Go(func() {
			defer conn.Close()
			conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.Copy(io.Discard, conn); err != nil {
				t.Errorf("not dropped: %v", err)
			}
		})
	}
	slowest := time.Duration(0)
	for range 100 {
		begin := time.Now()
		if got := do(t, g.delivery(t, testSecret, testBody)); got.Status != 200 {
			t.Fatalf("got %d", got.Status)
		}
		slowest = max(slowest, time.Since(begin))
	}
	if slowest > time.Second {
		t.Errorf("a good delivery took %v", slowest)
	}
	crowd.Wait()
}

func TestFloodOfUnsignedRequestsNeverReachesTheIntake(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	r := g.delivery(t, testSecret, testBody)
	r.Header.Del(signatureHeader)
	for range 500 {
		again := r.Clone(t.Context())
		again.Body, _ = r.GetBody()
		if got := do(t, again); got.Status != 401 {
			t.Fatalf("got %d", got.Status)
		}
	}
	if got := do(t, g.delivery(t, testSecret, testBody)); got.Status != 200 {
		t.Errorf("the good one: %d", got.Status)
	}
	if requests, refused := g.take(); len(requests) != 1 || len(refused) != 500 {
		t.Errorf("handed over %d, refused %d", len(requests), len(refused))
	}
	if g.logs.count("\n") != 1 {
		t.Errorf("logged:\n%s", g.logs)
	}
}

func TestHeadersOverSixteenKiBAreRefused(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	r := g.delivery(t, testSecret, testBody)
	r.Header.Set("X-Large", strings.Repeat("a", 24<<10))
	if got := do(t, r); got.Status != 431 {
		t.Errorf("got %d", got.Status)
	}
}

// net/http refuses these before the handler sees them; what it says of them
// is debug talk, on one line each.
func TestControlCharactersOnTheWireAreRefused(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	for _, id := range []string{"a\x1b[31m", "a\x00", "a\r\n level=ERROR msg=forged", "a\rb"} {
		got := raw(t, g.addr, "POST "+webhookPath+" HTTP/1.1\r\nHost: x\r\n"+eventIDHeader+": "+id+"\r\nContent-Length: 0\r\n\r\n")
		if got.Status < 400 {
			t.Errorf("%q: %d", id, got.Status)
		}
	}
	for line := range strings.Lines(g.logs.String()) {
		if strings.Contains(line, "\x1b") || !strings.HasPrefix(line, "time=") {
			t.Errorf("logged %q", line)
		}
	}
}

func TestTLSIs12OrNewerAndTheCertificateIsReplacedWhileServing(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	cert, key := newCertificate(t, 1)
	writeFile(t, certFile, cert)
	writeFile(t, keyFile, key)

	g := newRig(t, fixedKeys(t, testSecret))
	certs, err := NewCertReloader(certFile, keyFile, g.logs.logger())
	if err != nil {
		t.Fatal(err)
	}
	g.server = NewServer(g.handler, certs, time.Minute, g.logs.logger())
	g.listen(t)
	serial := func() int64 {
		t.Helper()
		conn, err := tls.Dial("tcp", g.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if proto := conn.ConnectionState().NegotiatedProtocol; proto != "http/1.1" {
			t.Errorf("speaks %q", proto)
		}
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", healthyPath)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != 200 {
			t.Fatalf("got %v, %v", response, err)
		}
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("serves certificate %d", got)
	}
	if _, err := tls.Dial("tcp", g.addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("speaks TLS 1.1")
	}

	cert, key = newCertificate(t, 2)
	writeFile(t, certFile, cert)
	if got := serial() + serial(); got != 2 {
		t.Errorf("serves half a pair: %d", got)
	}
	writeFile(t, keyFile, key)
	if got := serial(); got != 2 {
		t.Errorf("serves certificate %d after the change", got)
	}
	remove(t, keyFile)
	if got := serial() + serial(); got != 4 {
		t.Errorf("without a key file: %d", got)
	}
	want := map[string]int{"TLS certificate changed": 1, "TLS certificate unusable": 2, "usable again": 1, "PRIVATE": 0}
	got := map[string]int{}
	for what := range want {
		got[what] = g.logs.count(what)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("logged (-want +got):\n%s\n%s", diff, g.logs)
	}
}

func TestUnusableCertificateIsAnErrorThatNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	cert, _ := newCertificate(t, 1)
	_, key := newCertificate(t, 2)
	for name, write := range map[string]func(){
		"no certificate file": func() {},
		"no key file":         func() { writeFile(t, certFile, cert) },
		"another's key":       func() { writeFile(t, keyFile, key) },
		"no PEM":              func() { writeFile(t, certFile, "hello") },
	} {
		write()
		if _, err := NewCertReloader(certFile, keyFile, nil); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func newCertificate(t *testing.T, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: "heed test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// pipeListener accepts connections that exist in memory only.
type pipeListener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }
