package httpcall_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/actiontest"
)

// tlsServer is an HTTPS server with an authority of its own.
type tlsServer struct {
	*httptest.Server
	authority *actiontest.Authority

	mu     sync.Mutex
	names  []string // of the clients, by their certificates
	opened int
	closed chan struct{}
}

func newTLSServer(t *testing.T, auth tls.ClientAuthType) *tlsServer {
	t.Helper()
	s := &tlsServer{authority: actiontest.NewAuthority(t, "Acme internal CA"), closed: make(chan struct{}, 100)}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range r.TLS.PeerCertificates {
			s.names = append(s.names, c.Subject.CommonName)
		}
	}))
	s.TLS = &tls.Config{
		Certificates: []tls.Certificate{s.authority.Issue(t, "lms.example.test")}, ClientAuth: auth, ClientCAs: s.authority.Pool(),
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			s.opened++
			s.mu.Unlock()
		} else if state == http.StateClosed {
			s.closed <- struct{}{}
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// send sends a call with a tls block.
func (s *tlsServer) send(t *testing.T, block string) actions.Outcome {
	t.Helper()
	return actiontest.MustCompile(t, rule(local(s.URL, ", tls: "+block), `json: {}`)).Send(t, `{}`)
}

func TestTLS_anAuthorityOfItsOwnAndAClientCertificate(t *testing.T) {
	s := newTLSServer(t, tls.RequireAndVerifyClientCert)
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	s.authority.WriteCA(t, ca)
	cert, key := actiontest.WritePair(t, dir, s.authority.Issue(t, "heed-1"))
	a := actiontest.MustCompile(t,
		rule(local(s.URL, fmt.Sprintf(", tls: {ca: %q, cert: %q, key: %q}", ca, cert, key)), `json: {}`))
	for range 3 {
		if got := a.Send(t, `{}`); got.Verdict != actions.Done {
			t.Fatalf("%+v", got)
		}
	}
	actiontest.WritePair(t, dir, s.authority.Issue(t, "heed-2")) // renewed
	if got := a.Send(t, `{}`); got.Verdict != actions.Done {
		t.Fatalf("%+v", got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff([]string{"heed-1", "heed-1", "heed-1", "heed-2"}, s.names); diff != "" {
		t.Error(diff)
	}
	if s.opened != 2 {
		t.Errorf("%d connections", s.opened)
	}
}

func TestTLS_connectionsAreSharedOverReloadsAndClosedWhenNoActionUsesThem(t *testing.T) {
	s := newTLSServer(t, tls.NoClientCert)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	s.authority.WriteCA(t, ca)
	config := rule(local(s.URL, fmt.Sprintf(", tls: {ca: %q}", ca)), `json: {}`)
	before := actiontest.MustCompile(t, config)
	before.Send(t, `{}`)
	after := actiontest.MustCompile(t, config)
	after.Send(t, `{}`)
	runtime.KeepAlive(before)
	s.mu.Lock()
	opened := s.opened
	s.mu.Unlock()
	if opened != 1 {
		t.Errorf("%d connections", opened)
	}
	runtime.KeepAlive(after)
	before, after = nil, nil
	runtime.GC()
	select {
	case <-s.closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection was left behind")
	}
}

func TestTLS_aWrongCertificateIsTriedAgainAndSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	other := actiontest.NewAuthority(t, "Other CA")
	wrong, right := filepath.Join(dir, "wrong.pem"), filepath.Join(dir, "right.pem")
	other.WriteCA(t, wrong)
	cert, key := actiontest.WritePair(t, dir, other.Issue(t, "heed"))
	s := newTLSServer(t, tls.RequireAndVerifyClientCert)
	s.authority.WriteCA(t, right)
	ca := `the server's certificate comes from an authority ("Acme internal CA") that is not trusted here; ` +
		`name a file with that authority's certificate as ca of tls (tls_ca for e-mail)`
	for name, c := range map[string]struct{ block, want string }{
		"wrong authority":       {fmt.Sprintf(`{ca: %q}`, wrong), ca},
		"no client certificate": {fmt.Sprintf(`{ca: %q}`, right), "the server wants another client certificate, or one at all; check cert and key of tls (tls_cert and tls_key for e-mail)"},
		"another's certificate": {fmt.Sprintf(`{ca: %q, cert: %q, key: %q}`, right, cert, key), "the server "},
	} {
		got := s.send(t, c.block)
		if got.Verdict != actions.Retry || got.Cause != actions.CauseServer || !strings.HasPrefix(got.Error, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	plain := actiontest.MustCompile(t, rule(local(s.URL, ""), `json: {}`)).Send(t, `{}`)
	if plain.Verdict != actions.Retry || plain.Error != ca {
		t.Errorf("without tls: %+v", plain)
	}
}

func TestTLS_aFileThatBreaksIsTriedAgain(t *testing.T) {
	s := newTLSServer(t, tls.NoClientCert)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	s.authority.WriteCA(t, ca)
	a := actiontest.MustCompile(t, rule(local(s.URL, fmt.Sprintf(", tls: {ca: %q}", ca)), `json: {}`))
	for name, broken := range map[string]func() error{
		"holds no certificate in PEM form": func() error { return os.WriteFile(ca, []byte("x"), 0o600) },
		"no such file":                     func() error { return os.Remove(ca) },
	} {
		if err := broken(); err != nil {
			t.Fatal(err)
		}
		if got := a.Send(t, `{}`); got.Verdict != actions.Retry || !strings.Contains(got.Error, name) {
			t.Errorf("%s: %+v", name, got)
		}
		s.authority.WriteCA(t, ca)
		if got := a.Send(t, `{}`); got.Verdict != actions.Done {
			t.Errorf("mended: %+v", got)
		}
	}
}

func TestTLS_eachMistakeIsReportedAtItsPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	authority := actiontest.NewAuthority(t, "Test")
	authority.WriteCA(t, "ca.pem")
	actiontest.WritePair(t, ".", authority.Issue(t, "heed"))
	if err := os.WriteFile("text.pem", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	hint := " (put a file in PEM form there, or correct the path, which is relative to where heed runs)"
	for name, c := range map[string]struct{ tls, want string }{
		"good":        {`{ca: ca.pem, cert: cert.pem, key: key.pem}`, ``},
		"a word":      {`implicit`, `config:1:29: error: tls of the http action act must be an object of keys and values, not the text "implicit" [wrong-type] (write tls: {ca: ca.pem}; whether a connection is encrypted is said by https:// in url)`},
		"no key":      {`{cert: cert.pem}`, `config:1:29: error: tls of the http action act needs both cert and key, or neither [missing-key] (write cert: client.pem and key: client-key.pem)`},
		"as a secret": {`{ca: {file: ca.pem}}`, `config:1:34: error: ca of tls of the http action act is always a file, so it is written as its path [wrong-type] (write ca: ca.pem)`},
		"the text":    {`{ca: "-----BEGIN CERTIFICATE-----"}`, `config:1:34: error: ca of tls of the http action act must be the path of a file, not what is in it [wrong-type] (put the text into a file and write ca: and its path)`},
		"empty":       {`{ca: }`, `config:1:34: error: ca of tls of the http action act must be the path of a file, not empty [wrong-type] (write ca: /etc/heed/ca.pem)`},
		"no file":     {`{ca: none.pem}`, `config:1:34: error: tls of the http action act: ca: open none.pem: no such file or directory [bad-tls-file]` + hint},
		"no PEM":      {`{ca: text.pem}`, `config:1:34: error: tls of the http action act: ca: text.pem holds no certificate in PEM form, which begins with -----BEGIN CERTIFICATE----- [bad-tls-file]` + hint},
		"swapped":     {`{cert: key.pem, key: cert.pem}`, `config:1:36: error: tls of the http action act: cert key.pem and key cert.pem cannot be used: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched [bad-tls-file]` + hint},
		"unknown":     {`{ca: ca.pem, insecure: true}`, `config:1:42: error: tls of the http action act has no key insecure [unknown-key] (known here: ca, cert, key)`},
	} {
		t.Run(name, func(t *testing.T) {
			got := actiontest.Compile(t, rule(`http: {url: https://h, tls: `+c.tls+`}`, ``))
			if diff := cmp.Diff(c.want, strings.TrimSuffix(actiontest.Lines(got.Problems), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
	got := actiontest.Lines(actiontest.Compile(t, rule(`http: {url: http://h, tls: {ca: ca.pem}}`, ``)).Problems)
	if want := "config:1:28: warning: tls of the http action act has no effect: its url begins with http:// [no-effect] (write https:// in url, or leave tls out)\n"; got != want {
		t.Error(got)
	}
}
