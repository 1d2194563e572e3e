package email_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"heed/actions/actiontest"
	"heed/actions/email"
)

func TestMain(m *testing.M) { actiontest.VerifyNoLeaks(m) }

const password = "canary-5ecret"

// server is a mail server with what can go wrong with one.
type server struct {
	noTLS    bool          // offers no STARTTLS
	implicit bool          // TLS from the first byte
	login    bool          // offers AUTH PLAIN for heed and password
	tls      *tls.Config   // nil for that of authority
	token    func() string // with login: XOAUTH2 with this token instead of PLAIN
	onMail   error
	onRcpt   map[string]error
	onAuth   error
	// onData, if not nil, stands for taking the message in.
	onData func(c *smtp.Conn, r io.Reader) error

	addr  string
	mu    sync.Mutex
	mails []received
	// commands counts what the server was asked.
	logins, rcpts int
	helo          string
	inTLS         bool
}

// received is a mail as it arrived.
type received struct {
	from string
	to   []string
	raw  string
	*mail.Message
}

func (s *server) start(t testing.TB) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		if s.login {
			return &authSession{session{server: s, conn: c}}, nil
		}
		return &session{server: s, conn: c}, nil
	}))
	srv.Domain, srv.ErrorLog, srv.EnableSMTPUTF8 = "mail.test", log.New(io.Discard, "", 0), true
	config := &tls.Config{Certificates: []tls.Certificate{authority.certificate}}
	if s.tls != nil {
		config = s.tls
	}
	if s.implicit {
		listener = tls.NewListener(listener, config)
	} else if !s.noTLS {
		srv.TLSConfig = config
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(listener) }()
	t.Cleanup(func() {
		_ = srv.Close()
		_ = listener.Close() // it may not have been served yet
		<-done
	})
	return s
}

func (s *server) got() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mails
}

// only is the one mail that arrived.
func (s *server) only(t testing.TB) received {
	t.Helper()
	got := s.got()
	if len(got) != 1 {
		t.Fatalf("%d mails arrived", len(got))
	}
	return got[0]
}

type session struct {
	server *server
	conn   *smtp.Conn
	mail   received
}

func (s *session) Reset()        { s.mail = received{} }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.server.mu.Lock()
	s.server.helo = s.conn.Hostname()
	s.server.mu.Unlock()
	s.mail.from = from
	return s.server.onMail
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	s.server.rcpts++
	s.server.mu.Unlock()
	if err := s.server.onRcpt[to]; err != nil {
		return err
	}
	s.mail.to = append(s.mail.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	if s.server.onData != nil {
		if err := s.server.onData(s.conn, r); err != nil {
			return err
		}
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.raw = string(raw)
	if s.mail.Message, err = mail.ReadMessage(strings.NewReader(s.mail.raw)); err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.mail)
	_, s.server.inTLS = s.conn.TLSConnectionState()
	return nil
}

type authSession struct{ session }

func (s *authSession) AuthMechanisms() []string {
	if s.server.token != nil {
		return []string{"XOAUTH2"}
	}
	return []string{sasl.Plain}
}

// tokenAuth is XOAUTH2: a refusal is a challenge, and an error once that was answered.
type tokenAuth struct {
	want    string
	refused bool
}

func (a *tokenAuth) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case string(response) == "user=heed\x01auth=Bearer "+a.want+"\x01\x01":
		return nil, true, nil
	case a.refused:
		return nil, false, &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no login"}
	default:
		a.refused = true
		return []byte(`{"status":"401"}`), false, nil
	}
}

func (s *authSession) Auth(string) (sasl.Server, error) {
	if s.server.token != nil {
		s.server.mu.Lock()
		s.server.logins++
		s.server.mu.Unlock()
		return &tokenAuth{want: s.server.token()}, nil
	}
	return sasl.NewPlainServer(func(_, username, pass string) error {
		s.server.mu.Lock()
		s.server.logins++
		s.server.mu.Unlock()
		switch {
		case s.server.onAuth != nil:
			return s.server.onAuth
		case username != "heed" || pass != password:
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no login for " + username + " with " + pass}
		}
		return nil
	}), nil
}

// authority is a certificate authority with a certificate for the servers.
var authority = func() (a struct {
	pool        *x509.CertPool
	certificate tls.Certificate
},
) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(err)
	certificate, err := x509.ParseCertificate(der)
	must(err)
	a.pool = x509.NewCertPool()
	a.pool.AddCert(certificate)
	a.certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return a
}()

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// rule is an email action and a step that uses it.
func rule(config, step string) actiontest.Rule {
	return actiontest.Rule{
		Kind: email.Kind{TLS: &tls.Config{RootCAs: authority.pool}}, Config: config, Step: step, Live: true,
		Env: map[string]string{"USER": "heed", "PASSWORD": password, "WRONG": "canary-wrong"},
	}
}

// rule is an action for the server, with more keys.
func (s *server) rule(more, step string) actiontest.Rule {
	scheme := "smtp"
	if s.implicit {
		scheme = "smtps"
	}
	return rule(`email: {smtp: "`+scheme+"://"+s.addr+`", from: "Enablement <enablement@example.com>", allow_private: true`+more+`}`, step)
}

const simple = `{to: coach@example.com, subject: Hello, text: "{{ data.userId }}"}`

// scripted serves connections line by line with raw answers; nothing is
// answered to what answer gives "" for, and "hang up" ends the connection. ended
// receives once for each connection that the client ended.
func scripted(t *testing.T, greeting string, answer func(line string) string) (addr string, ended <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{}, 100)
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() {
				defer c.Close()
				_, _ = io.WriteString(c, greeting)
				for lines := bufio.NewReader(c); ; {
					line, err := lines.ReadString('\n')
					if err != nil {
						if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "reset") {
							closed <- struct{}{}
						}
						return
					}
					reply := answer(strings.TrimSpace(line))
					if reply == "hang up" {
						return
					}
					_, _ = io.WriteString(c, reply)
				}
			})
		}
	})
	t.Cleanup(func() { listener.Close(); connections.Wait() })
	return listener.Addr().String(), closed
}

// kindWithoutCA trusts only what the machine trusts.
var kindWithoutCA = email.Kind{}
