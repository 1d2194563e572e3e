package email

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"heed/actions"
	"heed/engine/record"
)

// Send sends the e-mail. Its Message-ID is made of the delivery's id, the same
// for every attempt, so that a server or reader can tell a repeat.
func (a *action) Send(ctx context.Context, m actions.Message) actions.Outcome {
	var r Request
	if err := json.Unmarshal(m.Request, &r); err != nil {
		return dead("the recorded request cannot be read: %v", err)
	}
	message, err := compose(r, m.ID)
	if err != nil {
		return dead("the e-mail cannot be built: %v", err)
	}
	login, err := a.login(ctx)
	if err != nil {
		return noLogin(err)
	}
	t := begin(receivers(r), m.Recipients, login.secrets())
	err = a.hand(ctx, message, login, t)
	if renewed, ok := a.renew(ctx, login, err); ok {
		login = renewed
		t.secrets = login.secrets()
		err = a.hand(ctx, message, login, t)
	}
	if err != nil {
		o := failed(ctx, err, login)
		o.Recipients = t.recorded()
		return o
	}
	return t.outcome()
}

// outcome returns the result of a transaction that was not cut short. Only the
// recipients who were refused temporarily are tried again.
func (t *transaction) outcome() actions.Outcome {
	o := actions.Outcome{
		Verdict: actions.Done, Response: t.answer, Recipients: t.recorded(), Error: t.refused(record.Dead),
	}
	switch {
	case t.has(record.Retrying):
		o.Verdict, o.Error = actions.Retry, t.refused(record.Retrying)
	case !t.has(record.Done):
		o.Verdict = actions.Dead
	}
	return o
}

// recorded returns the recipients in the form in which they are recorded. A single
// recipient is not recorded, since the delivery's own state says the same.
func (t *transaction) recorded() []record.Recipient {
	if len(t.recipients) == 1 {
		return nil
	}
	return t.recipients
}

// receivers returns the bare addresses of everybody who gets the e-mail, each once.
func receivers(r Request) []string {
	var list []string
	for _, text := range slices.Concat(r.To, r.Cc) {
		if address, err := mail.ParseAddress(text); err == nil && !slices.Contains(list, address.Address) {
			list = append(list, address.Address)
		}
	}
	return list
}

// compose builds the e-mail, the same for every attempt but for its date.
func compose(r Request, id string) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(m.From(r.From), m.To(r.To...), m.Cc(r.Cc...)); err != nil {
		return nil, err
	}
	if r.ReplyTo != "" {
		if err := m.ReplyTo(r.ReplyTo); err != nil {
			return nil, err
		}
	}
	m.SetMessageIDWithValue(id + "@" + domain(r.From))
	m.SetDate()
	setHeaders(m, r.Headers)
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

// domain returns the domain of the recorded sender. The configured one could change
// between two attempts, and with it the Message-ID.
func domain(from string) string {
	address, err := mail.ParseAddress(from)
	if err != nil {
		return "heed"
	}
	return address.Address[strings.LastIndexByte(address.Address, '@')+1:]
}

func dead(format string, args ...any) actions.Outcome {
	return actions.Outcome{Verdict: actions.Dead, Error: fmt.Sprintf(format, args...)}
}
