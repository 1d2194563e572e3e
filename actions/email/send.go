package email

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"heed/actions"
	"heed/actions/outbound"
)

// Send sends the e-mail. Its Message-ID is made of the delivery's id, the same
// for every attempt, so that a server or reader can tell a repeat.
func (a *action) Send(ctx context.Context, m actions.Message) actions.Outcome {
	var r Request
	if err := json.Unmarshal(m.Request, &r); err != nil {
		return dead("the recorded request cannot be read: %v", err)
	}
	message, err := a.message(r, m.ID)
	if err != nil {
		return dead("the e-mail cannot be built: %v", err)
	}
	options, err := a.options()
	if err != nil {
		return actions.Outcome{Verdict: actions.Retry, Error: err.Error()}
	}
	client, err := gomail.NewClient(a.host, options...)
	if err != nil {
		return dead("the mail server's configuration cannot be used: %v", err)
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return a.failed(err)
	}
	// Once the server has taken the message it is sent, whatever happens to
	// the goodbye.
	defer func() { _ = client.CloseWithSMTPClient(connection) }()
	if err := client.SendWithSMTPClient(connection, message); err != nil && !message.IsDelivered() {
		return a.failed(err)
	}
	return actions.Outcome{Verdict: actions.Done}
}

func (a *action) message(r Request, id string) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(m.From(r.From), m.To(r.To...), m.Cc(r.Cc...)); err != nil {
		return nil, err
	}
	if r.ReplyTo != "" {
		if err := m.ReplyTo(r.ReplyTo); err != nil {
			return nil, err
		}
	}
	_, domain, _ := strings.Cut(a.from.Address, "@")
	m.SetMessageIDWithValue(id + "@" + domain)
	m.SetDate()
	m.Subject(r.Subject)
	switch {
	case r.Text != "" && r.HTML != "":
		m.SetBodyString(gomail.TypeTextPlain, r.Text)
		m.AddAlternativeString(gomail.TypeTextHTML, r.HTML)
	case r.HTML != "":
		m.SetBodyString(gomail.TypeTextHTML, r.HTML)
	default:
		m.SetBodyString(gomail.TypeTextPlain, r.Text)
	}
	return m, nil
}

// failed classifies by the server's code: 4xx is temporary, 5xx is not. What
// has no code is a broken connection and worth another try.
func (a *action) failed(err error) actions.Outcome {
	secrets := a.secrets()
	o := outbound.Failed(err, secrets...)
	var protocol *textproto.Error
	var send *gomail.SendError
	switch {
	case o.Verdict == actions.Dead:
	case errors.As(err, &send) && send.ErrorCode() >= 500 && !send.IsTemp():
		o.Verdict = actions.Dead
	case errors.As(err, &protocol) && protocol.Code >= 500:
		o.Verdict = actions.Dead
	}
	return o
}

func (a *action) secrets() []string {
	var secrets []string
	for _, s := range []actions.Secret{a.username, a.password} {
		if value, err := s.Value(); s.IsSet() && err == nil {
			secrets = append(secrets, value)
		}
	}
	return secrets
}

func dead(format string, args ...any) actions.Outcome {
	return actions.Outcome{Verdict: actions.Dead, Error: fmt.Sprintf(format, args...)}
}
