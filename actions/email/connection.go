package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"heed/actions"
	"heed/actions/outbound"
)

// goodbye bounds the wait for a server's answer to QUIT.
const goodbye = time.Second

// hand connects to the server and hands the message over. The connection is
// heed's own, not the library's: that one leaves it open when the greeting fails,
// sends a half-written message on quitting, and knows no context.
func (a *action) hand(ctx context.Context, message *gomail.Msg, l login, t *transaction) error {
	config, err := a.tlsConfig()
	if err != nil {
		return err
	}
	connection, err := a.dial(ctx, config)
	if err != nil {
		return err
	}
	defer connection.Close()
	stop := context.AfterFunc(ctx, func() { _ = connection.Close() })
	defer stop()
	client, err := gomail.NewClient(a.host, a.options(connection, config, l)...)
	if err != nil {
		return err
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	if err := t.run(session, message); err != nil {
		return err
	}
	// Once the server has taken the message it counts as sent, whatever happens to
	// the goodbye.
	_ = connection.SetDeadline(time.Now().Add(goodbye))
	_ = session.Quit()
	return nil
}

// dial connects through the guarded dialer.
func (a *action) dial(ctx context.Context, config *tls.Config) (net.Conn, error) {
	dialer := outbound.Dialer(a.settings.AllowPrivate)
	address := net.JoinHostPort(a.host, strconv.Itoa(a.port))
	if a.mode == "implicit" {
		return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", address)
	}
	return dialer.DialContext(ctx, "tcp", address)
}

// options returns the library's options for one connection.
func (a *action) options(connection net.Conn, config *tls.Config, l login) []gomail.Option {
	options := []gomail.Option{
		gomail.WithPort(a.port),
		// Nothing comes before or after the one message, and a server that
		// stumbles over RSET has taken it already.
		gomail.WithoutNoop(), gomail.WithoutRset(),
		gomail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return connection, nil }),
		// The context ends an attempt; the library's own deadline must not
		// come before it.
		gomail.WithTimeout(2 * a.settings.Timeout),
	}
	switch a.mode {
	case "none":
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	case "implicit":
		options = append(options, gomail.WithSSL())
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithTLSConfig(config))
	}
	if a.helo != "" {
		options = append(options, gomail.WithHELO(a.helo))
	}
	return append(options, l.options()...)
}

// failed classifies a failure by the server's code: 4xx is temporary, 5xx is not. A
// failure without a code is a broken connection and worth another try.
func failed(ctx context.Context, err error, l login) actions.Outcome {
	code := replyCode(err)
	if code == 0 && ctx.Err() != nil {
		err = ctx.Err()
	}
	o := outbound.Failed(err, l.secrets()...)
	if code >= 500 {
		o.Verdict, o.Cause = actions.Dead, actions.CauseDelivery
	}
	switch {
	case strings.Contains(o.Error, "does not support STARTTLS"):
		o.Error = "the mail server offers no STARTTLS, so nothing was sent; write tls: implicit if it has TLS on a " +
			"port of its own"
	case strings.Contains(o.Error, "does not support SMTP AUTH"):
		o.Error = "the mail server takes no username and password; leave them out, or correct the port"
	case code == 530, code == 534, code == refusedLogin:
		o.Error += "; " + l.advice()
		if l.renewable {
			o.Verdict, o.Cause, o.Attempts = actions.Retry, actions.CauseServer, outbound.Renewals
		}
	}
	return o
}

// replyCode returns the code with which the server refused; zero if it did not.
func replyCode(err error) int {
	var send *gomail.SendError
	var protocol *textproto.Error
	switch {
	case errors.As(err, &send):
		return send.ErrorCode()
	case errors.As(err, &protocol):
		return protocol.Code
	default:
		return 0
	}
}
