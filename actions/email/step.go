package email

import (
	"errors"
	"fmt"
	"html"
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"heed/actions"
	"heed/engine/document"
	"heed/engine/expression"
)

// Request is a rendered e-mail.
type Request struct {
	From    string   `json:"from"`
	To      []string `json:"to"`
	Cc      []string `json:"cc,omitempty"`
	ReplyTo string   `json:"reply_to,omitempty"`
	Subject string   `json:"subject"`
	// Headers are those of the configuration.
	Headers map[string]string `json:"headers,omitempty"`
	Text    string            `json:"text,omitempty"`
	HTML    string            `json:"html,omitempty"`
}

type step struct {
	from       string
	headers    map[string]string
	to, cc     []*expression.Template
	replyTo    *expression.Template
	subject    *expression.Template
	text, html *expression.Template
	table      *actions.Table
}

// Step reads to, cc, reply_to, subject, text, html and table.
func (a *action) Step(p *actions.Params) actions.Step {
	s := &step{from: a.from.String(), headers: a.headers}
	if node := p.Require("to", "write to: and an address, such as coach@example.com"); node != nil {
		s.to = readRecipients(p, "to", node)
	}
	if node := p.Take("cc"); node != nil {
		s.cc = readRecipients(p, "cc", node)
	}
	if node := p.Take("reply_to"); node != nil {
		if list := readRecipients(p, "reply_to", node); len(list) == 1 {
			s.replyTo = list[0]
		} else if len(list) > 1 {
			p.Report().Errorf(node.Place(), "wrong-type", "reply_to of %s takes one address", p.What())
		}
	}
	p.Elsewhere = map[string]string{"bcc": "there is no bcc: write another e-mail action for the one who shall not " +
		"be seen"}
	if p.Require("subject", "write subject: and what the e-mail is about") != nil {
		s.subject = p.Template("subject")
	}
	s.text = p.Template("text")
	if node := p.Take("html"); node != nil {
		s.html = readHTML(p, node)
	}
	s.table = p.Table()
	if p.Take("text") == nil && p.Take("html") == nil {
		p.Report().Errorf(p.Node().Place(), "missing-key", "%s has neither text nor html", p.What()).
			Suggest("write text: |, and the message below it")
	}
	return s
}

// readRecipients reads one address or a list of them. A fixed one is checked
// now.
func readRecipients(p *actions.Params, key string, node *document.Node) []*expression.Template {
	items := node.Items()
	if node.IsScalar() {
		items = []*document.Node{node}
	}
	if len(items) == 0 {
		p.Report().Errorf(node.Place(), "wrong-type", "%s of %s must be an address or a list of them, not %s", key,
			p.What(), node.Describe())
	}
	var templates []*expression.Template
	for _, item := range items {
		t := p.AddressTemplateOf(key, item)
		if t == nil {
			continue
		}
		if text, literal := t.IsLiteral(); literal {
			if _, err := readAddress(text); err != nil {
				p.Report().Errorf(item.Place(), "bad-address", "%s of %s: %q is not an e-mail address", key, p.What(),
					text).
					Suggest("%s", addressHint(text))
			}
		} else if strings.ContainsAny(t.Literals(), ",;") {
			p.Report().Errorf(item.Place(), "bad-address", "%s of %s holds several addresses in one text", key,
				p.What()).
				Suggest("write a list: [%q, boss@example.com]", "{{ data.email }}")
		} else {
			checkDomain(p, key, item, t)
		}
		templates = append(templates, t)
	}
	return templates
}

// checkDomain reports an address whose domain an event chooses although the rest of
// it is the rule's: a message that is meant for one person could be sent anywhere.
func checkDomain(p *actions.Params, key string, node *document.Node, t *expression.Template) {
	for hole := range t.Holes() {
		if strings.Contains(hole.Before, "@") {
			p.Report().LaterErrorf(node.Within(hole.From, hole.To), "unsafe-address",
				"%s of %s lets an event choose the domain", key, p.What()).
				Suggest("write the domain, as in {{ data.userId }}@example.com, " +
					"or take the whole address from a field: {{ data.email }}")
			return
		}
	}
}

// addressHint says how to correct what is not an address.
func addressHint(text string) string {
	switch {
	case strings.HasPrefix(text, "data."):
		return fmt.Sprintf("write %q", "{{ "+text+" }}")
	case strings.Count(text, "@") > 1:
		return "write a list: [a@example.com, b@example.com]"
	default:
		return "write one address for each entry, such as coach@example.com"
	}
}

// Render makes the e-mail for an event. A recipient that is missing or not an address
// is an error.
func (s *step) Render(env *expression.Env) (any, error) {
	r := Request{From: s.from, Headers: s.headers, Subject: oneLine(s.subject.Text(env, expression.Plain))}
	var err error
	if r.To, err = addresses(env, s.to); err != nil {
		return nil, err
	}
	if r.Cc, err = addresses(env, s.cc); err != nil {
		return nil, err
	}
	if s.replyTo != nil {
		if r.ReplyTo, err = address(env, s.replyTo); err != nil {
			return nil, err
		}
	}
	if s.text != nil {
		r.Text = s.text.Text(env, expression.Plain)
	}
	if s.html != nil {
		r.HTML = s.html.Text(env, html.EscapeString) // each hole has an escape of its own
	}
	s.addTable(&r, env)
	return r, nil
}

func addresses(env *expression.Env, templates []*expression.Template) ([]string, error) {
	var list []string
	for _, t := range templates {
		a, err := address(env, t)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// address renders exactly one address: an event cannot add another.
func address(env *expression.Env, t *expression.Template) (string, error) {
	text, err := t.Strict(env, func(value string) (string, error) {
		if value = strings.TrimSpace(value); strings.ContainsAny(value, "\r\n\x00,;<>") {
			return "", errors.New("holds what an e-mail address cannot")
		}
		return value, nil
	})
	if err != nil {
		return "", err
	}
	address, err := readAddress(text)
	if err != nil {
		return "", fmt.Errorf("%q is not an e-mail address", text)
	}
	return address, nil
}

// readAddress reads one address and writes its domain as the mail system does:
// bücher.example as xn--bcher-kva.example.
func readAddress(text string) (string, error) {
	parsed, err := mail.ParseAddress(text)
	if err != nil {
		return "", err
	}
	at := strings.LastIndexByte(parsed.Address, '@')
	domain := parsed.Address[at+1:]
	if isASCII(domain) {
		return text, nil
	}
	if domain, err = idna.Lookup.ToASCII(domain); err != nil {
		return "", err
	}
	parsed.Address = parsed.Address[:at+1] + domain
	if parsed.Name == "" {
		return parsed.Address, nil
	}
	return parsed.String(), nil
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

// maxSubject is how long a subject can be, in characters, so that mail programs show
// it and servers accept it.
const maxSubject = 250

// oneLine puts a subject on one line and shortens one that is too long.
func oneLine(subject string) string {
	subject = strings.Join(strings.FieldsFunc(subject, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
	if runes := []rune(subject); len(runes) > maxSubject {
		return string(runes[:maxSubject-1]) + "…"
	}
	return subject
}
