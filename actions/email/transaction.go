package email

import (
	"errors"
	"fmt"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"heed/actions/outbound"
	"heed/engine/record"
)

// transaction hands over one message for the recipients who neither have it nor were
// refused for good. The library's own transaction gives up the whole message when one
// recipient is refused.
type transaction struct {
	recipients []record.Recipient
	secrets    []string
	// answer is what the server said when it took the message.
	answer string
}

// begin starts from the results of the earlier attempts.
func begin(addresses []string, before []record.Recipient, secrets []string) *transaction {
	t := &transaction{secrets: secrets}
	for _, address := range addresses {
		r := record.Recipient{Address: address, State: record.Pending}
		if i := slices.IndexFunc(before, func(b record.Recipient) bool { return b.Address == address }); i >= 0 {
			r = before[i]
		}
		t.recipients = append(t.recipients, r)
	}
	return t
}

// run makes the transaction. An error concerns the message or the server; what
// concerns single recipients is in their states. The states of those who were
// accepted change only when the server has taken the message.
func (t *transaction) run(session *smtp.Client, message *gomail.Msg) error {
	sender, err := message.GetSender(false)
	if err != nil {
		return err
	}
	if err := session.Mail(sender); err != nil {
		return fmt.Errorf("the sender: %w", err)
	}
	var accepted []int
	for i := range t.recipients {
		r := &t.recipients[i]
		if r.State == record.Done || r.State == record.Dead {
			continue
		}
		err := session.Rcpt((&mail.Address{Address: r.Address}).String())
		if err == nil {
			accepted = append(accepted, i)
			continue
		}
		if !t.refuse(r, err) {
			return err
		}
	}
	if len(accepted) == 0 {
		return nil
	}
	if err := t.send(session, message); err != nil {
		return err
	}
	for _, i := range accepted {
		t.recipients[i] = record.Recipient{Address: t.recipients[i].Address, State: record.Done}
	}
	return nil
}

// closing is the reply code of a server that ends the connection.
const closing = 421

// refuse takes note of a refusal of one recipient; false if it was something
// else, such as the end of the connection.
func (t *transaction) refuse(r *record.Recipient, err error) bool {
	var reply *textproto.Error
	if !errors.As(err, &reply) || reply.Code == closing {
		return false
	}
	r.State = record.Retrying
	r.Error = outbound.Excerpt(fmt.Appendf(nil, "%d %s", reply.Code, reply.Msg), t.secrets...)
	if reply.Code >= 500 {
		r.State = record.Dead
	}
	return true
}

func (t *transaction) send(session *smtp.Client, message *gomail.Msg) error {
	writer, err := session.Data()
	if err != nil {
		return err
	}
	if _, err := message.WriteTo(writer); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	if closer, ok := writer.(*smtp.DataCloser); ok {
		t.answer = outbound.Excerpt([]byte(closer.ServerResponse()), t.secrets...)
	}
	return nil
}

// refused says who was refused and why, of the recipients in a state.
func (t *transaction) refused(state record.State) string {
	var list []string
	for _, r := range t.recipients {
		if r.State == state {
			list = append(list, r.Address+": "+r.Error)
		}
	}
	return strings.Join(list, "; ")
}

func (t *transaction) has(state record.State) bool {
	return slices.ContainsFunc(t.recipients, func(r record.Recipient) bool { return r.State == state })
}
