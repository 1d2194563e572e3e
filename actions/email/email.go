// Package email is the kind of action that sends an e-mail through an SMTP
// server.
package email

import (
	"crypto/tls"
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"heed/actions"
	"heed/actions/connect"
	"heed/actions/outbound"
)

// Kind makes email actions. TLS, if not nil, is the base of their TLS
// configuration; tests put their certificate authority into it.
type Kind struct{ TLS *tls.Config }

// Name returns "email".
func (Kind) Name() string { return "email" }

// Defaults returns the settings of an email action. Mail servers allow few connections
// from one address, and every mail takes one.
func (Kind) Defaults() actions.Settings {
	return actions.Settings{Retry: actions.DefaultRetry, Timeout: 30 * time.Second, Concurrency: 2}
}

type action struct {
	host               string
	port               int
	mode               string // starttls, implicit, none
	username, password actions.Secret
	plainName          bool // the username stands in the rule file
	from               *mail.Address
	settings           actions.Settings
	tls                *tls.Config
	oauth2             *outbound.OAuth2 // nil if there is a password, or no login
	// network has the certificates; the token is requested through it.
	network outbound.Network
	headers map[string]string // of every mail
	helo    string            // how heed greets the server; empty for the machine's name
}

// Configure reads smtp, username, password or oauth2, from, headers, helo, tls, tls_ca,
// tls_cert and tls_key.
func (k Kind) Configure(c *actions.Config) actions.Action {
	a := &action{settings: c.Settings, tls: k.TLS, from: &mail.Address{}}
	a.readServer(c)
	a.readCertificates(c)
	a.readLogin(c)
	a.readHelo(c)
	a.readHeaders(c)
	if node := c.Require("from", `write from: "Enablement <enablement@example.com>"`); node != nil {
		from, err := mail.ParseAddress(node.Text())
		if err != nil {
			c.Report().Errorf(node.Place(), "bad-address", "from of %s is not an e-mail address", c.What()).
				Suggest(`write from: "Enablement <enablement@example.com>"`)
		} else {
			a.from = from
		}
	}
	return a
}

// readServer reads smtp and tls. smtp://host:port uses STARTTLS unless tls says
// otherwise, smtps:// TLS from the first byte.
func (a *action) readServer(c *actions.Config) {
	node := c.Require("smtp", "write smtp: smtp://mail.example.com:587")
	mode, hasMode := readMode(c)
	if a.mode = "starttls"; hasMode {
		a.mode = mode
	}
	if node == nil {
		return
	}
	host, port, secure, ok := parseServer(node.Text())
	if !ok {
		c.Report().Errorf(node.Place(), "bad-url", "smtp of %s is not a server", c.What()).
			Suggest("write smtp: smtp://mail.example.com:587; username and password have keys of their own")
		return
	}
	if secure && hasMode && mode != "implicit" {
		c.Report().Errorf(c.Take("tls").Place(), "wrong-type",
			"tls of %s is %s, but smtps:// means TLS from the first byte", c.What(), mode).
			Suggest("leave tls out, or write smtp:// in front of the server")
	}
	if secure {
		a.mode = "implicit"
	}
	switch {
	case port == 0:
		port = defaultPorts[a.mode]
	case port == 465 && a.mode == "starttls", port == 587 && a.mode == "implicit":
		c.Report().Warnf(node.Place(), "suspicious",
			"port %d of %s usually speaks the other kind of TLS", port, c.What()).
			Suggest("write smtps://%s:465, or smtp://%s:587", host, host)
	}
	a.host, a.port = host, port
	if err := outbound.CheckHost(host); err != nil && !c.Settings.AllowPrivate {
		c.Report().Errorf(node.Place(), "private-address", "smtp of %s: %v", c.What(), err).
			Suggest("add allow_private: true")
	}
}

// readMode takes tls.
func readMode(c *actions.Config) (mode string, ok bool) {
	if node := c.Take("tls"); node != nil && node.IsObject() {
		c.Report().Errorf(node.Place(), "wrong-type",
			"tls of %s says how the connection is encrypted, and is a word", c.What()).
			Suggest("write tls_ca, tls_cert and tls_key for certificates")
		return "", false
	}
	mode, ok = c.Text("tls")
	if ok && mode != "starttls" && mode != "implicit" && mode != "none" {
		c.Report().Errorf(c.Take("tls").Place(), "wrong-type", "tls of %s cannot be %s", c.What(), mode).
			Suggest("write starttls (the usual), implicit (port 465) or none")
	}
	return mode, ok
}

// defaultPorts are the ports on which servers accept mail; 25 is the one without TLS.
var defaultPorts = map[string]int{"starttls": 587, "implicit": 465, "none": 25}

// parseServer reads smtp://host:port or smtps://host:port; a bare host:port is
// smtp. Port is 0 if there is none.
func parseServer(text string) (host string, port int, secure, ok bool) {
	if !strings.Contains(text, "://") {
		text = "smtp://" + text
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "smtp" && u.Scheme != "smtps") || u.User != nil || strings.Trim(u.Path, "/") != "" ||
		strings.ContainsAny(text, "?#{}") || u.Hostname() == "" {
		return "", 0, false, false
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return "", 0, false, false
		}
	}
	return u.Hostname(), port, u.Scheme == "smtps", true
}

// hostName matches a host name that a greeting can have, or an address in brackets.
var hostName = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.IPv]+\])$`)

// readHelo takes helo: some servers refuse a greeting with a name that they cannot
// look up, as a container's is.
func (a *action) readHelo(c *actions.Config) {
	name, ok := c.Text("helo")
	if !ok {
		return
	}
	if !hostName.MatchString(name) {
		c.Report().Errorf(c.Take("helo").Place(), "wrong-type", "helo of %s must be the name of a host, not %s",
			c.What(), c.Take("helo").Describe()).
			Suggest("write helo: and the name under which the mail server knows this machine, such as heed.example.com")
		return
	}
	a.helo = name
}

// readCertificates reads tls_ca, tls_cert and tls_key.
func (a *action) readCertificates(c *actions.Config) {
	a.network.AllowPrivate = c.Settings.AllowPrivate
	a.network.Certificates = connect.MailTLS(c)
	if a.mode == "none" && a.network.Certificates != (outbound.Certificates{}) {
		c.Report().Warnf(c.Take("tls").Place(), "no-effect",
			"tls_ca, tls_cert and tls_key of %s have no effect without TLS", c.What()).
			Suggest("write tls: starttls, or leave them out")
	}
}

// tlsConfig returns the TLS configuration with the current contents of the files.
func (a *action) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{}
	if a.tls != nil {
		config = a.tls.Clone()
	}
	config.ServerName, config.MinVersion = a.host, tls.VersionTLS12
	return config, a.network.Certificates.AddTo(config)
}
