// Package email is the kind of action that sends an e-mail through an SMTP
// server.
package email

import (
	"crypto/tls"
	"net/mail"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"heed/actions"
	"heed/actions/outbound"
	"heed/engine/source"
)

// Kind makes email actions. TLS, if not nil, is the base of their TLS
// configuration; tests put their certificate authority into it.
type Kind struct{ TLS *tls.Config }

// Name is "email".
func (Kind) Name() string { return "email" }

// Defaults are the settings of an email action.
func (Kind) Defaults() actions.Settings {
	return actions.Settings{Retry: actions.DefaultRetry, Timeout: 30 * time.Second, Concurrency: 2}
}

type action struct {
	host               string
	port               int
	mode               string // starttls, implicit, none
	username, password actions.Secret
	from               *mail.Address
	settings           actions.Settings
	tls                *tls.Config
}

// Configure reads smtp, username, password, from and tls.
func (k Kind) Configure(c *actions.Config) actions.Action {
	a := &action{mode: "starttls", settings: c.Settings, tls: k.TLS, from: &mail.Address{}}
	if node := c.Require("smtp"); node != nil {
		a.readServer(c, node)
	}
	if mode, ok := c.Text("tls"); ok {
		a.mode = mode
		if mode != "starttls" && mode != "implicit" && mode != "none" {
			c.Report().Errorf(c.Take("tls").Place(), "wrong-type", "tls of %s cannot be %s", c.What(), mode).
				Suggest("write starttls (the usual), implicit (port 465) or none")
		}
	}
	if node := c.Take("username"); node != nil {
		a.username = c.SecretOf("username", node, false)
	}
	a.password = c.Secret("password")
	if a.username.IsSet() != a.password.IsSet() {
		c.Report().Errorf(c.Node().Place(), "missing-key", "%s needs both username and password, or neither", c.What())
	}
	if a.mode == "none" && a.password.IsSet() {
		c.Report().Errorf(c.Take("tls").Place(), "plain-password", "%s would send its password unencrypted", c.What()).
			Suggest("write tls: starttls")
	}
	if node := c.Require("from"); node != nil {
		from, err := mail.ParseAddress(node.Text())
		if err != nil {
			c.Report().Errorf(node.Place(), "bad-address", "from of %s is no e-mail address", c.What()).
				Suggest(`write from: "Enablement <enablement@example.com>"`)
		} else {
			a.from = from
		}
	}
	return a
}

// readServer reads smtp://host:port; smtps:// means TLS from the first byte.
func (a *action) readServer(c *actions.Config, node *source.Node) {
	rest, secure := strings.CutPrefix(node.Text(), "smtps://")
	if !secure {
		rest, _ = strings.CutPrefix(rest, "smtp://")
	}
	a.port = 587
	if secure {
		a.mode, a.port = "implicit", 465
	}
	host, port, hasPort := strings.Cut(rest, ":")
	if strings.HasPrefix(rest, "[") {
		var after string
		host, after, _ = strings.Cut(rest[1:], "]")
		port, hasPort = strings.CutPrefix(after, ":")
	}
	if hasPort {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			host = ""
		}
		a.port = n
	}
	a.host = host
	if host == "" || strings.ContainsAny(host, "/@{} ") {
		c.Report().Errorf(node.Place(), "bad-url", "smtp of %s is no server", c.What()).
			Suggest("write smtp: smtp://mail.example.com:587")
		return
	}
	if err := outbound.CheckHost(host); err != nil && !c.Settings.AllowPrivate {
		c.Report().Errorf(node.Place(), "private-address", "smtp of %s: %v", c.What(), err).
			Suggest("add allow_private: true")
	}
}

// options are the library's, for one connection.
func (a *action) options() ([]gomail.Option, error) {
	timeout := a.settings.Timeout
	options := []gomail.Option{
		gomail.WithPort(a.port), gomail.WithTimeout(timeout),
		gomail.WithDialContextFunc(a.dialer()),
	}
	switch a.mode {
	case "none":
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithTLSConfig(a.tlsConfig()))
	}
	if a.username.IsSet() {
		username, err := a.username.Value()
		if err != nil {
			return nil, err
		}
		password, err := a.password.Value()
		if err != nil {
			return nil, err
		}
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(username), gomail.WithPassword(password))
	}
	return options, nil
}

// dialer is the guarded one; with implicit TLS it makes the TLS connection
// too, since a dialer of our own replaces the library's.
func (a *action) dialer() gomail.DialContextFunc {
	dialer := outbound.Dialer(a.settings.AllowPrivate)
	if a.mode == "implicit" {
		return (&tls.Dialer{NetDialer: dialer, Config: a.tlsConfig()}).DialContext
	}
	return dialer.DialContext
}

func (a *action) tlsConfig() *tls.Config {
	config := &tls.Config{}
	if a.tls != nil {
		config = a.tls.Clone()
	}
	config.ServerName, config.MinVersion = a.host, tls.VersionTLS12
	return config
}
