package main

import (
	"io"
	"log"
	"net"
	"net/mail"
	"strings"
	"sync"

	"github.com/emersion/go-smtp"
)

// mailServer refuses each recipient the first time, as servers do that greylist,
// and takes the mail the second time.
type mailServer struct {
	address string
	ledger  *ledger
	server  *smtp.Server
	mu      sync.Mutex
	seen    map[string]bool // recipients
}

func openMailServer(l *ledger) (*mailServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &mailServer{address: listener.Addr().String(), ledger: l, seen: map[string]bool{}}
	s.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &mailSession{server: s},
			nil
	}))
	s.server.Domain, s.server.ErrorLog = "mail.test", log.New(io.Discard, "", 0)
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

func (s *mailServer) close() { _ = s.server.Close() }

// greylists says whether the recipient comes for the first time.
func (s *mailServer) greylists(recipient string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.seen[recipient]
	s.seen[recipient] = true
	return first
}

type mailSession struct{ server *mailServer }

// Reset has nothing to forget.
func (*mailSession) Reset() {}

// Logout has nothing to end.
func (*mailSession) Logout() error { return nil }

// Mail takes every sender.
func (*mailSession) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt refuses a recipient who comes for the first time.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.server.greylists(to) {
		return &smtp.SMTPError{Code: 450, Message: "greylisted"}
	}
	return nil
}

// Data notes the delivery, whose id is in the Message-ID.
func (s *mailSession) Data(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, message.Body); err != nil {
		return err
	}
	id, _, _ := strings.Cut(strings.Trim(message.Header.Get("Message-Id"), "<>"), "@")
	s.server.ledger.note(wordGot, id)
	return nil
}
