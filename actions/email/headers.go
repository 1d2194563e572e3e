package email

import (
	"maps"
	"net/textproto"
	"slices"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"heed/actions"
	"heed/engine/document"
)

// autoSubmitted says that nobody wrote the mail (RFC 3834), so that no
// out-of-office notice answers it.
const autoSubmitted = "Auto-Submitted"

// reserved are headers that heed sets, from keys of their own or by itself.
var reserved = []string{
	"From", "To", "Cc", "Bcc", "Reply-To", "Subject", "Date", "Message-Id", "Mime-Version", "Return-Path", "Received",
	"Sender",
}

// readHeaders takes headers, which are the same for every mail.
func (a *action) readHeaders(c *actions.Config) {
	node := c.Take("headers")
	if node == nil {
		return
	}
	a.headers = map[string]string{}
	for _, pair := range node.Fields(c.Report(), "headers of "+c.What()).Pairs() {
		name := textproto.CanonicalMIMEHeaderKey(pair.Key.Text())
		if !checkHeader(c, name, pair) {
			continue
		}
		if _, twice := a.headers[name]; twice {
			c.Report().Errorf(pair.Key.Place(), "duplicate-key", "the header %s is given twice", name).
				Suggest("remove one of the two: capital letters make no difference in a header's name")
		}
		a.headers[name] = pair.Value.Text()
	}
}

// checkHeader reports a header that a mail cannot have.
func checkHeader(c *actions.Config, name string, pair document.Pair) bool {
	report := c.Report()
	valid := name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' })
	switch {
	case !valid:
		report.Errorf(pair.Key.Place(), "bad-header", "%q is not a name for a header", pair.Key.Text()).
			Suggest("write letters, digits and hyphens, such as X-Team")
	case slices.Contains(reserved, name) || strings.HasPrefix(name, "Content-"):
		report.Errorf(pair.Key.Place(), "bad-header", "the header %s is set by heed itself", name).
			Suggest("leave it out")
	case !pair.Value.IsScalar() || pair.Value.IsNull():
		report.Errorf(pair.Value.Place(), "wrong-type", "the header %s of %s must be a text, not %s", name, c.What(),
			pair.Value.Describe()).
			Suggest("write %s: and its value", name)
	case strings.Contains(pair.Value.Text(), "{{"):
		report.Errorf(pair.Value.Place(), "template-not-allowed",
			"the header %s of %s is fixed: it cannot hold a template", name, c.What()).
			Suggest("put what differs into the subject or the text")
	case strings.ContainsFunc(pair.Value.Text(), func(r rune) bool { return r < ' ' || r == 0x7f }):
		report.Errorf(pair.Value.Place(), "bad-header", "the header %s of %s holds a line break or control character",
			name, c.What()).
			Suggest("write it on one line, in quotes")
	default:
		return true
	}
	return false
}

// setHeaders sets the recorded headers of a mail.
func setHeaders(m *gomail.Msg, headers map[string]string) {
	m.SetGenHeader(autoSubmitted, "auto-generated")
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		m.SetGenHeader(gomail.Header(name), headers[name])
	}
}
